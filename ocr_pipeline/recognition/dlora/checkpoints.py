"""Training checkpoints: ``checkpoint-N`` with both adapters, the processors, and all that an exact resume needs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.recognition.dlora.adapters import save_adapters
from ocr_pipeline.recognition.dlora.bases import record_base
from ocr_pipeline.recognition.dlora.recognizer import Base
from ocr_pipeline.storage.files.publishing import publish_folder

STATE = "trainer_state.pt"
_NAME = re.compile(r"checkpoint-(\d+)")


def checkpoint_path(output_dir: Path, step: int) -> Path:
    return output_dir / f"checkpoint-{step}"


def save_checkpoint(folder: Path, model: Any, base: Base, state: dict[str, Any]) -> None:
    """Publish a checkpoint: both adapters, or the whole model where all of it is trained.

    ``state`` may hold tensors and plain Python values only.
    """
    with publish_folder(folder) as draft:
        if isinstance(model, PeftModel):
            save_adapters(model, draft)
        else:
            model.save_pretrained(draft)
        base.save_processors(draft)
        record_base(draft, base.name, base.fingerprint)
        torch.save(state, draft / STATE)


def load_state(folder: Path) -> dict[str, Any]:
    """The training state of a checkpoint, on the CPU.

    Raises:
        PipelineError: the folder holds none.
    """
    if not (folder / STATE).is_file():
        raise PipelineError(
            f"there is no {STATE} to resume from", where=folder, remedy="Give a checkpoint-N folder of train_dlora."
        )
    return torch.load(folder / STATE, map_location="cpu", weights_only=True)


def last_checkpoint(output_dir: Path) -> Path | None:
    """The checkpoint of the highest step, or None."""
    found = _checkpoints(output_dir)
    return found[max(found)] if found else None


def prune_checkpoints(output_dir: Path, keep: int | None, spare: int | None) -> None:
    """Delete all but the newest ``keep`` checkpoints and that of step ``spare``."""
    found = _checkpoints(output_dir)
    if keep is None:
        return
    for step in sorted(found)[:-keep]:
        if step != spare:
            shutil.rmtree(found[step])


def _checkpoints(output_dir: Path) -> dict[int, Path]:
    if not output_dir.is_dir():
        return {}
    named = ((_NAME.fullmatch(path.name), path) for path in output_dir.iterdir())
    return {int(match[1]): path for match, path in named if match}
