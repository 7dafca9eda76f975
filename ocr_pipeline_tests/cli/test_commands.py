"""The guide's commands: what they print, what they refuse, and with which exit code."""

from __future__ import annotations

import logging
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from ocr_pipeline.cli import COMMANDS, main
from ocr_pipeline.data.synthetic import render_word, write_collection
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast import build_network
from ocr_pipeline.models import TINY_KOREAN
from ocr_pipeline.recognition.dlora import DloraData
from ocr_pipeline.storage.files.lmdb_files import LmdbWriter
from ocr_pipeline_tests.cli.running import invoke
from ocr_pipeline_tests.data.adoption.making import write_folder
from ocr_pipeline_tests.documentation.pages import REPOSITORY


def ocr_pipeline(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; sys.argv[0] = 'ocr-pipeline'; from ocr_pipeline.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={"PATH": "", "HOME": "/nonexistent", "PYTHONPATH": str(REPOSITORY), "PYTHONIOENCODING": "utf-8"}
        | environment,
        check=False,
    )


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("share")
    write_collection(root, pages={"handwriting_train": 2, "text_in_wild": 3}, page_size=(256, 352))
    return root


def test_every_command_has_help() -> None:
    for name in COMMANDS:
        code, output = invoke(name, "--help")
        assert code == 0 and "Usage:" in output


def test_the_data_steps_one_after_the_other(share: Path, tmp_path: Path) -> None:
    place = ("--source", share, "--output", tmp_path)
    for command in ("merge", "lookup", "annotations", "layout"):
        code, output = invoke(command, *place, "--partition", "handwriting")
        assert code == 0, output
        assert "handwriting_train" in output and "text_in_wild" not in output
    assert (tmp_path / "handwriting_annotations_train.jsonl").exists()
    assert (tmp_path / "handwriting_train_layout.lmdb" / "data.mdb").exists()


def test_what_is_current_is_made_anew_only_where_that_is_said(share: Path, tmp_path: Path) -> None:
    place = ("--source", share, "--output", tmp_path, "--partition", "handwriting_train", "--workers", 1)
    for command, name in (
        ("merge", "json_merged/handwriting_train_merged.json"),
        ("lookup", "lookup/lookup_handwriting_train.pkl.gz"),
        ("annotations", "handwriting_annotations_train.jsonl"),
        ("layout", "handwriting_train_layout.lmdb/data.mdb"),
    ):
        options = place[:-2] if command == "lookup" else place
        assert invoke(command, *options)[0] == 0
        first, content = (tmp_path / name).stat().st_mtime_ns, (tmp_path / name).read_bytes()
        assert invoke(command, *options)[0] == 0
        assert (tmp_path / name).stat().st_mtime_ns == first, command
        assert invoke(command, *options, "--rebuild")[0] == 0
        assert (tmp_path / name).stat().st_mtime_ns > first, command
        assert (tmp_path / name).read_bytes() == content, command


def test_crops_are_made_as_the_flags_say_and_what_they_filter_is_shown(share: Path, tmp_path: Path) -> None:
    place = ("--source", share, "--output", tmp_path, "--partition", "handwriting_train")
    for command in ("merge", "lookup"):
        invoke(command, *place)
    code, output = invoke("annotations", *place, "--max_chars", 1, "--codec", "png", "--crop", "quad", "--margin", "2")
    assert code == 0, output
    assert "filtered too_long" in output
    assert list((tmp_path / "crops").rglob("*.png"))


def test_status_tells_complete_missing_and_stale(tmp_path: Path) -> None:
    share, place = tmp_path / "share", ("--output", tmp_path / "out", "--partition", "handwriting_train")
    write_collection(share, pages={"handwriting_train": 2}, page_size=(256, 352))
    invoke("merge", "--source", share, *place)
    code, output = invoke("status", "--source", share, *place)
    assert code == 0 and "complete" in output and "missing" in output and "stale" not in output
    write_collection(share, pages={"handwriting_train": 3}, page_size=(256, 352))
    assert "stale (labels changed)" in invoke("status", "--source", share, *place)[1]


def test_a_mount_that_is_away_is_not_taken_for_labels_that_changed(tmp_path: Path) -> None:
    share, place = tmp_path / "share", ("--output", tmp_path / "out")
    write_collection(share, pages={"handwriting_train": 2}, page_size=(256, 352))
    invoke("merge", "--source", share, *place)
    share.rename(tmp_path / "away")
    share.mkdir()
    code, output = invoke("status", "--source", share, *place)
    assert code == 0 and "stale" not in output
    assert "not compared: handwriting_train, handwriting_valid (the set is not on the share)" in output


