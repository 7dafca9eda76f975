"""What a person sees of an artifact in the Dagster UI: counts, reasons, pictures and files."""

import base64
from collections.abc import Callable, Iterable, Sequence
from itertools import islice, product
from pathlib import Path
from typing import Any

import cv2
import dagster as dg
import numpy as np

from ocr_pipeline.orchestration.versions import latest_told
from ocr_pipeline.shown import as_markdown
from ocr_pipeline.storage.artifacts.lineage import lineage_path
from ocr_pipeline.storage.artifacts.lineage_parquet import read_learnt_from
from ocr_pipeline.storage.artifacts.manifest import Manifest, manifest_path, quarantine_path
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.quarantine_files import read_quarantine
from ocr_pipeline.storage.artifacts.state import Making, state_of
from ocr_pipeline.storage.files.pictures import decode_picture

_ROWS = 20
_PICTURES_OF = "pictures_of"
_DECIMALS = 5
_INLINE = 1000  # characters of Markdown; from there on the UI offers a button
_SMALL_SIDES, _SMALL_QUALITIES = (320, 280, 240, 200, 160, 128, 96, 64, 32), (40, 20, 8)
_AT_ONCE, _STRIP, _WIDEST, _LETTERS = 3, 32, 6, 20  # crops, their height, its multiple as width, letters of each text
_FIRST = ("cer", "base_cer", "hmean", "precision", "recall", "wer", "exact", "count")


def artifact_metadata(manifest: Manifest, artifact: Path) -> dict[str, Any]:
    """Counts, a table of quarantine reasons, the first quarantined records, and the files of one artifact."""
    return artifacts_metadata([manifest], [artifact])


def artifacts_metadata(manifests: Sequence[Manifest], artifacts: Sequence[Path]) -> dict[str, Any]:
    """The same for a partition with an artifact per split."""
    quarantines = [quarantine_path(artifact) for artifact in artifacts]
    files = [*artifacts, *map(manifest_path, artifacts), *quarantines, *map(lineage_path, artifacts)]
    return {
        "state": ", ".join(dict.fromkeys(str(state_of(manifest, Making())) for manifest in manifests)),
        **counts_metadata(total_counts(manifests)),
        "quarantine": quarantine_table(quarantines),
        "files": _table(("file", "bytes"), [(str(file), _size(file)) for file in files if file.exists()]),
        "path": dg.MetadataValue.path(artifacts[0]),
    }


def checkpoint_metadata(manifest: Manifest, checkpoint: Path) -> dict[str, Any]:
    """Scores, counts, the data versions that it has learned from, and the files of a checkpoint.

    Dagster shows them in this order: the scores that matter first.
    """
    metrics = sorted(manifest.metrics, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
    return {
        **{f"metric/{name}": round(manifest.metrics[name], _DECIMALS) for name in metrics},
        **counts_metadata(manifest.counts),
        **_learned_from(manifest, lineage_path(checkpoint)),
        "path": dg.MetadataValue.path(checkpoint),
        "manifest": dg.MetadataValue.path(manifest_path(checkpoint)),
    }


def _learned_from(manifest: Manifest, lineage: Path) -> dict[str, Any]:
    """Each data version, when it was made and from what; the pages themselves stand in a file."""
    if not lineage.exists():
        rows = [(item.name, item.role or "training", item.fingerprint) for item in manifest.inputs]
        return {"learned_from": _table(("data", "as", "version"), rows)}
    columns = ("data", "as", "version", "made", "from")
    told = [
        (one.artifact, one.role or "training", one.version, one.made, ", ".join(map(" ".join, one.inputs.items())))
        for one in read_learnt_from(lineage)
    ]
    return {"learned_from": _table(columns, told), "lineage": dg.MetadataValue.path(lineage)}


def total_counts(manifests: Iterable[Manifest]) -> Counts:
    return sum((manifest.counts for manifest in manifests), Counts())


def counts_metadata(counts: Counts) -> dict[str, Any]:
    """Plottable numbers, and the reasons of what was set aside."""
    reasons = [
        (unit, reason, count)
        for unit, by_reason in counts.reasons.items()
        for reason, count in sorted(by_reason.items())
    ]
    reasons += [("word, filtered", reason, count) for reason, count in sorted(counts.filtered.items())]
    return {
        "pages_in": counts.pages_in,
        "pages_out": counts.pages_out,
        "pages_quarantined": counts.pages_quarantined,
        "words_in": counts.words_in,
        "words_out": counts.words_out,
        "words_quarantined": counts.words_quarantined,
        "words_filtered": counts.words_filtered,
        "dagster/row_count": counts.words_out,
        **{f"note/{name}": count for name, count in sorted(counts.notes.items())},
        **({"quarantine_reasons": _table(("unit", "reason", "count"), reasons)} if reasons else {}),
    }


def quarantine_table(quarantines: Iterable[Path]) -> dg.MetadataValue:
    """The first records of the quarantine, by name."""
    records = (record for path in quarantines for record in read_quarantine(path))
    rows = [(each.unit, each.reason, each.image or each.label, each.detail) for each in islice(records, _ROWS)]
    return _table(("unit", "reason", "where", "detail"), rows)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str | int]]) -> dg.MetadataValue:
    """A table whose cells are shown as they are: no markup."""
    schema = dg.TableSchema([dg.TableColumn(name) for name in columns])
    return dg.MetadataValue.table([dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows], schema)


