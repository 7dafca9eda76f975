"""The guide's own lines run as pasted, with the verb in the place of ``python X.py``.

Of a line only its paths are changed, for those of this machine; what a small machine cannot do is said after it.
"""

from __future__ import annotations

import logging
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from ocr_pipeline.cli import cli
from ocr_pipeline.data.synthetic import render_word, write_collection
from ocr_pipeline.fast import build_network, read_config
from ocr_pipeline.models import TINY_KOREAN

GUIDE = (Path(__file__).parent / "guide_commands.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", GUIDE, re.DOTALL)
VERBS = {
    "merge_json_datasets.py": "merge",
    "ftp_tree_viewer.py": "lookup",
    "convert_lookup_to_pickle.py": "lookup",
    "create_all_datasets_annotations_jsonl.py": "annotations",
    "create_all_datasets_layout.py": "layout",
    "train_fast_from_lmdb.py": "train-fast",
    "infer_single_image.py": "detect",
    "train_dlora.py": "train-dlora",
    "infer_trocr_dir.py": "recognize",
}
SMALL = {
    "train-fast": "--config narrow_demo.yaml --max_steps 1 --no_compile --num_workers 0 --val_num_workers 0 "
    "--device cpu",
    "detect": "--device cpu",
    "train-dlora": "--max_steps 1 --dataloader_num_workers 0 --per_device_train_batch_size 4 --device cpu",
    "recognize": "--device cpu",
}
"""What a machine without a GPU says after the guide's flags; of two that contradict each other the last counts."""
NO_WEIGHTS = {"FAST_LAYOUT_MODEL": "none"}
"""PP-DocLayoutV2 would have to be fetched."""


class Desk:
    """A person with the guide: exports stay, commands run one after the other, paths are this machine's."""

    def __init__(self, root: Path) -> None:
        self.root, self.exported = root, dict[str, str]()
        self.paths = {
            "/mnt/nas/ocr_dataset": root / "output",
            "/home/mango/ocr_test": root,
            "/path/to/image.jpg": root / "page.png",
            "ddobokki/ko-trocr": TINY_KOREAN,
        }

    def paste(self, block: str) -> None:
        """Every export and every command of a block; ``ls``, ``cp`` and ``cd`` are the shell's own affair."""
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["export"]:
                self.exported |= dict(self._here(word).split("=", 1) for word in words[1:])
            elif words[:1] == ["python"]:
                self._run([word for word in words[1:] if word != "-u"])

    def _run(self, words: list[str]) -> None:
        verb = VERBS[Path(words[0]).name]
        arguments = [verb, *map(self._here, words[1:]), *shlex.split(SMALL.get(verb, ""))]
        places = {"OCR_PIPELINE_SOURCE": str(self.root / "share"), "OCR_PIPELINE_OUTPUT": str(self.root / "output")}
        told = CliRunner().invoke(cli, arguments, env={**self.exported, **places, **NO_WEIGHTS})
        assert told.exit_code == 0, (told.output, told.exception)

    def _here(self, word: str) -> str:
        for there, here in self.paths.items():
            word = word.replace(there, str(here))
        return word


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    root = tmp_path_factory.mktemp("guide")
    pages = dict.fromkeys(("public_admin_train", "public_admin_valid", "handwriting_train", "handwriting_valid"), 2)
    write_collection(root / "share", pages={**pages, "text_in_wild": 4}, page_size=(256, 352))
    Image.new("L", (96, 64), 255).save(root / "page.png")
    (root / "debug_samples").mkdir()
    word = render_word("서울시", font="sans", height=30, rng=np.random.default_rng(0))
    Image.fromarray(word).save(root / "debug_samples" / "a.png")
    start = root / "FAST" / "checkpoints" / "1024_finetune" / "checkpoint_7ep.pth"
    start.parent.mkdir(parents=True)
    torch.save({"state_dict": build_network("narrow").state_dict()}, start)
    yield Desk(root)


def test_the_blocks_are_those_of_the_guide() -> None:
    used = {Path(word).name for block in BLOCKS for word in block.split() if word.endswith(".py")}
    assert set(VERBS) <= used and len(BLOCKS) == 11


@pytest.mark.slow
def test_every_line_of_the_guide_runs(desk: Desk) -> None:
    for block in BLOCKS[:7]:
        desk.paste(block)
    assert {path.name for path in (desk.root / "output").glob("*_annotations_*")} >= {
        "handwriting_annotations_train.jsonl"
    }
    run = desk.root / "outputs" / "fast_lmdb_train"
    desk.paste(next(block for block in BLOCKS if "train_fast" in block))
    shutil.copy(run / "best_checkpoint.pth", run / "checkpoint_epoch_1.pth")
    for block in (block for block in BLOCKS if "infer_single" in block or "train_dlora" in block):
        desk.paste(block)
    trained = desk.root / "output" / "dlora_ko_trocr_multi"
    shutil.copytree(trained / "checkpoint-1", trained / "checkpoint-60000")
    desk.paste(BLOCKS[-1])
    assert (desk.root / "debug_infer.csv").exists() and (run.parent / "fast_det.json").exists()


@pytest.mark.parametrize(
    ("named", "ours"),
    [
        ("config/fast/ic15/fast_sample_finetune.py", "base_736.yaml"),
        ("/home/mango/ocr_test/FAST/config/fast/korean_ocr/multi_lmdb_config.py", "base_640.yaml"),
    ],
)
def test_the_guides_configurations_have_their_equals(named: str, ours: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ocr_pipeline")
    assert read_config(Path(named)) == read_config(Path(ours))
    assert f"{named} is not here; {ours}, which comes with the package, equals it" in caplog.text
