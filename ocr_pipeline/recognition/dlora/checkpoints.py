"""Training checkpoints: ``checkpoint-N`` with both adapters, the processors, and all that an exact resume needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import PeftModel

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.recognition.dlora.adapters import save_adapters
from ocr_pipeline.recognition.dlora.base import Base
from ocr_pipeline.recognition.dlora.bases import record_base
from ocr_pipeline.recognition.dlora.card import model_card
from ocr_pipeline.recognition.pretrained import whole
from ocr_pipeline.storage.files.publishing import publish_folder
from ocr_pipeline.training.cards import CARD
from ocr_pipeline.training.retention import Checkpoints

STATE = "trainer_state.pt"
WHAT_STATE = "the state of the training"


def checkpoints_in(output_dir: Path) -> Checkpoints:
    """Those that a training can go on from."""
    return Checkpoints(output_dir, r"checkpoint-(\d+)")


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
        card = model_card(base.name, state, merged=not isinstance(model, PeftModel))
        (draft / CARD).write_text(card, encoding="utf-8")  # peft leaves a template with places of this machine
        torch.save(state, draft / STATE)


def load_state(folder: Path) -> dict[str, Any]:
    """The training state of a checkpoint, on the CPU.

    Raises:
        PipelineError: the folder holds none, or none that one could go on from.
    """
    if not (folder / STATE).is_file():
        raise PipelineError(
            f"there is no {STATE} to resume from", where=folder, remedy="Give a checkpoint-N folder of train_dlora."
        )
    with whole(WHAT_STATE, folder / STATE):
        state = torch.load(folder / STATE, map_location="cpu", weights_only=True)
        if not (isinstance(state["key"], dict) and isinstance(state["global_step"], int) and state["global_step"] > 0):
            raise ValueError("it does not say of which training it is, or how far that got")
        _ = [row["step"] for row in state["history"]]
        return state