def test_the_table_of_a_stage_tells_splits_apart(share: Path, tmp_path: Path) -> None:
    place = ("--source", share, "--output", tmp_path, "--partition", "text_in_wild")
    for verb in ("merge", "lookup"):
        assert re.findall("^text_in_wild.*?(?=  )", invoke(verb, *place)[1], re.MULTILINE) == ["text_in_wild"]
    for verb in ("annotations", "layout"):
        named = re.findall("^text_in_wild.*?(?=  )", invoke(verb, *place)[1], re.MULTILINE)
        assert named == ["text_in_wild train", "text_in_wild valid"]


def test_finished_work_is_adopted_and_what_is_not_is_listed(tmp_path: Path) -> None:
    write_folder(tmp_path / "old")
    (tmp_path / "old" / "optimized_lookup_handwriting_train.py").write_bytes(b"")
    code, output = invoke("adopt", tmp_path / "old", "--output", tmp_path / "out")
    assert code == 0, output
    assert "handwriting_annotations_train.lmdb" in output and "programs are never run" in output
    code, output = invoke("status", "--output", tmp_path / "out", "--partition", "handwriting_train")
    assert output.count("complete") == 3
    (tmp_path / "old" / "lookup_ocr_public_train.pkl.gz").write_bytes(b"no gzip")
    code, output = invoke("adopt", tmp_path / "old", "--output", tmp_path / "out")
    assert (code, "refused" in output, "already adopted" in output) == (1, True, True)


def test_hyphens_work_too(share: Path, tmp_path: Path) -> None:
    code, _ = invoke("merge", "--source", share, "--output", tmp_path, "--partition", "text_in_wild")
    assert code == 0
    underscored, hyphened = (
        invoke(
            "recognize", f"--images{sign}dir", tmp_path / "none", f"--output{sign}csv", tmp_path / "x.csv", "--nope"
        )[1]
        for sign in "_-"
    )
    assert "--nope" in underscored and "--nope" in hyphened


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "words"),
    [
        (("merge", "--nonsense"), {}, 2, ["--nonsense"]),
        (("merge", "--partition", "handwritng"), {}, 2, ["handwritng", "handwriting"]),
        (("merge",), {}, 1, ["OCR_PIPELINE_SOURCE"]),
        (("merge", "--source", "/nowhere/at/all"), {}, 1, ["/nowhere/at/all", "Mount the share"]),
        (
            ("annotations", "--source", "/", "--partition", "handwriting_train"),
            {"FAST_OUTPUT_FORMAT": "xml"},
            1,
            ["xml", "jsonl or lmdb"],
        ),
        (("annotations", "--source", "/proc/self", "--margin", "wide"), {}, 1, ["wide", "10%"]),
        (("annotations", "--source", "/proc/self", "--codec", "gif"), {}, 2, ["gif", "jpeg-lossless"]),
        (("annotations", "--source", "/proc/self", "--output", "/nowhere/out"), {}, 1, ["merged_json", "/nowhere/out"]),
        (("layout", "--source", "/proc/self"), {"FAST_LAYOUT_DEVICE": "tpu"}, 1, ["tpu", "FAST_LAYOUT_DEVICE"]),
        (("train-dlora", "--output_dir", "x", "--model_name_or_path", "x"), {}, 1, ["LMDB_PATHS"]),
        (
            ("train-fast", "--config", "/nowhere.py", "--output_dir", "x", "--lmdb_base", "/nowhere"),
            {},
            1,
            ["/nowhere"],
        ),
        (("detect", "--checkpoint", "/nowhere.pth", "--image", "a.png", "--output", "x"), {}, 1, ["/nowhere.pth"]),
        (("adopt", "/nowhere"), {}, 1, ["/nowhere"]),
        (("recognize", "--images_dir", "/nowhere", "--output_csv", "x.csv"), {}, 1, ["/nowhere"]),
    ],
)
def test_what_a_user_can_mend_is_said_without_a_traceback(
    arguments: tuple[str, ...],
    environment: dict[str, str],
    code: int,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["ocr-pipeline", *arguments])
    caplog.set_level(logging.INFO, "ocr_pipeline")  # as it was before, once the test is over
    with patch.dict(os.environ, {"HOME": "/nonexistent", **environment}, clear=True), pytest.raises(SystemExit) as end:
        main()
    said = capsys.readouterr().err
    assert end.value.code == code, said
    for word in words:
        assert word in said


def test_a_wrong_flag_ends_the_process_with_2() -> None:
    done = ocr_pipeline("merge", "--nonsense")
    assert done.returncode == 2 and "--nonsense" in done.stderr and "Traceback" not in done.stderr


def test_an_output_that_cannot_be_written_is_named(share: Path) -> None:
    done = ocr_pipeline("merge", "--source", share, "--output", "/proc/ocr", "--partition", "handwriting_train")
    assert done.returncode == 1 and "/proc/ocr" in done.stderr and "Traceback" not in done.stderr


