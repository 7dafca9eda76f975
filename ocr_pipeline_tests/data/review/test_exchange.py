"""Suspects through the files of other programs and back: nothing is lost, and what cannot be matched is named."""

from __future__ import annotations

import base64
import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest
from click.testing import CliRunner

from ocr_pipeline.cli import cli
from ocr_pipeline.data.corrections import read_overlay
from ocr_pipeline.data.review import FORMS, Exported, Pictures, Sitting, export_suspects, read_review
from ocr_pipeline.data.review.suspects.suspect import NOBODYS_WORD, Suspect
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.review.looking import KEY, Parrot, search
from ocr_pipeline_tests.data.review.test_page import suspect
from ocr_pipeline_tests.trees import hand_tree, picture, write_tree

TEXTS = ("한극", "=1+1", "true story", " 가 ", "null", '"a",b')


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    for number in range(len(TEXTS) + 1):
        (tmp_path / f"{number}.png").write_bytes(picture(seed=number))
    return Pictures(Share(tmp_path))


def rows() -> list[Suspect]:
    labelled = [suspect(number, text=text) for number, text in enumerate(TEXTS)]
    return [*labelled, suspect(len(TEXTS), kind="unlabelled", word=NOBODYS_WORD, text="", reading="새말")]


def export(folder: Path, form: str, pictures: Pictures) -> Exported:
    exported = Exported.of(KEY, folder, rows())
    export_suspects(folder, form, exported, pictures)
    return exported


def decided(sitting: Sitting) -> list[tuple[str, str, str]]:
    return [(row.image.removesuffix(".png"), row.action, row.after) for row in sitting.corrections]


@pytest.mark.parametrize("form", FORMS)
def test_where_nothing_was_decided_nothing_comes_back(tmp_path: Path, pictures: Pictures, form: str) -> None:
    export(tmp_path / "out", form, pictures)
    source = tmp_path / "out" / "tasks.json" if form == "label-studio" else tmp_path / "out"
    sitting = read_review(source)
    assert (sitting.partition, sitting.corrections, sitting.unmatched) == (KEY, [], [])
    for crop in (tmp_path / "out").rglob("*.jpg"):
        assert cv2.imdecode(np.frombuffer(crop.read_bytes(), np.uint8), cv2.IMREAD_COLOR).shape[1] >= 16


def test_a_table_and_back(tmp_path: Path, pictures: Pictures) -> None:
    export(tmp_path / "out", "csv", pictures)
    table = tmp_path / "out" / "suspects.csv"
    lines = table.read_text(encoding="utf-8-sig").splitlines()
    assert "'=1+1" in lines[2]
    ends = ["text,한국,", "keep,,seen", ",new story,", "ignore,,", "delete,,", "nonsense,,", "text,새 말,"]
    lines[1:] = [line.removesuffix(",,") + end for line, end in zip(lines[1:], ends, strict=True)]
    table.write_text("\r\n".join(lines), encoding="utf-8-sig")
    sitting = read_review(tmp_path / "out")
    assert decided(sitting) == [
        ("0", "text", "한국"),
        ("1", "keep", ""),
        ("2", "text", "new story"),
        ("3", "ignore", ""),
        ("4", "delete", ""),
        ("6", "add", "새 말"),
    ]
    assert sitting.corrections[1].note == "seen" and sitting.corrections[5].after_quad
    assert [row.before for row in sitting.corrections[:5]] == list(TEXTS[:5])
    assert len(sitting.unmatched) == 1 and "'nonsense' is none of" in sitting.unmatched[0]


def as_ppocrlabel_saves(line: str) -> str:
    """PPOCRLabel 3 reads its file by `eval` after these replacements, and writes JSON without escapes."""
    name, _, boxes = line.partition("\t")
    read = json.loads(boxes)
    for box in read:
        for plain, python in (("true", "True"), ("false", "False"), ("null", "None")):
            box["transcription"] = box["transcription"].replace(plain, python)
        box["difficult"] = False
    return f"{name}\t{json.dumps(read, ensure_ascii=False)}"


def test_ppocrlabel_and_back(tmp_path: Path, pictures: Pictures) -> None:
    export(tmp_path / "out", "ppocrlabel", pictures)
    labels, states = tmp_path / "out" / "Label.txt", tmp_path / "out" / "fileState.txt"
    lines = list(map(as_ppocrlabel_saves, labels.read_text().splitlines()))
    names = [line.partition("\t")[0] for line in lines]
    assert names == [line.removesuffix("\t1") for line in states.read_text().splitlines()]
    assert all((tmp_path / name).exists() for name in names), "pictures are named from the folder above"
    lines[0] = lines[0].replace("한극", "한\u2028국")
    lines[6] = lines[6].replace('"transcription": ""', '"transcription": "새말"')
    lines[3] = lines[3].replace("[{", '[{"transcription": "x", "points": []}, {')
    del lines[5]
    labels.write_text("\n".join(lines) + "\nout/foreign.jpg\t[]\n")
    sitting = read_review(tmp_path / "out")
    assert decided(sitting) == [("0", "text", "한\u2028국"), ("6", "add", "새말")]
    told = " ".join(sitting.unmatched)
    assert len(sitting.unmatched) == 3
    assert "2 boxes" in told and "foreign" in told and "does not hold it any more" in told


