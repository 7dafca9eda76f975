"""PP-DocLayoutV2 and V3 run by paddle, in a process and an environment of their own.

paddleocr pins another OpenCV than this project, and paddle another CUDA than torch: so they are never imported here.
Versions: paddlepaddle 3.3.x fails on the CPU (Paddle issue 77340), 3.0.0 cannot load V2 (PaddleX issue 4854).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from ocr_pipeline.data.layout_lmdb.engines.detections import Detections, decode_detections
from ocr_pipeline.data.layout_lmdb.engines.paddle_process.messages import read_message, write_message
from ocr_pipeline.data.layout_lmdb.engines.weights import find_weights, model_name, weights_fingerprint
from ocr_pipeline.errors import PipelineError

ENVIRONMENT_VARIABLE = "OCR_PIPELINE_PADDLE_ENV"

_PADDLE = {"cpu": "paddlepaddle>=3.2.1,<3.3", "gpu": "paddlepaddle-gpu>=3.2.1,<3.3"}
_PADDLEOCR = "paddleocr>=3.7,<3.8"
_GPU_INDEX = "https://www.paddlepaddle.org.cn/packages/stable/cu126/"
_READY = "ready"
_RUNNER = Path(__file__).parent / "paddle_process" / "runner.py"
_REMEDY = "Run `ocr-pipeline paddle-env` (with --gpu for a GPU), or set FAST_LAYOUT_BACKEND=transformers."


def paddle_environment(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the paddle environment lies: OCR_PIPELINE_PADDLE_ENV, or a folder in the user's cache."""
    chosen = environment.get(ENVIRONMENT_VARIABLE)
    return Path(chosen).expanduser() if chosen else Path.home() / ".cache" / "ocr_pipeline" / "paddle"


def make_paddle_environment(folder: Path, *, gpu: bool = False) -> None:
    """Make a virtual environment with paddle and paddleocr (1.4 GB on the CPU, more with CUDA).

    Raises:
        PipelineError: a package cannot be installed; pip has said why.
    """
    (folder / _READY).unlink(missing_ok=True)
    index = ["--index-url", _GPU_INDEX] if gpu else []
    pip = [str(_python(folder)), "-m", "pip", "install"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [*pip, *index, _PADDLE["gpu" if gpu else "cpu"]],
        [*pip, _PADDLEOCR],
    ):
        if subprocess.run(command, check=False).returncode:
            raise PipelineError(
                "the paddle environment cannot be made",
                where=folder,
                remedy=f"See above what `{' '.join(command)}` says; network and disk space are the usual causes.",
            )
    (folder / _READY).touch()


class PaddleEngine:
    """A layout engine in another process; see `LayoutEngine` for its attributes. Takes the same weights as torch.

    Args:
        model: as for `TransformersEngine`.
        device: ``cpu``, ``gpu`` or ``gpu:N``; paddle's GPU has no fall-back.

    Raises:
        PipelineError: the environment, the weights or the device are not there.
    """

    backend = "paddle"
    input_size = (800, 800)

    def __init__(self, model: str, device: str) -> None:
        folder, environment = find_weights(model), paddle_environment()
        if not (environment / _READY).exists():
            raise PipelineError("the paddle environment is not made", where=environment, remedy=_REMEDY)
        self.name, self.fingerprint = model_name(model), weights_fingerprint(folder)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        self._process = subprocess.Popen(
            [str(_python(environment)), str(_RUNNER), str(folder.absolute()), device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={name: value for name, value in os.environ.items() if not name.startswith("PYTHON")},
        )
        content, _ = self._answer()
        if "error" in content:
            self.close()
            raise PipelineError(f"paddle cannot run the model ({content['error']})", where=device, remedy=_REMEDY)
        config = content["config"]
        self.labels = tuple(config["id2label"][str(position)] for position in range(len(config["id2label"])))
        self._ordered_from = np.array(config.get("class_thresholds") or [0.0] * len(self.labels), np.float32)

    def infer(self, pixels: np.ndarray, sizes: Sequence[tuple[int, int]]) -> list[Detections]:
        """Regions of each page; see `LayoutEngine.infer`."""
        try:
            write_message(self._pipe(self._process.stdin), {}, pixels)
        except BrokenPipeError as error:
            raise self._gone() from error
        _, (logits, boxes, orders) = self._answer()
        return [
            decode_detections(scores, centred, order, self._ordered_from, size)
            for scores, centred, order, size in zip(logits, boxes, orders, sizes, strict=True)
        ]

    def close(self) -> None:
        """End the process; it also ends with this one, whose end of the pipe it reads."""
        self._pipe(self._process.stdin).close()
        self._process.wait()
        self._log.close()

    def _answer(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        try:
            return read_message(self._pipe(self._process.stdout))
        except EOFError as error:
            raise self._gone() from error

    def _gone(self) -> PipelineError:
        self._process.wait()
        self._log.seek(0)
        last = self._log.read().decode(errors="replace").strip().splitlines()[-1:]
        return PipelineError(
            f"the paddle process ended ({' '.join(last) or f'code {self._process.returncode}'})",
            where=self.name,
            remedy="Run again with a smaller batch if memory ran out; otherwise " + _REMEDY[0].lower() + _REMEDY[1:],
        )

    @staticmethod
    def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
        assert pipe is not None  # Popen was told to make it
        return pipe


def _python(environment: Path) -> Path:
    return environment / "bin" / "python"
