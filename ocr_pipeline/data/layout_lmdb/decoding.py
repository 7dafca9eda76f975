"""What a decode worker does for one page: read its picture, see whether it is whole, make what the model will see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ocr_pipeline.data.layout_lmdb.cache import opened_cache
from ocr_pipeline.data.layout_lmdb.engines.detections import Detections, model_input
from ocr_pipeline.data.layout_lmdb.engines.slots import PictureSlots
from ocr_pipeline.errors import PipelineError, tell_unexpected
from ocr_pipeline.page import what_was_unexpected
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline.storage.files.pictures import decode_picture, demand_whole

ReadBytes = Callable[[str], bytes]


class DecodedPicture(NamedTuple):
    """A picture that is whole.

    Attributes:
        image: as encoded; empty where it lies in the slot.
        size: (width, height) in pixels.
        fingerprint: of ``image``.
        found: what the model found when it saw the picture before; None: it has not, and will see the slot's pixels.
        in_slot: length of the encoded picture in the slot; 0: it is not there.
    """

    image: bytes
    size: tuple[int, int]
    fingerprint: str
    found: Detections | None
    in_slot: int = 0


class Undecodable(NamedTuple):
    """A picture that cannot be used, and why (the reason under which its page is set aside)."""

    reason: str
    detail: str


@dataclass(frozen=True)
class DecodePicture:
    """Decodes one picture after another; crosses to a worker process if ``read_bytes`` does.

    Attributes:
        read_bytes: content of a path.
        slots: where what the model sees is put.
        elsewhere: whether another process asks: it finds the encoded picture in the slot too.
        most_pixels: larger pictures are set aside.
        cache: file of the earlier detections; None: there are none.
        cache_prefix: what the keys of this model begin with.
        cache_last: the entry after which the cache is not looked at.
    """

    read_bytes: ReadBytes
    slots: PictureSlots
    elsewhere: bool
    most_pixels: int
    cache: Path | None = None
    cache_prefix: str = ""
    cache_last: int = 0

    def __call__(self, task: tuple[str, int]) -> DecodedPicture | Undecodable:
        """The picture at a path, its pixels in a slot.

        Raises:
            PipelineError: the share does not answer.
        """
        path, slot = task
        try:
            return self._looked_at(path, slot)
        except ValueError as error:
            return Undecodable("image_unreadable", f"{path}: {error}")
        except Exception as error:  # noqa: BLE001 (goes to the log there)
            tell_unexpected(error, path)
            return Undecodable("unexpected", what_was_unexpected(error))

    def _looked_at(self, path: str, slot: int) -> DecodedPicture | Undecodable:
        try:
            image = self.read_bytes(path)
        except FileNotFoundError:
            return Undecodable("image_missing", f"{path} is not there")
        except OSError as error:
            raise PipelineError(
                f"the picture cannot be fetched ({error})",
                where=path,
                remedy="Check that the share is mounted and reachable, then run the same command again.",
            ) from error
        demand_whole(image, self.most_pixels)
        fingerprint = fingerprint_of((image,))
        if self.cache and self.cache_last:
            known = opened_cache(self.cache).get(f"{self.cache_prefix}/{fingerprint}", self.cache_last)
            if known:
                return self._handed(slot, DecodedPicture(image, known.size, fingerprint, known.found))
        picture = decode_picture(image, most_pixels=self.most_pixels)
        size = (picture.shape[1], picture.shape[0])
        pixels = self.slots.pixels[slot]
        model_input(picture, (pixels.shape[1], pixels.shape[0]), into=pixels)
        return self._handed(slot, DecodedPicture(image, size, fingerprint, None))

    def _handed(self, slot: int, picture: DecodedPicture) -> DecodedPicture:
        if self.elsewhere and self.slots.put_file(slot, picture.image):
            return picture._replace(image=b"", in_slot=len(picture.image))
        return picture
