"""What people mistype and mistake: each ends with one line that names the true cause, and without a traceback."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from PIL import Image

from ocr_pipeline.cli import main
from ocr_pipeline.data.synthetic import write_collection
from ocr_pipeline.models import KOREAN_WORDS, TINY_KOREAN

DETECT = ("detect", "--output", "found.png", "--image")
RECOGNIZE = ("recognize", "--images_dir", "words", "--output_csv", "read.csv")
TRAIN_FAST = ("train-fast", "--output_dir", "run", "--lmdb_base", "output", "--config")
TRAIN_DLORA = ("train-dlora", "--output_dir", "run", "--model_name_or_path", KOREAN_WORDS)
CROPS = {"LMDB_PATHS": "output/handwriting_annotations_train.lmdb"}
SET = "share/053.대용량 손글씨 OCR 데이터"
MERGED, LOOKUP = "output/json_merged/handwriting_train_merged.json", "output/lookup/lookup_handwriting_train.pkl.gz"
LAYOUT = "output/handwriting_train_layout.lmdb"
SHARE, OUTPUT, TRAIN = ("--source", "share"), ("--output", "output"), ("--partition", "handwriting_train")

MISTAKES: list[tuple[tuple[str, ...], dict[str, str], int, tuple[str, ...]]] = [
    # ---- verbs and flags
    (("mrege",), {}, 2, ("mrege", "merge")),
    (("merge", "--nonsense"), {}, 2, ("--nonsense",)),
    (("merge", "--partitoin", "handwriting"), {}, 2, ("--partition",)),
    (("merge", *SHARE, "--partition", "handwritng"), {}, 2, ("handwritng", "Did you mean handwriting?")),
    (("merge", *SHARE, "--workers", "0"), {}, 2, ("--workers", "x>=1")),
    (("merge", *SHARE, "--workers", "many"), {}, 2, ("many", "integer")),
    (("backfill", *SHARE, *OUTPUT, "--asset", "crops"), {}, 2, ("crops", "annotations")),
    (("quarantine", *OUTPUT, "--stage", "nonsense"), {}, 2, ("nonsense", "lookup")),
    (("quarantine", *OUTPUT, "--dataset", "hand"), {}, 2, ("hand", "handwriting")),
    (("rollback", "fast"), {}, 2, ("fast", "detector")),
    (("merge", *SHARE, "--partition", "handwriting_test"), {}, 2, ("handwriting_test", "Did you mean handwriting?")),
    (("merge", *SHARE, "--partition", "손글씨"), {}, 2, ("손글씨", "Did you mean handwriting?")),
    (("quarantine", "--dataset", "손글씨"), {}, 2, ("손글씨", "Did you mean handwriting?")),
    (("merge", *SHARE, "--partition", "handwriting_train,handwritng"), {}, 2, ("'handwritng'", "handwriting")),
    (("review", "opne"), {}, 2, ("opne", "export")),
    (("merge", "handwriting_train", *SHARE), {}, 2, ("unexpected extra argument (handwriting_train)",)),
    # ---- what a keyboard, a word processor or Windows makes of a line
    (("ㅡㄷㄱㅎㄷ", *SHARE), {}, 2, ("ㅡㄷㄱㅎㄷ", "Did you mean merge?")),
    (("Merge", *SHARE), {}, 2, ("Merge", "Did you mean merge?")),
    (("merge", "—source", "share"), {}, 2, ("—source", "Type --source")),
    (("merge", "-source", "share"), {}, 2, ("-source", "Type --source")),
    (("merge", "--source", "“share”"), {}, 1, ("“share”", "word processor", "'share'")),
    (("merge", r"--source=C:\Users\me\ocr"), {}, 1, ("path of Windows", "/mnt/c/Users/me/ocr")),
    (("merge", *SHARE, "--output", r"D:\ocr"), {}, 1, ("path of Windows", "/mnt/d/ocr")),
    (("merge", "--source", r"\\nas\ocr"), {}, 1, ("path of Windows", "smb://nas/ocr")),
    (("merge",), {"OCR_PIPELINE_SOURCE": r"C:\ocr"}, 1, ("path of Windows", "OCR_PIPELINE_SOURCE", "/mnt/c/ocr")),
    (TRAIN_DLORA, {"LMDB_PATHS": "“output/crops.lmdb”"}, 1, ("word processor", "LMDB_PATHS")),
    (("merge",), {"OCR_PIPELINE_SORCE": "share"}, 1, ("OCR_PIPELINE_SORCE", "Did you mean OCR_PIPELINE_SOURCE?")),
    (("status",), {"OCR_PIPELINE_OUTPT": "output"}, 1, ("OCR_PIPELINE_OUTPT", "Did you mean OCR_PIPELINE_OUTPUT?")),
    (("annotations", *SHARE, *OUTPUT), {"FAST_OUTPUT_FORMT": "lmdb"}, 1, ("FAST_OUTPUT_FORMT", "FAST_OUTPUT_FORMAT")),
    (TRAIN_DLORA, {"LMDB_PATH": "a.lmdb"}, 1, ("LMDB_PATH ", "Did you mean LMDB_PATHS?")),
    # ---- places
    (("merge", "--source", SET, *OUTPUT), {}, 1, ("none of the data sets is at the source", "one or two levels below")),
    (("merge", *SHARE, "--output", f"{SET}/out"), {}, 1, ("lie within each other", "beside the data sets")),
    (("status", "--output", "page.png"), {}, 1, ("page.png", "this is a file")),
    (("adopt", "empty", *OUTPUT), {}, 1, ("nothing here is finished work", "json_merged")),
    (("adopt", "page.png", *OUTPUT), {}, 1, ("this is a file", "page.png")),
    (("judge", "page.png", "--report", "r"), {}, 1, ("this is a file", "labelled pages")),
    (("review", "import", "notes.txt", *OUTPUT), {}, 1, ("notes.txt", "review page saved")),
    (("demo", "--folder", "page.png"), {}, 1, ("page.png is a file",)),
    (("serve", "--port", "99999"), {}, 2, ("99999", "65535")),
    (("serve", "--champions", "nowhere"), {}, 1, ("fast_champion is not published",)),
    (("serve", "--host", "0.0.0.0"), {}, 1, ("OCR_PIPELINE_TOKEN",)),
    (("read", "nope.jpg", "--output", "r"), {}, 1, ("nope.jpg", "Check its path")),
    (("read", "page.png", "--output", "r", "--form", "doc"), {}, 1, ("doc", "txt, json, pdf")),
    (("read", "page.png", "--output", "r", "--detector", "nope.pth"), {}, 1, ("nope.pth", ".pth file")),
    (("read", "page.png", "--output", "page.png"), {}, 1, ("would replace what is read",)),
    (("merge",), {}, 1, ("no source is set", "OCR_PIPELINE_SOURCE")),
    (("merge", "--source", "nowhere"), {}, 1, ("nowhere", "Mount the share")),
    (("merge", "--source", "page.png"), {}, 1, ("page.png",)),
    (("merge", "--source", "empty", *OUTPUT), {}, 1, ("none of the data sets is at the source",)),
    (("merge", "--source", "gopher://x/y"), {}, 1, ("gopher",)),
    (("merge", "--source", "ftp://127.0.0.1:9/sets"), {}, 1, ("127.0.0.1",)),
    (("merge", *SHARE, "--output", ""), {}, 1, ("output folder has no name",)),
    (("merge", *SHARE, "--output", "http://x/y"), {}, 1, ("http://x/y",)),
    (("merge", *SHARE, "--output", "page.png"), {}, 1, ("page.png",)),
    (("merge", *SHARE, "--output", "/proc/ocr"), {}, 1, ("/proc/ocr",)),
    (("status", "--output", "outptu"), {}, 1, ("there is no output folder", "outptu")),
    (("quarantine", "--output", "outptu"), {}, 1, ("there is no output folder",)),
    (("champions", "--output", "outptu"), {}, 1, ("there is no output folder",)),
    (("quality", *OUTPUT), {}, 1, ("no source is set",)),
    (("adopt", "nowhere", *OUTPUT), {}, 1, ("nowhere",)),
    # ---- order and settings of the data steps
    (("lookup", *SHARE, "--output", "fresh"), {}, 1, ("merged_json", "ocr-pipeline merge")),
    (("annotations", *SHARE, "--output", "fresh"), {}, 1, ("merged_json", "ocr-pipeline merge")),
    (("layout", *SHARE, "--output", "fresh"), {}, 1, ("merged_json", "ocr-pipeline merge")),
    (("quality", *SHARE, "--output", "fresh"), {}, 1, ("merged_json", "ocr-pipeline merge")),
    (("annotations", *SHARE, *OUTPUT), {"FAST_OUTPUT_FORMAT": "xml"}, 1, ("FAST_OUTPUT_FORMAT", "jsonl or lmdb")),
    (("annotations", *SHARE, *OUTPUT, "--crop", "bix"), {}, 2, ("bix", "--crop")),
    (("annotations", *SHARE, *OUTPUT, "--codec", "gif"), {}, 2, ("gif", "jpeg")),
    (("annotations", *SHARE, *OUTPUT, "--margin", "wide"), {}, 1, ("wide", "10%")),
    (("layout", *SHARE, *OUTPUT), {"FAST_LAYOUT_DEVICE": "tpu"}, 1, ("tpu", "FAST_LAYOUT_DEVICE", "cpu")),
    (("layout", *SHARE, *OUTPUT, *TRAIN, "--device", "cpu", "--model", "/nowhere"), {}, 1, ("/nowhere", "hf download")),
    # ---- detector
    ((*DETECT, "nope.jpg"), {}, 1, ("nope.jpg", "cannot be opened")),
    ((*DETECT, "notes.txt"), {}, 1, ("notes.txt",)),
    ((*DETECT, "empty"), {}, 1, ("empty", "picture")),
    ((*DETECT, "page.png", "--checkpoint", "nope.pth"), {}, 1, ("no such checkpoint", "nope.pth")),
    ((*DETECT, "page.png", "--checkpoint", "notes.txt"), {}, 1, ("no checkpoint", "notes.txt")),
    ((*DETECT, "page.png", "--checkpoint", str(TINY_KOREAN)), {}, 1, ("this is a folder", "recognizer")),
    ((*DETECT, "page.png", "--config", "nope.yaml"), {}, 1, ("nope.yaml", "base_736.yaml")),
    ((*DETECT, "page.png", "--device", "gpu"), {}, 1, ("no CUDA device", "cpu")),
    ((*DETECT, "page.png", "--device", "tpu"), {}, 2, ("tpu", "cuda:1")),
    ((*DETECT, "page.png", "--min_score", "high"), {}, 2, ("high", "a number")),
    (("detect", "--image", "page.png", "--output", "found.txt"), {}, 1, ("found.txt",)),
    (("detect", "--image", "page.png", "--output", "page.png"), {}, 1, ("page.png",)),
    (("train-fast",), {}, 2, ("--config",)),
    ((*TRAIN_FAST, "nope.yaml"), {}, 1, ("nope.yaml", "base_736.yaml")),
    ((*TRAIN_FAST, "narrow_demo.yaml", "--deepspeed"), {}, 2, ("--deepspeed",)),
    ((*TRAIN_FAST, "narrow_demo.yaml", "--steps_per_epoch", "5"), {}, 2, ("--steps_per_epoch",)),
    ((*TRAIN_FAST, "narrow_demo.yaml", "--batch_size", "0"), {}, 2, ("0", "from 1 on")),
    ((*TRAIN_FAST, "narrow_demo.yaml", "--learning_rate", "nan"), {}, 2, ("nan",)),
    ((*TRAIN_FAST, "narrow_demo.yaml", "--compile_mode", "fastest"), {}, 2, ("fastest", "max-autotune")),
    ((*TRAIN_FAST, "narrow_demo.yaml", "--lmdb_base", "empty"), {}, 1, ("_train_layout.lmdb", "empty")),
    ((*TRAIN_FAST, "narrow_demo.yaml", "--device", "cuda"), {}, 1, ("no CUDA device",)),
    (("export-fast", "--checkpoint", "nope.pth", "--output", "x.onnx"), {}, 1, ("nope.pth",)),
    ((*DETECT, "page.png", "--checkpoint", MERGED), {}, 1, ("it holds no weights", ".pth")),
    (("detect", "--image", "words", "--output", "page.png"), {}, 1, ("page.png", "Name a folder")),
    (("detect", "--image", "found.png", "--output", "page.png"), {}, 1, ("found.png", "cannot be opened")),
    ((*TRAIN_FAST, "output"), {}, 1, ("Is a directory", "output")),
    ((*TRAIN_FAST, MERGED), {}, 1, ("the configuration is wrong", "fast/configs")),
    (
        (*TRAIN_FAST, "narrow_demo.yaml", "--lmdb_base", LAYOUT),
        {},
        1,
        ("an LMDB itself", "above it, output"),
    ),
    ((*TRAIN_FAST, "narrow_demo.yaml", "--lmdb_base", LOOKUP), {}, 1, ("no *_train_layout.lmdb", LOOKUP)),
    ((*TRAIN_FAST, "narrow_demo.yaml", "--output_dir", "page.png"), {}, 1, ("page.png", "page.png is a file")),
    ((*TRAIN_FAST, "narrow_demo.yaml", "--learning_rate", "0,001"), {}, 2, ("0,001", "a number above 0")),
    # ---- recognizer
    (
        ("recognize", "--images_dir", "page.png", "--output_csv", "x.csv"),
        {},
        1,
        ("this is a file", "of pictures"),
    ),
    ((*RECOGNIZE, "--ckpt", "page.png"), {}, 1, ("no checkpoint of a recognizer", "page.png")),
    (TRAIN_DLORA, {"LMDB_PATHS": LOOKUP}, 1, ("neither an LMDB nor a .jsonl", "step 4")),
    (TRAIN_DLORA, {"LMDB_PATHS": MERGED}, 1, ("neither an LMDB nor a .jsonl", "step 4")),
    (TRAIN_DLORA, {"LMDB_PATHS": f"{CROPS['LMDB_PATHS']}/data.mdb"}, 1, ("the LMDB itself", CROPS["LMDB_PATHS"])),
    ((*TRAIN_DLORA, "--output_dir", "page.png"), CROPS, 1, ("page.png", "page.png is a file")),
    ((*TRAIN_DLORA, "--resume_from_checkpoint", "nope"), CROPS, 1, ("nope", "checkpoint-N")),
    (("check-base", "notes.txt"), {}, 1, ("no such base model", "notes.txt")),
    (("pretrain-recognizer", "base", "--set", "minuts=5"), {}, 1, ("minuts", "--set")),
    (("recognize", "--images_dir", "nowhere", "--output_csv", "x.csv"), {}, 1, ("nowhere",)),
    (("recognize", "--images_dir", "empty", "--output_csv", "x.csv"), {}, 1, ("empty", "picture")),
    ((*RECOGNIZE, "--device", "gpu"), {}, 1, ("no CUDA device", "cpu")),
    ((*RECOGNIZE, "--device", "tpu"), {}, 2, ("tpu", "cuda:1")),
    ((*RECOGNIZE, "--ckpt", "nowhere"), {}, 1, ("nowhere", "checkpoint")),
    ((*RECOGNIZE, "--ckpt", "empty"), {}, 1, ("empty", "checkpoint-N")),
    ((*RECOGNIZE, "--batch_size", "0"), {}, 2, ("from 1 on",)),
    (("recognize", "--images_dir", "words", "--output_csv", "empty"), {}, 1, ("empty",)),
    (TRAIN_DLORA, {}, 1, ("no training data is named", "LMDB_PATHS")),
    (TRAIN_DLORA, {"LMDB_PATHS": "nope.lmdb"}, 1, ("no LMDB here", "nope.lmdb")),
    (TRAIN_DLORA, {"LMDB_PATHS": "a.lmdb,b.lmdb"}, 1, ("a.lmdb,b.lmdb", "':'")),
    (TRAIN_DLORA, {"LMDB_PATHS": "output/handwriting_train_layout.lmdb"}, 1, ("layout LMDB", "step 4")),
    ((*TRAIN_DLORA, "--method", "foo"), CROPS, 2, ("foo", "dlora")),
    ((*TRAIN_DLORA, "--lr_scheduler_type", "step"), CROPS, 2, ("step", "cosine")),
    ((*TRAIN_DLORA, "--bf16", "--fp16"), CROPS, 1, ("bf16 and fp16", "one of them")),
    ((*TRAIN_DLORA, "--leaning_rate", "1e-4"), CROPS, 2, ("--leaning_rate", "--learning_rate")),
    (TRAIN_DLORA, {**CROPS, "SAVE_STEPS": "many"}, 1, ("SAVE_STEPS", "whole number")),
    (
        ("train-dlora", "--output_dir", "run", "--model_name_or_path", "nowhere"),
        CROPS,
        1,
        ("no such base model", "nowhere"),
    ),
    (("check-base", "empty"), {}, 1, ("empty",)),
    (("merge-dlora", "--ckpt", "nowhere", "--output", "x"), {}, 2, ("nowhere", "does not exist")),
    (("merge-dlora", "--ckpt", str(TINY_KOREAN), "--output", "words"), {}, 1, ("words", "overwrite")),
    (("compare-recognizers", "--data", "nope.lmdb", "--base", str(TINY_KOREAN)), {}, 1, ("nope.lmdb",)),
    (("pretrain-recognizer", "base", "--set", "minutes"), {}, 2, ("FIELD=VALUE",)),
    (("rollback", "detector", *OUTPUT), {}, 1, ("no other champion",)),
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A share, the artifacts of one partition, and what lies about on a desk."""
    root = tmp_path_factory.mktemp("desk")
    write_collection(root / "share", pages={"handwriting_train": 2, "handwriting_valid": 1}, page_size=(256, 352))
    for command in ("merge", "lookup", "annotations", "layout"):
        lmdb = ("--output_format", "lmdb") if command == "annotations" else ()
        place = ("--source", f"{root}/share", "--output", f"{root}/output", "--partition", "handwriting")
        assert ended((command, *place, *lmdb), {}) == 0
    Image.fromarray(np.full((64, 96, 3), 255, np.uint8)).save(root / "page.png")
    (root / "notes.txt").write_text("no picture, no checkpoint")
    for name in ("empty", "words", "fresh"):
        (root / name).mkdir()
    Image.fromarray(np.full((32, 64, 3), 255, np.uint8)).save(root / "words" / "a.png")
    return root


