"""By what a training and its checkpoints are told to belong together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline.recognition.crops import Crops
from ocr_pipeline.recognition.dlora.base import Base
from ocr_pipeline.recognition.dlora.settings import CODE_VERSION, DloraTraining
from ocr_pipeline.settings import described, recorded
from ocr_pipeline.storage.artifacts.manifest import here_manifest
from ocr_pipeline.training.resuming import Key, data_key, filled

_JUDGES = ("eval_samples", "generation_max_length", "generation_num_beams")
_LEARNS_ALIKE = {
    *("model_name_or_path", "output_dir", "resume_from_checkpoint", "max_steps", "num_train_epochs"),
    *(
        "per_device_eval_batch_size",
        "dataloader_num_workers",
        "device",
        "use_cpu",
        "gradient_checkpointing",
        "strict_charset",
    ),
    *("save_steps", "save_total_limit", "eval_steps", "logging_steps", "report_to", "profile"),
    *("show_predictions", "show_training", "show_tokens", "show_gradients"),
    *_JUDGES,
}
"""Settings that change what is made of a training, where it lies or how long it is, but none of its steps."""


def training_key(settings: DloraTraining, base: Base, data: Crops, processes: int) -> Key:
    """All that decides the weights after so many steps."""
    return {
        "code version": CODE_VERSION,
        "base": base.fingerprint,
        "tokenizer": base.codec.fingerprint,
        "image processor": described(base.images),
        "training data": _data(data),
        "processes": processes,
        **_decisive(recorded(settings)),
    }


def key_of(state: Mapping[str, Any]) -> Key:
    """The key of the training that a checkpoint's state is of."""
    return _decisive(filled(state["key"], recorded(DloraTraining("", ""))))


def _decisive(values: Mapping[str, Any]) -> Key:
    return {name: value for name, value in values.items() if name not in _LEARNS_ALIKE}


def judging_key(settings: DloraTraining, valid: Crops) -> Key:
    """All that decides the scores of given weights."""
    return {"validation data": _data(valid), **{name: getattr(settings, name) for name in _JUDGES}}


def _data(crops: Crops) -> list[dict[str, str | int]]:
    return [_entry(reader) for reader in crops.readers]


def _entry(reader: CropReader) -> dict[str, str | int]:
    def content(number: int) -> bytes:
        crop = reader.read(number)
        return crop.image + repr((crop.text, crop.window)).encode()

    known = here_manifest(reader.path)
    return data_key(reader.path, known.fingerprint if known else "", len(reader), content)
