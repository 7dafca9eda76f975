"""What pays on a CPU: the fused FAST tiny on one core, one page of 960 x 1280, by each way to run it."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from benchmarks.fast.timing import seconds
from ocr_pipeline.fast import FastNetwork, build_network, export_onnx
from ocr_pipeline.fast.network import normalise

HEIGHT, WIDTH = 1280, 960


def runtimes() -> str:
    """A line for each way, against plain fused float32 in the same run; its largest difference to that beside it."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    pixels = torch.randint(0, 256, (1, 3, HEIGHT, WIDTH), dtype=torch.uint8)
    with tempfile.TemporaryDirectory() as folder:
        variants, compiling = _variants(pixels, Path(folder))
        expected = variants["float32"]()
        scale = float(np.abs(expected).max())
        apart = {name: float(np.abs(variant() - expected).max()) / scale for name, variant in variants.items()}
        times = seconds(variants, 3)
    lines = [
        f"{name}: {1000 * value:.0f} ms, {times['float32'] / value:.2f}x, differs by {apart[name]:.1e} of the largest"
        for name, value in times.items()
    ]
    return "\n".join([*lines, f"(compiling took {compiling:.0f} s; load {os.getloadavg()[0]:.1f})"])


def _variants(pixels: torch.Tensor, folder: Path) -> tuple[dict[str, Callable[[], Any]], float]:
    ready = normalise(pixels)
    rows = ready.contiguous(memory_format=torch.channels_last)
    plain, stacked = _network(), _network().to(memory_format=torch.channels_last)
    half = _network().to(memory_format=torch.channels_last, dtype=torch.bfloat16)
    compiled, compiled_half = (torch.compile(network) for network in (stacked, half))
    start = time.perf_counter()
    for network, pictures in ((compiled, rows), (compiled_half, rows.bfloat16())):
        _run(network, pictures)
    compiling = time.perf_counter() - start
    torch.save({"state_dict": _fresh().state_dict()}, folder / "tiny.pth")
    export_onnx(folder / "tiny.pth", folder / "tiny.onnx")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(folder / "tiny.onnx", options, providers=["CPUExecutionProvider"])
    return {
        "float32": lambda: _run(plain, ready),
        "float32, channels_last": lambda: _run(stacked, rows),
        "float32, channels_last, torch.compile": lambda: _run(compiled, rows),
        "bfloat16 by autocast, channels_last": lambda: _run_autocast(stacked, rows),
        "bfloat16, channels_last": lambda: _run(half, rows.bfloat16()),
        "bfloat16, channels_last, torch.compile": lambda: _run(compiled_half, rows.bfloat16()),
        "ONNX Runtime, float32": lambda: session.run(None, {"pictures": pixels.numpy()})[0],
    }, compiling


def _fresh() -> FastNetwork:
    torch.manual_seed(1)
    return build_network("tiny")


def _network() -> FastNetwork:
    return _fresh().eval().fuse(kernel_only=True)


@torch.inference_mode()
def _run(network: Any, pictures: torch.Tensor) -> np.ndarray:
    return network(pictures)[:, 0].float().numpy()


def _run_autocast(network: Any, pictures: torch.Tensor) -> np.ndarray:
    with torch.autocast("cpu", torch.bfloat16):
        return _run(network, pictures)