def annotation(verdict: str | None, text: str | None = None, when: str = "2026-11-29T12:00:00Z", **more) -> dict:
    said = [("verdict", "choices", {"choices": [verdict]})] if verdict else []
    said += [("text", "textarea", {"text": [text]})] if text is not None else []
    result = [{"from_name": name, "to_name": "image", "type": kind, "value": value} for name, kind, value in said]
    return {"result": result, "was_cancelled": False, "updated_at": when, "completed_by": 1, **more}


def test_label_studio_and_back(tmp_path: Path, pictures: Pictures) -> None:
    exported = export(tmp_path / "out", "label-studio", pictures)
    tasks = json.loads((tmp_path / "out" / "tasks.json").read_text())
    assert [task["data"]["label"] for task in tasks] == [*TEXTS, ""]
    assert base64.b64decode(tasks[0]["data"]["image"].partition(",")[2])[:2] == b"\xff\xd8"
    for task, found in zip(
        tasks,
        [
            [annotation("text", "한국")],
            [annotation("keep")],
            [annotation("ignore", when="2026-11-29T12:00:00Z"), annotation("delete", when="2026-11-29T13:00:00Z")],
            [annotation("delete", was_cancelled=True)],
            [annotation(None)],
            [annotation("keep", "한국")],
            [annotation("text", "새말")],
        ],
        strict=True,
    ):
        task.update(id=7, annotations=found)
    tasks.append({"data": {"suspect": "of another_000001"}, "annotations": []})
    path = tmp_path / "out" / "project-1.json"
    path.write_text(json.dumps(tasks))
    sitting = read_review(path)
    assert decided(sitting) == [("0", "text", "한국"), ("1", "keep", ""), ("2", "delete", ""), ("6", "add", "새말")]
    assert sitting.corrections[0].review == exported.review and sitting.corrections[0].who == "user 1"
    told = " ".join(sitting.unmatched)
    assert len(sitting.unmatched) == 4 and "several people" in told and "no verdict" in told and "another" in told
    assert "a new text, and the verdict is keep" in told


def test_a_folder_without_decisions_says_what_to_put_there(tmp_path: Path, pictures: Pictures) -> None:
    export(tmp_path / "out", "label-studio", pictures)
    with pytest.raises(PipelineError, match=r"nothing that was decided is here.*JSON export"):
        read_review(tmp_path / "out")


def test_what_is_damaged_is_refused(tmp_path: Path, pictures: Pictures) -> None:
    export(tmp_path / "out", "ppocrlabel", pictures)
    (tmp_path / "out" / "Label.txt").write_text("out/x.jpg\t[{]")
    with pytest.raises(PipelineError, match="labels of PPOCRLabel cannot be read"):
        read_review(tmp_path / "out")
    (tmp_path / "out" / "x.json").write_text('[{"data": 1}]')
    with pytest.raises(PipelineError, match="no JSON export of Label Studio"):
        read_review(tmp_path / "out" / "x.json")
    (tmp_path / "out" / "suspects.json").unlink()
    with pytest.raises(PipelineError, match="neither what the review page saved nor what was exported"):
        read_review(tmp_path / "out")


class Enlarged(Pictures):
    """The same crop for every suspect, as large as those of a good scan."""

    def crops(self, suspects: Sequence[Suspect]) -> list[bytes]:
        return [bytes([number % 256]) * 20_000 for number, _ in enumerate(suspects)]


def test_an_export_holds_the_crops_of_a_few_suspects_only(tmp_path: Path) -> None:
    exported = Exported.of(KEY, tmp_path / "out", [suspect(number) for number in range(2000)])
    tracemalloc.start()
    export_suspects(tmp_path / "out", "label-studio", exported, Enlarged(Share(tmp_path)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    written = sum(path.stat().st_size for path in (tmp_path / "out").rglob("*"))
    assert peak < 12e6 < 40e6 <= written, "two windows of crops, never all of them"


@pytest.mark.parametrize("form", FORMS)
def test_the_command(tmp_path: Path, workspace: Workspace, form: str) -> None:
    share = write_tree(tmp_path / "share", hand_tree(3))
    search(share, workspace, Parrot())

    def told(*arguments: str):
        places = ["--output", str(workspace.root)]
        return CliRunner().invoke(cli, ["review", *arguments, *places], env={"COLUMNS": "300"})

    folder = tmp_path / "out"
    command = ("export", KEY, str(folder), "--to", form, "--source", str(share))
    assert "3 suspects" in told(*command).output
    assert "the folder is there already" in str(told(*command).exception)
    if form == "csv":
        table = folder / "suspects.csv"
        table.write_text(table.read_text(encoding="utf-8-sig").replace(",가나,,,", ",가나,text,가나,"), "utf-8-sig")
        assert told("import", str(folder)).exit_code == 0
        assert [row.after for row in read_overlay(workspace.corrections(KEY))] == ["가나"] * 3
    exported = msgspec.json.decode((folder / "suspects.json").read_bytes(), type=Exported)
    assert len(exported.suspects) == 3 and exported.find(exported.key(2)) == exported.suspects[2]
