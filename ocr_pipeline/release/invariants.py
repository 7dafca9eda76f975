"""What must hold of published data: faults in words, found by a look at manifests and a few samples."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ocr_pipeline.data.annotations import CropReader
from ocr_pipeline.data.layout_lmdb import LayoutReader
from ocr_pipeline.storage.artifacts.manifest import known_manifest
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.files.pictures import decode_picture

FaultsOf = Callable[[Path], Iterable[str]]
"""An artifact's faults; none if all is well."""


def counts_of(artifact: Path) -> Counts:
    """The counts of a published artifact; without a manifest counts that do not add up."""
    manifest = known_manifest(artifact)
    return manifest.counts if manifest else Counts(words_in=-1)


def count_faults(artifact: Path) -> Iterator[str]:
    """Pages and words in = out + quarantined."""
    counts = counts_of(artifact)
    if not counts.add_up:
        yield f"its counts do not add up: {counts}"


def crop_faults(artifact: Path) -> Iterator[str]:
    """The artifact holds as many crops as its manifest says, and its first, middle and last can be read."""
    reader, words = CropReader(artifact), counts_of(artifact).words_out
    if len(reader) != words:
        yield f"{len(reader)} crops, but the manifest says {words}"
    for place in _probes(len(reader)):
        crop = reader.read(place)
        if not crop.text or min(decode_picture(crop.image).shape[:2]) < 1:
            yield f"crop {place} is empty"


def page_faults(artifact: Path) -> Iterator[str]:
    """The LMDB holds as many pages as its manifest says; of three of them the picture has the size the record says."""
    reader, counts = LayoutReader(artifact), counts_of(artifact)
    samples = counts.notes.get("samples", counts.pages_out)
    if len(reader) != samples:
        yield f"{len(reader)} samples, but the manifest says {samples}"
    for place in _probes(len(reader)):
        image, record = reader.read(place)
        if decode_picture(image).shape[:2] != (record.height, record.width):
            yield f"page {record.image} is not {record.width}x{record.height}"


def _probes(count: int) -> list[int]:
    return sorted({0, count // 2, count - 1}) if count else []
