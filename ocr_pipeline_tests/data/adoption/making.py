"""A folder as the guide's scripts leave it behind."""

from __future__ import annotations

import gzip
import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import lmdb

from ocr_pipeline.data.adoption import Outcome, adopt
from ocr_pipeline.storage.artifacts.manifest import quarantine_path
from ocr_pipeline.storage.artifacts.quarantine_files import read_quarantine
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.trees import picture, wild_image, wild_label, wild_word

BOX = [10, 10, 110, 110, 20, 50, 20, 50]


def write_lmdb(
    folder: Path, samples: Sequence[tuple[bytes | None, bytes | None]], *, first: int = 0, keys=("image", "label")
) -> Path:
    """A recognition LMDB; a part that is None is left out."""
    folder.mkdir(parents=True)
    with lmdb.open(str(folder), map_size=1 << 24) as environment, environment.begin(write=True) as transaction:
        for number, sample in enumerate(samples, start=first):
            for key, value in zip(keys, sample, strict=True):
                if value is not None:
                    transaction.put(f"{key}-{number:09d}".encode(), value)
        transaction.put(b"num-samples", str(len(samples)).encode())
    return folder


def write_json(path: Path, document: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, ensure_ascii=False, indent=2), encoding="utf-8")
    return path


def write_pickle(path: Path, content: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(pickle.dumps(content, pickle.HIGHEST_PROTOCOL), 9))
    return path


def write_jsonl(path: Path, crops: Mapping[str, str]) -> Path:
    """Lines of crop path -> text."""
    lines = [
        {
            "image_info": [{"matched_text_index": 0, "image_url": url}],
            "text_info": [{"text": "OCR:", "tag": "mask"}, {"text": text, "tag": "no_mask"}],
        }
        for url, text in crops.items()
    ]
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return path


def merged_of_corners() -> dict[str, Any]:
    return {
        "images": [{"id": 1, "file_name": "IMG_1", "width": 200, "height": 100, "original_json_path": "/mnt/1.json"}],
        "annotations": [
            {"id": 1, "image_id": 1, "text": "가", "bbox": BOX},
            {"id": 2, "image_id": 1, "text": "나", "bbox": BOX},
        ],
        "categories": [],
        "info": {"version": "1.0"},
    }


def merged_of_dotted_keys() -> dict[str, Any]:
    return {
        "images": [{"id": 7, "image.file.name": "a.jpg", "image.width": 200, "image.height": 100}],
        "annotations": [{"id": 5, "image_id": 7, "annotation.text": "시장", "annotation.bbox": [10, 20, 100, 30]}],
    }


def write_folder(root: Path) -> Path:
    """Every kind of file once, sound."""
    write_json(root / "json_merged/handwriting_train_merged.json", merged_of_corners())
    write_json(root / "json_merged/public_admin_valid_merged.json", merged_of_dotted_keys())
    wild = wild_label([wild_image("1", "A.jpg")], [wild_word("1", "가", [10, 20, 100, 30])])
    write_json(root / "json_merged/textinthewild_data_info.json", wild)
    write_pickle(root / "FAST/FAST/lookup_handwriting_train.pkl.gz", {"IMG_1": "/run/Y:\\ocr_dataset/IMG_1.png"})
    write_lmdb(root / "handwriting_annotations_train.lmdb", [(picture(".jpg"), "가".encode())] * 2)
    crop = root / "crops/handwriting/valid/hw_1_000000_1a2b3c4d.jpg"
    crop.parent.mkdir(parents=True)
    crop.write_bytes(picture(".jpg"))
    write_jsonl(root / "handwriting_annotations_valid.jsonl", {str(crop): "나"})
    return root


def only(folder: Path, workspace: Workspace) -> Outcome:
    """What became of a folder with one piece of work."""
    (outcome,), _ = adopt(folder, workspace)
    return outcome


def reasons(workspace: Workspace, form: str) -> dict[str, str]:
    """Why words of an adopted artifact are set aside, by picture."""
    target = workspace.annotations("handwriting", "train", form)
    return {record.image: record.reason for record in read_quarantine(quarantine_path(target))}