def test_recognizers_are_merged_and_compared(tmp_path: Path) -> None:
    code, output = invoke("merge-dlora", "--ckpt", TINY_KOREAN, "--output", tmp_path / "plain")
    assert code == 0 and (tmp_path / "plain" / "model.safetensors").exists(), output
    rng = np.random.default_rng(0)
    with LmdbWriter(tmp_path / "set.lmdb") as writer:
        for number, text in enumerate(("서울", "부산"), start=1):
            crop = cv2.imencode(".png", render_word(text, font="sans", height=30, rng=rng))[1]
            writer.put(f"image-{number:09d}", crop.tobytes())
            writer.put(f"label-{number:09d}", text.encode())
        writer.put("num-samples", b"2")
    shutil.copytree(tmp_path / "plain", tmp_path / "other" / tmp_path.name / "plain")
    data = ("--data", tmp_path / "set.lmdb", "--device", "cpu")
    code, output = invoke(
        "compare-recognizers",
        *data,
        "--base",
        TINY_KOREAN,
        "--ckpt",
        tmp_path / "plain",
        "--ckpt",
        tmp_path / "other" / tmp_path.name / "plain",
        "--output_dir",
        tmp_path / "read",
    )
    assert code == 0 and "base" in output and "hf download" in output, output
    readings = sorted(path.relative_to(tmp_path / "read") for path in tmp_path.rglob("predictions.csv"))
    same = Path(tmp_path.name, "plain", "predictions.csv")
    assert readings == sorted([Path("base", "predictions.csv"), "other" / same, tmp_path.parent.name / same])


def test_data_paths_are_parted_by_colons() -> None:
    data = DloraData.from_environment({"LMDB_PATHS": "/a/x.lmdb:/b/y.jsonl"})
    assert DloraData.from_environment({"LMDB_PATHS": " /a/x.lmdb : /b/y.jsonl:"}) == data
    assert (data.train, data.valid) == ((Path("/a/x.lmdb"), Path("/b/y.jsonl")), ())


def test_detect_takes_a_folder_and_exits_with_1_when_a_picture_is_broken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    network, pages = build_network("narrow"), tmp_path / "pages"
    config = {"variant": "narrow", "short_size": 64}
    torch.save({"state_dict": network.state_dict(), "config": config}, tmp_path / "detector.pth")
    pages.mkdir()
    Image.new("L", (80, 64), 255).save(pages / "a.png")
    place = ("--checkpoint", tmp_path / "detector.pth", "--image", pages, "--output", tmp_path / "out")
    code, output = invoke("detect", *place)
    assert code == 0 and "a.png: " in output
    (pages / "b.png").write_text("no picture")
    code, output = invoke("detect", *place)
    assert code == 1 and "a.png: " in output and "b.png. " in caplog.text
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a.png.png", "a.png.json", "a.png.txt"}


def test_recognize_exits_with_1_when_a_crop_is_broken(tmp_path: Path) -> None:
    crops, table = tmp_path / "crops", tmp_path / "read.csv"
    crops.mkdir()
    Image.fromarray(render_word("서울시", font="sans", height=30, rng=np.random.default_rng(0))).save(crops / "a.png")
    place = ("--images_dir", crops, "--output_csv", table, "--base", TINY_KOREAN, "--device", "cpu")
    code, output = invoke("recognize", *place)
    assert code == 0 and "1 of 1" in output and table.read_text("utf-8-sig").endswith(",\n")  # no error
    (crops / "b.png").write_text("no picture")
    code, output = invoke("recognize", *place)
    broken = table.read_text("utf-8-sig").splitlines()[-1]
    assert code == 1 and "1 of 2" in output and broken.startswith(f'{crops / "b.png"},,,"the picture')


@pytest.mark.slow
def test_a_recognizer_is_exported(tmp_path: Path) -> None:
    code, output = invoke("export-dlora", "--ckpt", TINY_KOREAN, "--output", tmp_path / "onnx", "--max-len", 40)
    assert code == 0 and "token.start" in output, output
    assert {"encoder.onnx", "decoder.onnx", "tokenizer.json"} <= {path.name for path in (tmp_path / "onnx").iterdir()}


def test_a_drawn_partition_needs_no_source_and_is_shown_once_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCR_PIPELINE_SOURCE", raising=False)
    recipe = "synthetic: {pages: 1, words: 2, side: 256, faces: [Noto Sans KR]}"
    (tmp_path / "recipe.yaml").write_text(recipe, encoding="utf-8")
    assert "synthetic" not in invoke("status", "--output", tmp_path)[1]
    code, output = invoke("merge", "--output", tmp_path, "--partition", "synthetic_train")
    assert code == 0, output
    assert (tmp_path / "json_merged" / "synthetic_train_merged.json").exists()
    assert (tmp_path / "drawn" / "synthetic" / "1.Training.manifest.json").exists()
    shown = invoke("status", "--output", tmp_path)[1]
    assert "synthetic_train" in shown and "synthetic_valid" not in shown
    with pytest.raises(PipelineError, match="no source is set"):
        invoke("merge", "--output", tmp_path)