def ended(arguments: tuple[str, ...], environment: dict[str, str]) -> object:
    """The exit code of a command with nothing else in its environment."""
    with (
        patch.dict(os.environ, {"HOME": "/nonexistent", **environment}, clear=True),
        patch.object(sys, "argv", ["ocr-pipeline", *arguments]),
        pytest.raises(SystemExit) as end,
    ):
        main()
    return end.value.code


@pytest.mark.parametrize(("arguments", "environment", "code", "words"), MISTAKES)
def test_a_mistake_is_told_by_its_true_cause(
    arguments: tuple[str, ...],
    environment: dict[str, str],
    code: int,
    words: tuple[str, ...],
    desk: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.chdir(desk)
    assert ended(arguments, environment) == code, capsys.readouterr()
    told = capsys.readouterr().err + "".join(f"{message}\n" for message in caplog.messages)
    assert all(word in told for word in words), told
    lines = [line for line in told.splitlines() if line.strip()]
    assert "Traceback" not in told and len(set(lines)) == len(lines) <= 12, told


def test_there_are_enough_of_them() -> None:
    assert len(MISTAKES) >= 57 + 30


def test_an_environment_without_unicode_is_told_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "ascii")
    monkeypatch.setattr(sys, "argv", ["ocr-pipeline", "merge", "--source", "anywhere"])
    with pytest.raises(SystemExit, match="1"):
        main()
    assert "LC_ALL=C.UTF-8" in capsys.readouterr().err
