"""Networks as ONNX files, each with all that one must know to use it in its own metadata."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ocr_pipeline.errors import PipelineError

if TYPE_CHECKING:
    from torch import Tensor, nn

_NEEDED = ("onnx", "onnxscript")


def must_be_able_to_export(command: str) -> None:
    """Look before the work begins.

    Raises:
        PipelineError: the packages of the extra ``export`` are not installed.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise PipelineError(
            f"not installed: {', '.join(missing)}", where=command, remedy="pip install 'ocr_pipeline[export]'"
        )


def write_onnx(
    path: Path,
    module: nn.Module,
    inputs: Mapping[str, tuple[Tensor, tuple[int, ...]]],
    output: str,
    facts: Mapping[str, object],
) -> dict[str, str]:
    """Write a module of one output; returns the metadata, which are ``facts`` as text or JSON.

    Args:
        inputs: name -> (an example, which of its dimensions are free).

    Raises:
        PipelineError: torch cannot express the module in ONNX.
    """
    import onnx
    import torch

    examples = tuple(example for example, _ in inputs.values())
    free: tuple[dict[int, Any], ...] = tuple(
        dict.fromkeys(sides, torch.export.Dim.DYNAMIC) for _, sides in inputs.values()
    )
    try:
        torch.onnx.export(
            module.eval(),
            examples,
            path,
            input_names=list(inputs),
            output_names=[output],
            dynamic_shapes=free,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    except torch.onnx.OnnxExporterError as error:
        raise PipelineError(
            f"torch cannot export this network to ONNX ({str(error).strip().splitlines()[0]})",
            where=path.name,
            remedy="Use it with torch, or train another base (ViT and DeiT encoders can be exported).",
        ) from error
    metadata = {
        name: value if isinstance(value, str) else msgspec.json.encode(value).decode() for name, value in facts.items()
    }
    model = onnx.load(path)
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, path)
    return metadata
