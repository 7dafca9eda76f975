"""Words found in pictures: the trained network from pixels to boxes, drawn and as JSON."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import msgspec
import numpy as np
import torch

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast.checkpoint import Weights, load_network
from ocr_pipeline.fast.config import FastConfig, config_from, read_config
from ocr_pipeline.fast.network import FastNetwork, normalise
from ocr_pipeline.fast.pictures import Picture, fit_short_side, read_rgb
from ocr_pipeline.fast.postprocess import BoxRules, Detection, find_boxes
from ocr_pipeline.fast.settings import Device, FastPrediction
from ocr_pipeline.page import IMAGE_EXTENSIONS, Quad
from ocr_pipeline.progress import Progress
from ocr_pipeline.storage.publishing import publish_file

log = logging.getLogger(__name__)

_GREEN = (0, 200, 0)


class DetectedWord(msgspec.Struct, frozen=True):
    """One found word, in pixels of the picture: its rotated rectangle, or its outline, and the score from 0 to 1."""

    polygon: list[tuple[int, int]]
    score: float

    @property
    def quad(self) -> Quad:
        """The four corners, clockwise from top left; of an outline those of its smallest rectangle."""
        corners = np.asarray(self.polygon, np.float32)
        if len(corners) != 4:
            corners = np.asarray(cv2.boxPoints(cv2.minAreaRect(corners)), np.float32)
        if cv2.contourArea(corners, oriented=True) < 0:
            corners = corners[::-1]
        sides = np.roll(corners, -1, axis=0) - corners
        top = int(np.argmax(sides[:, 0] / np.maximum(np.hypot(sides[:, 0], sides[:, 1]), 1e-6)))
        a, b, c, d = ((float(x), float(y)) for x, y in np.roll(corners, -top, axis=0))
        return a, b, c, d


class DetectedPage(msgspec.Struct, frozen=True):
    """All words found in one picture of ``width`` x ``height`` pixels."""

    image: str
    width: int
    height: int
    words: list[DetectedWord]


class Detector:
    """A trained detector, fused and ready.

    Raises:
        PipelineError: the checkpoint or the device cannot be used.
    """

    def __init__(self, checkpoint: Path, config: FastConfig | None = None, device: Device = "auto") -> None:
        self.device = choose_device(device)
        network, weights = load_network(checkpoint)
        self.config = config or _config_of(weights)
        self.network = network.fuse(kernel_only=True).to(self.device)

    def detect(self, picture: Picture) -> list[Detection]:
        """Boxes of one RGB picture (H, W, 3), in its pixels."""
        fitted = fit_short_side(picture, self.config.short_size)
        return detect_fitted(self.network, fitted, (picture.shape[0], picture.shape[1]), self.config)


def predict(settings: FastPrediction) -> list[DetectedPage]:
    """Find the words of each picture, and publish the drawn picture and the boxes.

    Raises:
        PipelineError: a picture, the checkpoint, the configuration or the device cannot be used.
    """
    config = read_config(settings.config) if settings.config else None
    detector = Detector(settings.checkpoint, config, settings.device)
    overrides = {name: getattr(settings, name) for name in ("min_score", "min_area", "short_size")}
    given = {name: value for name, value in overrides.items() if value is not None}
    detector.config = config_from(msgspec.to_builtins(detector.config) | given, settings.checkpoint)
    pages = []
    for path in settings.image:
        target = settings.output if len(settings.image) == 1 else settings.output / f"{path.name}.png"
        pages.append(_detect(detector, read_rgb(_read(path), path), path, target))
        log.info("%s: %d words, drawn in %s", path, len(pages[-1].words), target)
    return pages


def detect_folder(
    checkpoint: Path, images_dir: Path, output_dir: Path, device: Device = "auto"
) -> tuple[list[DetectedPage], dict[str, str]]:
    """Find the words of every picture of a folder; a drawn picture and its boxes are published for each.

    Returns:
        The pages, by name, and for each picture that cannot be read (by name) the reason.

    Raises:
        PipelineError: there are no pictures, or the checkpoint or the device cannot be used.
    """
    paths = sorted(path for path in images_dir.glob("*") if path.suffix[1:].lower() in IMAGE_EXTENSIONS)
    if not paths:
        raise PipelineError(
            "there are no pictures", where=images_dir, remedy="Put pages there, or name another folder."
        )
    detector = Detector(checkpoint, device=device)
    pages, errors = [], {}
    progress = Progress(f"detecting in {images_dir}", "pictures", len(paths))
    for path in paths:
        progress.advance()
        try:
            picture = read_rgb(_read(path), path)
        except PipelineError as error:
            log.warning("%s", error)
            errors[path.name] = error.what
            continue
        pages.append(_detect(detector, picture, path, output_dir / f"{path.name}.png"))
    return pages, errors


def _detect(detector: Detector, picture: Picture, path: Path, target: Path) -> DetectedPage:
    found = [DetectedWord([(int(x), int(y)) for x, y in box.polygon], box.score) for box in detector.detect(picture)]
    page = DetectedPage(path.name, picture.shape[1], picture.shape[0], found)
    _publish(page, picture, target)
    return page


@torch.inference_mode()
def detect_fitted(
    network: FastNetwork, fitted: Picture, original_size: tuple[int, int], config: FastConfig
) -> list[Detection]:
    """Boxes, in pixels of the original (height, width), of a picture whose sides are multiples of 32."""
    device = next(network.parameters()).device
    pixels = torch.from_numpy(fitted).to(device).permute(2, 0, 1)[None]
    logits = network(normalise(pixels))[0, 0].float().cpu().numpy()
    rules = BoxRules(config.pooling_size, config.min_score, config.min_area, config.bbox_type)
    return find_boxes(logits, original_size, rules)


def choose_device(name: Device) -> torch.device:
    """The device of that name; ``auto`` is CUDA where there is one.

    Raises:
        PipelineError: CUDA is asked for, but not there.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise PipelineError(
            "there is no CUDA device here", where="--device cuda", remedy="Use --device cpu, or a machine with a GPU."
        )
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def draw_words(picture: Picture, page: DetectedPage) -> Picture:
    """The picture with the outline of each word."""
    canvas = picture.copy()
    thickness = max(1, round(max(canvas.shape[:2]) / 800))
    for word in page.words:
        cv2.polylines(canvas, [np.array(word.polygon, np.int32)], True, _GREEN, thickness, cv2.LINE_AA)
    return canvas


def _config_of(weights: Weights) -> FastConfig:
    fields = weights.extras.get("config")
    if isinstance(fields, dict):
        return config_from(fields, weights.path)
    log.info("%s carries no configuration; the defaults of FAST %s are used", weights.path, weights.variant)
    return FastConfig(variant=weights.variant)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PipelineError(
            f"the picture cannot be opened ({error.strerror})", where=path, remedy="Check the path given as --image."
        ) from error


def _publish(page: DetectedPage, picture: Picture, target: Path) -> None:
    drawn = cv2.cvtColor(draw_words(picture, page), cv2.COLOR_RGB2BGR)
    with publish_file(target) as draft:
        draft.write_bytes(cv2.imencode(".png", drawn)[1].tobytes())
    with publish_file(target.with_suffix(".json")) as draft:
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(page), indent=1) + b"\n")
