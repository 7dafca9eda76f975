"""Words found in pictures: from files to drawn pictures, JSON and ICDAR text."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import cv2
import msgspec
import numpy as np

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast.config import config_from, read_config
from ocr_pipeline.fast.detector import Detector
from ocr_pipeline.fast.maps.pictures import Picture, read_rgb
from ocr_pipeline.fast.maps.postprocess import Detection, clockwise
from ocr_pipeline.fast.settings import FastPrediction
from ocr_pipeline.page import Quad
from ocr_pipeline.progress import Progress
from ocr_pipeline.shown import as_text
from ocr_pipeline.storage.files.orientation import upright
from ocr_pipeline.storage.files.pictures import pictures_in, say_of_more_pages
from ocr_pipeline.storage.files.publishing import is_nameable, publish_file, publish_text
from ocr_pipeline.storage.files.typed_paths import claim, demand_no_folder

logger = logging.getLogger(__name__)

_GREEN = (0, 200, 0)
_BESIDE = (".json", ".txt")


class DetectedWord(msgspec.Struct, frozen=True):
    """One found word, in pixels of the picture: its rotated rectangle, clockwise from top left, or its outline, and the
    score from 0 to 1."""

    polygon: list[tuple[int, int]]
    score: float

    @property
    def quad(self) -> Quad:
        """The four corners, clockwise from top left; of an outline those of its smallest rectangle."""
        corners = np.asarray(self.polygon, np.float32)
        if len(corners) != 4:
            corners = np.asarray(cv2.boxPoints(cv2.minAreaRect(corners)), np.float32)
        a, b, c, d = ((float(x), float(y)) for x, y in clockwise(corners))
        return a, b, c, d


class DetectedPage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All words found in one picture of ``width`` x ``height`` pixels."""

    image: str
    width: int
    height: int
    words: list[DetectedWord]


def predict(settings: FastPrediction) -> tuple[list[DetectedPage], dict[str, str]]:
    """Find the words of each picture; the drawn picture, its boxes as JSON and as ICDAR text are published.

    Returns:
        The pages in order, and for each picture that cannot be read (by its path) the reason.

    Raises:
        PipelineError: a folder has no pictures, the output would replace what is not its own, or the checkpoint, the
            configuration or the device cannot be used.
    """
    targets = _targets(settings)
    _claim(targets, settings.overwrite)
    config = read_config(settings.config) if settings.config else None
    detector = Detector(settings.checkpoint, config, settings.device, settings.precision)
    overrides = {name: getattr(settings, name) for name in ("min_score", "min_area", "short_size")}
    given = {name: value for name, value in overrides.items() if value is not None}
    detector.config = config_from(msgspec.to_builtins(detector.config) | given, settings.checkpoint)
    pages, errors = list[DetectedPage](), dict[str, str]()
    progress = Progress(f"detecting to {settings.output}", "pictures", len(targets))
    pictures = _readable(targets, settings.exif_orientation, errors, progress)
    while batch := list(islice(pictures, settings.batch_size)):
        found = detector.detect_batch([picture for _, picture in batch])
        for (path, picture), boxes in zip(batch, found, strict=True):
            pages.append(_page_of(path, picture, boxes))
            _publish(pages[-1], picture, targets[path])
    return pages, errors


def draw_words(picture: Picture, page: DetectedPage) -> Picture:
    """The picture with the outline of each word."""
    return draw_polygons(picture, [np.array(word.polygon, np.int32) for word in page.words], _GREEN)


def draw_polygons(
    picture: Picture, polygons: Sequence[np.ndarray], colour: tuple[int, int, int], share: float = 1.0
) -> Picture:
    """The picture with outlines, ``share`` times as thick as usual."""
    canvas = picture.copy()
    thickness = max(1, round(max(canvas.shape[:2]) / 800 * share))
    cv2.polylines(canvas, [np.rint(polygon).astype(np.int32) for polygon in polygons], True, colour, thickness)
    return canvas


def _targets(settings: FastPrediction) -> dict[Path, Path]:
    """Each picture with the drawn picture that is to be made of it."""
    if len(settings.image) == 1 and not settings.image[0].is_dir():
        demand_no_folder(settings.output, "Name the picture to draw, such as page.png in it.")
        return {settings.image[0]: settings.output}
    if settings.output.is_file():
        raise PipelineError(
            "this is a file, and several pictures are drawn",
            where=settings.output,
            remedy="Name a folder for the drawn pictures.",
        )
    paths = [path for named in settings.image for path in (pictures_in(named) if named.is_dir() else [named])]
    targets = {path: settings.output / f"{path.name}.png" for path in paths}
    drawn = {target for target in targets.values() if target in targets and _is_own(target)}
    if drawn:
        logger.warning("%d pictures are passed over: an earlier detect drew them", len(drawn))
    targets = {path: target for path, target in targets.items() if path not in drawn}
    if len(set(targets.values())) < len(targets):
        raise PipelineError(
            "two pictures have the same name", where=settings.output, remedy="Detect them one folder after the other."
        )
    return targets


def _claim(targets: Mapping[Path, Path], overwrite: bool) -> None:
    """See to it that the drawn pictures and what goes beside them are free, or of an earlier run."""
    for target in targets.values():
        if target.suffix.lower() in _BESIDE:
            raise PipelineError(
                "the drawn picture cannot have this ending: its boxes go beside it under it",
                where=target,
                remedy="Name the picture to draw, such as page.png.",
            )
    there = [target for path, target in targets.items() if path.exists()]  # of others nothing will be written
    outputs = [path for target in there for path in (target, *map(target.with_suffix, _BESIDE))]
    claim(*outputs, inputs=targets, overwrite=overwrite, is_own=_is_own)


def _is_own(output: Path) -> bool:
    """Whether an earlier run made a file: then its boxes stand beside it, or are what it holds."""
    try:
        msgspec.json.decode(output.with_suffix(".json").read_bytes(), type=DetectedPage)
    except (OSError, msgspec.MsgspecError):
        return False
    return True


def _readable(
    targets: Mapping[Path, Path], turned: bool, errors: dict[str, str], progress: Progress
) -> Iterator[tuple[Path, Picture]]:
    """The pictures one by one; of those that cannot be read or drawn the reason goes to ``errors``."""
    for path, target in targets.items():
        progress.advance()
        try:
            _demand_name(target, path)
            data = _read(path)
            say_of_more_pages(data, path)
            picture = read_rgb(data, path)
        except PipelineError as error:
            logger.warning("%s", error)
            errors[str(path)] = error.what
            continue
        yield path, upright(picture, data) if turned else picture


def _page_of(path: Path, picture: Picture, boxes: Sequence[Detection]) -> DetectedPage:
    words = [DetectedWord([(int(x), int(y)) for x, y in box.polygon], box.score) for box in boxes]
    return DetectedPage(as_text(path.name), picture.shape[1], picture.shape[0], words)


def _demand_name(target: Path, path: Path) -> None:
    if not is_nameable(target.with_suffix(_BESIDE[0])):
        raise PipelineError(
            "the name is too long: the drawn picture has a longer one", where=path, remedy="Give it a shorter name."
        )


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
    publish_text(target.with_suffix(".txt"), icdar_text(page))


def icdar_text(page: DetectedPage) -> str:
    """A line ``x1,y1,...,xn,yn`` for each word, clockwise from top left: four corners, or the outline's points."""
    corners = (word.quad if len(word.polygon) == 4 else word.polygon for word in page.words)
    return "".join(",".join(str(int(value)) for point in points for value in point) + "\n" for points in corners)
