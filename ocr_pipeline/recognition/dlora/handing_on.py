"""What of a recognizer's folder is for others: all that reads, with the card, and nothing of the training's state."""

from __future__ import annotations

from pathlib import Path

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.models import place_of
from ocr_pipeline.recognition.dlora.bases import RECORD, base_of
from ocr_pipeline.recognition.dlora.checkpoints import STATE
from ocr_pipeline.recognition.dlora.loading import CHECKPOINT, owns
from ocr_pipeline.recognition.dlora.saved_adapters import has_adapters
from ocr_pipeline.training.cards import CARD


def files_to_hand_on(folder: Path) -> list[Path]:
    """The files of a recognizer that another machine reads with.

    Raises:
        PipelineError: the folder holds no recognizer, or no card, or adapters to a base that only this machine has.
    """
    if not owns(folder):
        raise PipelineError("there is no recognizer here", where=folder, remedy=f"Give {CHECKPOINT}.")
    if not (folder / CARD).is_file():
        raise PipelineError(
            "the recognizer has no card",
            where=folder / CARD,
            remedy="Write what it was trained on and how well it reads, as `train-dlora` and `merge-dlora` do.",
        )
    own = {STATE}
    if has_adapters(folder):
        _demand_base_of_all(folder)
    else:
        own.add(RECORD)  # a whole model needs no base, and its record may name a folder
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not _is_own(path.relative_to(folder), own)]


def _is_own(path: Path, own: set[str]) -> bool:
    return path.name in own or any(part.startswith(".") for part in path.parts)


def _demand_base_of_all(folder: Path) -> None:
    base = base_of(folder)
    if place_of(base) == base and Path(base).exists():
        raise PipelineError(
            "the adapters belong to a base that lies on this machine alone",
            where=base,
            remedy=f"Push the whole model: `ocr-pipeline merge-dlora --ckpt {folder} --output merged` makes it.",
        )
