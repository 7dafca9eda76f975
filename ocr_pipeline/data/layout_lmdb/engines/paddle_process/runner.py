"""Run PP-DocLayoutV2 or V3 with paddle (dynamic graph) and answer on a pipe; started by `PaddleEngine`.

``python runner.py FOLDER DEVICE``: first message out: labels and thresholds, or an error. Then, for each message in
with pixels uint8 [B, height, width, 3], one out with logits, boxes and order logits, as `decode_detections` takes them.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import IO, Any

import numpy as np
from messages import read_message, write_message  # type: ignore[import-not-found]  # stands beside this file


def main(folder: Path, device: str) -> None:
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # paddle and its helpers print to stdout
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    try:
        model = _Model(folder, config, device)
    except (ImportError, ValueError, OSError, RuntimeError, KeyError, AssertionError) as error:
        write_message(answers, {"error": f"{type(error).__name__}: {error}"})
        return
    write_message(answers, {"config": config})
    _serve(model, sys.stdin.buffer, answers)


def _serve(model: _Model, questions: IO[bytes], answers: IO[bytes]) -> None:
    while True:
        try:
            _, (pixels,) = read_message(questions)
        except EOFError:
            return
        write_message(answers, {}, *model.raw(pixels))


class _Model:
    """Paddle's network without its own post-processing, which would drop and merge boxes."""

    def __init__(self, folder: Path, config: dict[str, Any], device: str) -> None:
        os.environ["PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK"] = "1"
        import paddle  # type: ignore[import-not-found]

        paddle.set_device(device)
        self._paddle, self._captured = paddle, []  # type: tuple[Any, list[Any]]
        self._network = _network_class(config["model_type"]).from_pretrained(
            folder,
            use_safetensors=True,
            convert_from_hf=True,  # linear layers are stored the other way round
            dtype="float32",
            num_labels=len(config["id2label"]),
        )
        self._network.eval()
        self._network.post_process = self._capture

    def raw(self, pixels: np.ndarray) -> list[np.ndarray]:
        """Logits [B, Q, C], boxes [B, Q, 4] and order logits [B, Q, Q]."""
        images = np.ascontiguousarray((pixels.astype(np.float32) / np.float32(255)).transpose(0, 3, 1, 2))
        sizes = np.tile(np.array(pixels.shape[1:3], np.float32), (len(pixels), 1))
        with self._paddle.no_grad():
            self._network([sizes, images, np.ones_like(sizes)])
        logits, boxes, order = (tensor.numpy() for tensor in self._captured)
        return [logits, boxes, order]

    def _capture(self, outputs: tuple[Any, ...], order_logits: Any, *_: Any) -> tuple[None, None, None]:
        boxes, logits = outputs[:2]
        self._captured = [logits, boxes, order_logits]
        return (None,) * (3 if len(outputs) == 3 else 2)  # type: ignore[return-value]


def _network_class(model_type: str) -> Any:
    from paddlex.inference.models.object_detection import modeling  # type: ignore[import-not-found]

    return {"pp_doclayout_v2": modeling.PPDocLayoutV2, "pp_doclayout_v3": modeling.PPDocLayoutV3}[model_type]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
