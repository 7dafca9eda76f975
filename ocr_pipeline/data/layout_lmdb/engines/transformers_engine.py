"""Layout models and detectors of table cells run by torch and transformers: no paddle, no torchvision.

Models, all Apache-2.0: PaddlePaddle/PP-DocLayoutV2_safetensors and -V3 (25 classes and a reading order, input
800 x 800), PaddlePaddle/RT-DETR-L_wired_table_cell_det_safetensors and -wireless (cells, input 640 x 640).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from transformers import PPDocLayoutV2ForObjectDetection, PPDocLayoutV3ForObjectDetection, RTDetrForObjectDetection
from transformers.utils.logging import disable_progress_bar

from ocr_pipeline.data.layout_lmdb.engines.detections import Detections, decode_detections
from ocr_pipeline.data.layout_lmdb.engines.weights import CONFIG, find_weights, model_name, weights_fingerprint
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.models.sizes import demand_sizes

_KINDS: dict[str, tuple[Any, tuple[int, int]]] = {
    "pp_doclayout_v2": (PPDocLayoutV2ForObjectDetection, (800, 800)),
    "pp_doclayout_v3": (PPDocLayoutV3ForObjectDetection, (800, 800)),
    "rt_detr": (RTDetrForObjectDetection, (640, 640)),
}
"""What runs a ``model_type`` of ``config.json``, and the (width, height) it was trained at."""


class TransformersEngine:
    """A layout engine over PP-DocLayoutV2, PP-DocLayoutV3 or RT-DETR; see `LayoutEngine` for its attributes.

    Args:
        model: folder with ``config.json`` and ``model.safetensors``, model name, or Hugging Face repository.
        device: ``cpu``, ``gpu`` or ``gpu:N``.
        cpu_fallback: use the CPU where the GPU is missing.

    Raises:
        PipelineError: weights or GPU are missing, or the weights do not fit the model.
    """

    backend = "transformers"

    def __init__(self, model: str, device: str, *, cpu_fallback: bool = False) -> None:
        self._device = torch_device(device, cpu_fallback=cpu_fallback)
        folder = find_weights(model)
        self.name, self.fingerprint = model_name(model), weights_fingerprint(folder)
        self._model, self.input_size = _load(folder)
        self._model.to(self._device).eval()
        config = self._model.config
        self.labels = tuple(config.id2label[position] for position in range(config.num_labels))
        self._ordered_from = _ordered_from(config)

    @torch.inference_mode()
    def infer(self, pixels: np.ndarray, sizes: Sequence[tuple[int, int]]) -> list[Detections]:
        """Regions of each page; see `LayoutEngine.infer`."""
        images = torch.from_numpy(pixels).to(self._device).permute(0, 3, 1, 2).float() / 255
        outputs = self._model(pixel_values=images)
        logits, boxes = (tensor.float().cpu().numpy() for tensor in (outputs.logits, outputs.pred_boxes))
        orders = _order_logits(outputs, logits.shape[1])
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

    def close(self) -> None:
        """Nothing: its memory is freed with it."""


def every_gpu() -> list[str]:
    """The GPUs that this process may use (CUDA_VISIBLE_DEVICES), as the settings name them."""
    return [f"gpu:{number}" for number in range(torch.cuda.device_count())]


def _ordered_from(config: Any) -> np.ndarray:
    """Score from which the model placed a region of each class: V2 says it, V3 places all, RT-DETR none."""
    if config.model_type == "rt_detr":
        return np.full(config.num_labels, np.inf, np.float32)
    return np.array(getattr(config, "class_thresholds", [0.0] * config.num_labels), np.float32)


def _order_logits(outputs: Any, queries: int) -> np.ndarray:
    """[B, Q, Q]; zeros from a model that has no reading order."""
    order = getattr(outputs, "order_logits", None)
    if order is None:
        return np.zeros((len(outputs.logits), queries, queries), np.float32)
    return order.float().cpu().numpy()


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


def _load(folder: Path) -> tuple[Any, tuple[int, int]]:
    demand_sizes(folder)
    config = msgspec.json.decode((folder / CONFIG).read_bytes(), type=dict[str, Any])
    if config.get("model_type") not in _KINDS:
        raise _misfit(folder, f"model_type is {config.get('model_type')}, none of {', '.join(_KINDS)}")
    kind, input_size = _KINDS[config["model_type"]]
    disable_progress_bar()
    model, report = kind.from_pretrained(
        folder,
        dtype=torch.float32,
        local_files_only=True,
        use_safetensors=True,
        ignore_mismatched_sizes=True,  # then they are in the report, with the other misfits
        output_loading_info=True,
        trust_remote_code=False,
    )
    faults = {fault: sorted(map(str, found)) for fault, found in report.items() if found}
    if faults:
        raise _misfit(folder, "; ".join(f"{fault}: {', '.join(found[:5])}" for fault, found in faults.items()))
    return model, input_size


def _misfit(folder: Path, why: str) -> PipelineError:
    return PipelineError(
        f"these are not whole weights of a layout model ({why})",
        where=folder,
        remedy="Fetch the folder again; it has to hold the files of one release.",
    )