def pictures_once(
    context: dg.AssetExecutionContext, partition: str, of: str, make: Callable[[], dict[str, dg.MetadataValue]]
) -> dict[str, Any]:
    """Pictures of what is published, where Dagster's log does not hold them yet: each counts twice in its size.

    Args:
        of: the version of what they show.
    """
    last = latest_told(context.instance, context.asset_key, partition)
    shown = last.metadata.get(_PICTURES_OF) if last else None
    return {**({} if shown and shown.value == of else make()), _PICTURES_OF: of}


def picture(pixels: np.ndarray, longest: int = 720) -> dg.MetadataValue:
    """An RGB picture [H, W, 3] as the UI shows it."""
    return dg.MetadataValue.md(f"![picture]({_data_url(pixels, longest)})")


def encoded_picture(data: bytes) -> dg.MetadataValue:
    """The same for an encoded picture."""
    return picture(decode_picture(data, "RGB"))


def small_picture(data: bytes) -> dg.MetadataValue:
    """An encoded picture as large as Dagster shows it without a click: Markdown of less than 1,000 characters.

    Raises:
        ValueError: even the smallest is too large.
    """
    return _at_once(decode_picture(data, "RGB"))


def two_sizes(name: str, pixels: np.ndarray) -> dict[str, dg.MetadataValue]:
    """An RGB picture [H, W, 3] small, without a click, and large behind one."""
    return {f"{name}_small": _at_once(pixels), name: picture(pixels)}


def shown_crops(name: str, crops: Sequence[tuple[bytes, str]]) -> dict[str, dg.MetadataValue]:
    """Encoded crops with their text: the first ones side by side without a click, all of them behind one."""
    if not crops:
        return {}
    first = crops[:_AT_ONCE]
    texts = as_markdown(" · ".join(text[:_LETTERS] for _, text in first))
    strip = np.hstack([_of_height(decode_picture(crop, "RGB"), _STRIP) for crop, _ in first])
    return {f"{name}_small": _at_once(strip, f"\n\n{texts}"), name: crop_table(crops)}


def crop_table(crops: Iterable[tuple[bytes, str]]) -> dg.MetadataValue:
    """Encoded crops beside their text."""
    return markdown_table(("crop", "text"), ((Markup(f"![]({_encoded_url(crop)})"), text) for crop, text in crops))


class Markup(str):
    """Markdown of our own making, which is not escaped."""


def markdown_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> dg.MetadataValue:
    """A table that may hold pictures; all text in it that is no `Markup` is escaped."""
    cells = [[cell if isinstance(cell, Markup) else as_markdown(cell) for cell in row] for row in rows]
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(row)} |" for row in (columns, ["---"] * len(columns), *cells)))


def _at_once(pixels: np.ndarray, caption: str = "") -> dg.MetadataValue:
    """As large as Dagster shows it without a click; the caption is Markdown below it."""
    pixels = _shrunk(pixels, _SMALL_SIDES[0])
    for longest, quality in product(_SMALL_SIDES, _SMALL_QUALITIES):
        shown = f"![picture]({_small_url(pixels, longest, quality)}){caption}"
        if len(shown) < _INLINE:
            return dg.MetadataValue.md(shown)
    raise ValueError(f"a picture of shape {pixels.shape} cannot be made small enough")


def _of_height(pixels: np.ndarray, height: int) -> np.ndarray:
    width = max(1, min(round(pixels.shape[1] * height / pixels.shape[0]), _WIDEST * height))
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)


def _shrunk(pixels: np.ndarray, longest: int) -> np.ndarray:
    scale = min(1.0, longest / max(pixels.shape[:2]))
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)


def _data_url(pixels: np.ndarray, longest: int) -> str:
    small = cv2.cvtColor(_shrunk(pixels, longest), cv2.COLOR_RGB2BGR)
    encoded, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 60])
    if not encoded:
        raise ValueError(f"a picture of shape {pixels.shape} cannot be encoded")
    return _encoded_url(data.tobytes())


def _small_url(pixels: np.ndarray, longest: int, quality: int) -> str:
    small = cv2.cvtColor(_shrunk(pixels, longest), cv2.COLOR_RGB2BGR)
    webp = cv2.imencode(".webp", small, [cv2.IMWRITE_WEBP_QUALITY, quality])[1]
    return "data:image/webp;base64," + base64.b64encode(webp.tobytes()).decode()


def _encoded_url(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size
