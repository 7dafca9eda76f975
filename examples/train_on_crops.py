"""Train the recognizer on a folder of crops: python examples/train_on_crops.py CROPS_FOLDER OUTPUT [STEPS]

The folder holds pictures and a file ``labels.tsv`` with a line for each: file name, tab, text.
"""

import json
import sys
from pathlib import Path

from ocr_pipeline.recognition.dlora import DloraTraining, train_dlora

HELD_OUT = 10
"""One crop of so many is not learned from, but measures."""


def write_jsonl(path: Path, folder: Path, rows: list[list[str]]) -> Path:
    """Crops in the form of the guide's step 4."""
    with path.open("w", encoding="utf-8") as file:
        for name, text in rows:
            picture = {"matched_text_index": 0, "image_url": str((folder / name).absolute())}
            texts = [{"text": "OCR:", "tag": "mask"}, {"text": text, "tag": "no_mask"}]
            file.write(json.dumps({"image_info": [picture], "text_info": texts}, ensure_ascii=False) + "\n")
    return path


def main(folder: Path, output: Path, steps: int) -> None:
    rows = [line.split("\t") for line in (folder / "labels.tsv").read_text(encoding="utf-8").splitlines()]
    output.mkdir(parents=True, exist_ok=True)
    train = write_jsonl(output / "train.jsonl", folder, [row for place, row in enumerate(rows) if place % HELD_OUT])
    valid = write_jsonl(output / "valid.jsonl", folder, rows[::HELD_OUT])
    settings = DloraTraining(
        output_dir=str(output / "run"),
        model_name_or_path="korean_words",
        max_steps=steps,
        per_device_train_batch_size=16,
        learning_rate=1e-3,
        eval_steps=steps,
    )
    result = train_dlora(settings, [train], [valid])
    if result.base and result.best:
        print(f"CER {result.base.cer:.3f} before, {result.best.cer:.3f} after, {result.best.count} crops held out")
    print(f"ocr-pipeline recognize --images_dir {folder} --output_csv read.csv --ckpt {result.checkpoint}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 200)
