"""PP-DocLayoutV2 run by torch and transformers: no paddle, no torchvision.

Model: PaddlePaddle/PP-DocLayoutV2_safetensors (Apache-2.0), 25 classes and a reading order, input 800 x 800.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import huggingface_hub
import msgspec
import numpy as np
import torch
from transformers import PPDocLayoutV2ForObjectDetection

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.layout_lmdb.detections import Detections, decode_detections
from ocr_pipeline.storage.manifest import fingerprint_file, fingerprint_of

MODEL_TYPE = "pp_doclayout_v2"

_CONFIG, _WEIGHTS = "config.json", "model.safetensors"
_HUB_OWNER, _HUB_SUFFIX = "PaddlePaddle", "_safetensors"


class TransformersEngine:
    """A layout engine over ``PPDocLayoutV2ForObjectDetection``; see `LayoutEngine` for its attributes.

    Args:
        model: folder with ``config.json`` and ``model.safetensors``, model name, or Hugging Face repository.
        device: ``cpu``, ``gpu`` or ``gpu:N``.
        cpu_fallback: use the CPU where the GPU is missing.

    Raises:
        PipelineError: weights or GPU are missing, or the weights do not fit the model.
    """

    backend = "transformers"
    input_size = (800, 800)

    def __init__(self, model: str, device: str, *, cpu_fallback: bool = False) -> None:
        self._device = torch_device(device, cpu_fallback=cpu_fallback)
        folder = find_weights(model)
        self.name = Path(model).name.removesuffix(_HUB_SUFFIX)
        self.fingerprint = fingerprint_of(fingerprint_file(folder / name) for name in (_CONFIG, _WEIGHTS))
        self._model = _load(folder)
        self._model.to(self._device).eval()
        config = self._model.config
        self.labels = tuple(config.id2label[position] for position in range(config.num_labels))
        self._ordered_from = np.array(config.class_thresholds, np.float32)

    @torch.inference_mode()
    def infer(self, pixels: np.ndarray, sizes: Sequence[tuple[int, int]]) -> list[Detections]:
        """Regions of each page; see `LayoutEngine.infer`."""
        images = torch.from_numpy(pixels).to(self._device).permute(0, 3, 1, 2).float() / 255
        outputs = self._model(pixel_values=images)
        raw = (outputs.logits, outputs.pred_boxes, outputs.order_logits)
        logits, boxes, orders = (tensor.float().cpu().numpy() for tensor in raw)
        if not (np.isfinite(logits).all() and np.isfinite(boxes).all()):
            raise PipelineError(
                "the layout model returned values that are no numbers",
                where=self.name,
                remedy="Fetch the weights again, or run with FAST_LAYOUT_DEVICE=cpu.",
            )
        return [
            decode_detections(scores, centred, order, self._ordered_from, size)
            for scores, centred, order, size in zip(logits, boxes, orders, sizes, strict=True)
        ]


def torch_device(device: str, *, cpu_fallback: bool = False) -> torch.device:
    """The torch device of ``cpu``, ``gpu`` or ``gpu:N``.

    Raises:
        PipelineError: that GPU is not there, and the CPU may not take its place.
    """
    kind, _, number = device.partition(":")
    index = int(number or 0)
    if kind == "cpu":
        return torch.device("cpu")
    if index < torch.cuda.device_count():
        return torch.device("cuda", index)
    if cpu_fallback:
        return torch.device("cpu")
    raise PipelineError(
        "this GPU is not there",
        where=device,
        remedy="Set FAST_LAYOUT_DEVICE=cpu, or FAST_LAYOUT_CPU_FALLBACK=1 to fall back by itself.",
    )


def find_weights(model: str) -> Path:
    """The folder with the model's files: a local one, or the hub's cache, which is filled on first use.

    Raises:
        PipelineError: with the places looked at and the command that fetches the weights.
    """
    folder = Path(model).expanduser()
    repository = model if "/" in model else f"{_HUB_OWNER}/{model.removesuffix(_HUB_SUFFIX)}{_HUB_SUFFIX}"
    looked_at = f"folder {folder}"
    if not folder.is_dir() and not folder.is_absolute():
        looked_at += f", Hugging Face repository {repository}"
        try:
            folder = Path(huggingface_hub.snapshot_download(repository, allow_patterns=[_CONFIG, _WEIGHTS]))
        except (OSError, ValueError) as error:
            raise _no_weights(model, looked_at) from error
    if not all((folder / name).is_file() for name in (_CONFIG, _WEIGHTS)):
        raise _no_weights(model, looked_at)
    return folder


def _no_weights(model: str, looked_at: str) -> PipelineError:
    official = f"{_HUB_OWNER}/PP-DocLayoutV2{_HUB_SUFFIX}"
    return PipelineError(
        f"the weights of the layout model {model} are not to be had ({_CONFIG} and {_WEIGHTS})",
        where=looked_at,
        remedy=f"Run `hf download {official} --local-dir layout_model` where there is a network and set "
        "FAST_LAYOUT_MODEL to that folder; or set FAST_LAYOUT_MODEL=none.",
    )


def _load(folder: Path) -> Any:
    config = msgspec.json.decode((folder / _CONFIG).read_bytes(), type=dict[str, Any])
    if config.get("model_type") != MODEL_TYPE:
        raise _misfit(folder, f"model_type is {config.get('model_type')}, not {MODEL_TYPE}")
    loaded: Any = PPDocLayoutV2ForObjectDetection.from_pretrained(
        folder,
        dtype=torch.float32,
        local_files_only=True,
        use_safetensors=True,
        ignore_mismatched_sizes=True,  # then they are in the report, with the other misfits
        output_loading_info=True,
    )
    model, report = loaded
    faults = {kind: sorted(map(str, found)) for kind, found in report.items() if found}
    if faults:
        raise _misfit(folder, "; ".join(f"{kind}: {', '.join(found[:5])}" for kind, found in faults.items()))
    return model


def _misfit(folder: Path, why: str) -> PipelineError:
    return PipelineError(
        f"these are not whole weights of PP-DocLayoutV2 ({why})",
        where=folder,
        remedy="Fetch the folder again; it has to hold the files of one release.",
    )
