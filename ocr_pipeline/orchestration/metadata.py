"""What a person sees of an artifact in the Dagster UI: counts, reasons, pictures and files."""

import base64
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import dagster as dg
import numpy as np

from ocr_pipeline.storage.artifacts.manifest import Manifest, manifest_path, quarantine_path
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.artifacts.quarantine_files import read_quarantine
from ocr_pipeline.storage.artifacts.state import state_of
from ocr_pipeline.storage.files.pictures import decode_picture

_ROWS = 20
_DECIMALS = 5
_SCHEMA = dg.TableSchema([dg.TableColumn(name) for name in ("unit", "reason", "where", "detail")])


def artifact_metadata(manifest: Manifest, artifact: Path) -> dict[str, Any]:
    """Counts, a table of quarantine reasons, the first quarantined records, and the files of one artifact."""
    return artifacts_metadata([manifest], [artifact])


def artifacts_metadata(manifests: Sequence[Manifest], artifacts: Sequence[Path]) -> dict[str, Any]:
    """The same for a partition with an artifact per split."""
    quarantines = [quarantine_path(artifact) for artifact in artifacts]
    files = [*artifacts, *map(manifest_path, artifacts), *quarantines]
    return {
        "state": ", ".join(dict.fromkeys(str(state_of(manifest, {})) for manifest in manifests)),
        **counts_metadata(total_counts(manifests)),
        "quarantine": quarantine_table(quarantines),
        "files": dg.MetadataValue.md(_file_list(files)),
        "path": dg.MetadataValue.path(artifacts[0]),
    }


def checkpoint_metadata(manifest: Manifest, checkpoint: Path) -> dict[str, Any]:
    """Scores, counts, the data versions that it has learned from, and the files of a checkpoint."""
    data = "\n".join(f"- {item.name} `{item.fingerprint}`" for item in manifest.inputs)
    return {
        **{f"metric/{name}": round(value, _DECIMALS) for name, value in manifest.metrics.items()},
        **counts_metadata(manifest.counts),
        "learned_from": dg.MetadataValue.md(data),
        "path": dg.MetadataValue.path(checkpoint),
        "manifest": dg.MetadataValue.path(manifest_path(checkpoint)),
    }


def total_counts(manifests: Iterable[Manifest]) -> Counts:
    return sum((manifest.counts for manifest in manifests), Counts())


def counts_metadata(counts: Counts) -> dict[str, Any]:
    """Plottable numbers, and the reasons of what was set aside."""
    reasons = [
        dg.TableRecord({"unit": unit, "reason": reason, "count": count})
        for unit, by_reason in counts.reasons.items()
        for reason, count in sorted(by_reason.items())
    ]
    reasons += [
        dg.TableRecord({"unit": "word, filtered", "reason": reason, "count": count})
        for reason, count in sorted(counts.filtered.items())
    ]
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
        **({"quarantine_reasons": dg.MetadataValue.table(reasons)} if reasons else {}),
    }


def quarantine_table(quarantines: Iterable[Path]) -> dg.MetadataValue:
    """The first records of the quarantine, by name."""
    records = (record for path in quarantines for record in read_quarantine(path))
    rows = [
        dg.TableRecord(
            {"unit": each.unit, "reason": each.reason, "where": each.image or each.label, "detail": each.detail}
        )
        for each in islice(records, _ROWS)
    ]
    return dg.MetadataValue.table(rows, _SCHEMA)


def picture(pixels: np.ndarray, longest: int = 900) -> dg.MetadataValue:
    """An RGB picture [H, W, 3] as the UI shows it."""
    return dg.MetadataValue.md(f"![picture]({_data_url(pixels, longest)})")


def encoded_picture(data: bytes) -> dg.MetadataValue:
    """The same for an encoded picture."""
    return picture(cv2.cvtColor(decode_picture(data), cv2.COLOR_BGR2RGB))


def crop_table(crops: Iterable[tuple[bytes, str]]) -> dg.MetadataValue:
    """Encoded crops beside their text."""
    rows = [f"| ![]({_encoded_url(crop)}) | {text.replace('|', chr(92) + '|')} |" for crop, text in crops]
    return dg.MetadataValue.md("\n".join(["| crop | text |", "|---|---|", *rows]))


def _data_url(pixels: np.ndarray, longest: int) -> str:
    scale = min(1.0, longest / max(pixels.shape[:2]))
    small = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    encoded, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80])
    if not encoded:
        raise ValueError(f"a picture of shape {pixels.shape} cannot be encoded")
    return _encoded_url(data.tobytes())


def _encoded_url(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def _file_list(files: Iterable[Path]) -> str:
    return "\n".join(f"- `{file}` ({_size(file):,} bytes)" for file in files if file.exists())


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size
