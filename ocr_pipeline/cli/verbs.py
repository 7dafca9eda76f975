"""The verbs: in which group each stands, where it is, and one line that a person can paste."""

from __future__ import annotations

from typing import NamedTuple


class Verb(NamedTuple):
    """A command of the command line.

    Attributes:
        place: its module below ``ocr_pipeline.cli`` and its name there.
        example: what may follow its name; shown below its help.
    """

    place: str
    example: str


GROUPS: dict[str, dict[str, Verb]] = {
    "Begin": {
        "demo": Verb("demo:demo", "--folder demo"),
        "doctor": Verb("doctor:doctor", "--source /mnt/share/ocr_dataset"),
    },
    "Data: steps 1 to 5 of the guide": {
        "status": Verb("status:status", "--partition handwriting"),
        "merge": Verb("data:merge", "--partition handwriting_train"),
        "lookup": Verb("data:lookup", "--partition handwriting_train"),
        "annotations": Verb("data:annotations_command", "--output_format lmdb"),
        "layout": Verb("data:layout", "--model PP-DocLayoutV2 --device gpu"),
        "quality": Verb("quality:quality", "--partition handwriting"),
        "quarantine": Verb("quarantine:quarantine", "--dataset handwriting --reason image_missing"),
        "suspects": Verb("suspects:suspects", "--partition handwriting_train"),
        "review": Verb("review:review", "import sitting.json"),
        "export-data": Verb("exporting:export_data_command", "crops --to hf --partition handwriting"),
        "adopt": Verb("adopt:adopt_command", "/mnt/nas/ocr_dataset --output data"),
    },
    "Detector: steps 6 and 7": {
        "draw-pages": Verb("drawing:draw_pages", "--lmdb_base drawn --pages 2000"),
        "train-fast": Verb(
            "training:train_fast_command", "--config base_736.yaml --lmdb_base data --output_dir runs/fast"
        ),
        "detect": Verb("inference:detect", "--image page.jpg --output found.png"),
        "export-fast": Verb("export:export_fast", "--checkpoint best_checkpoint.pth --output detector.onnx"),
    },
    "Recognizer: steps 8 and 9": {
        "draw-words": Verb("pretraining:draw_words_command", "synthetic.lmdb --words 100000"),
        "pretrain-recognizer": Verb("pretraining:pretrain_recognizer", "base --set minutes=600"),
        "check-base": Verb("training:check_base", "ddobokki/ko-trocr"),
        "train-dlora": Verb(
            "training:train_dlora_command", "--output_dir runs/dlora --model_name_or_path korean_words --bf16"
        ),
        "recognize": Verb("inference:recognize", "--images_dir words --output_csv read.csv --ckpt checkpoint-60000"),
        "compare-recognizers": Verb(
            "recognizers:compare_recognizers", "--data valid.lmdb --ckpt checkpoint-60000 --samples 1000"
        ),
        "merge-dlora": Verb("export:merge_dlora", "--ckpt checkpoint-60000 --output merged"),
        "export-dlora": Verb("export:export_dlora", "--ckpt checkpoint-60000 --output onnx"),
    },
    "Pages to text": {
        "read": Verb("reading:read", "scans letter.pdf --output read --form txt --form pdf"),
        "judge": Verb("judging:judge", "labelled --report judged --contestant shipped --contestant tesseract"),
        "serve": Verb("serving:serve", "--champions data --port 8300"),
    },
    "Operations": {
        "backfill": Verb("backfill:backfill", "--dataset handwriting --dry_run"),
        "champions": Verb("champions:champions", "--output data"),
        "rollback": Verb("champions:rollback", "detector --why 'misses small print'"),
        "push": Verb("push:push", "runs/fast/best_checkpoint.pth --repo NAME/REPO --private"),
        "lineage": Verb("lineage:lineage", "--checkpoint fast_champion"),
        "register": Verb("register:register_command", "--output data"),
        "forget": Verb("forget:forget", "--image IMG_00012.jpg --why 'request 17'"),
        "gc": Verb("gc:gc", "--dry_run"),
        "automation": Verb("automation:automation", "--source /mnt/share/ocr_dataset"),
        "paddle-env": Verb("data:paddle_env", "--gpu"),
    },
}

COMMANDS = {name: verb for verbs in GROUPS.values() for name, verb in verbs.items()}
