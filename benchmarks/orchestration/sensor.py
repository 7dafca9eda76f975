"""A tick of the share's sensor over many files: ``python -m benchmarks.orchestration.sensor [FILES ...]``.

A tree of empty files in 2,000 folders of the public_admin and handwriting sets is made and removed again, for each
number of files (by default 10,000, 100,000 and 1,000,000). A process of its own then ticks as the daemon does, with the
default limit of 20 s for a look, until the whole share has been seen; a second look finds nothing, and after one new
file a third one finds its partition.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

FOLDERS = 2000
_PLACES = (
    "공공행정문서 OCR/Training/[라벨]train/01.라벨링데이터(Json)",
    "공공행정문서 OCR/Training/[원천]train1/02.원천데이터(jpg)",
    "공공행정문서 OCR/Validation/[라벨]validation/01.라벨링데이터(Json)",
    "공공행정문서 OCR/Validation/[원천]validation/02.원천데이터(Jpg)",
    "053.대용량 손글씨 OCR 데이터/01.데이터/1.Training/라벨링데이터/TL",
    "053.대용량 손글씨 OCR 데이터/01.데이터/1.Training/원천데이터/TS",
    "053.대용량 손글씨 OCR 데이터/01.데이터/2.Validation/라벨링데이터/VL",
    "053.대용량 손글씨 OCR 데이터/01.데이터/2.Validation/원천데이터/VS",
)


def main() -> None:
    counts = [int(text) for text in sys.argv[1:]] or [10_000, 100_000, 1_000_000]
    sys.stdout.write(
        "files | made in s | look | ticks | longest tick s | whole look s | cursor bytes | peak MB | found\n"
    )
    for files in counts:
        root = Path(tempfile.mkdtemp(prefix="share_of_files_"))
        try:
            began = time.perf_counter()
            make_tree(root, files)
            made = time.perf_counter() - began
            rows = subprocess.run(
                [sys.executable, "-m", __spec__.name if __spec__ else __name__, "--tick", str(root)],
                check=True, capture_output=True, text=True, env=_environment(root),
            ).stdout  # fmt: skip
        finally:
            shutil.rmtree(root)
        for row in rows.splitlines():
            sys.stdout.write(f"{files:,} | {made:.1f} | {row}\n")
            sys.stdout.flush()


def make_tree(root: Path, files: int) -> None:
    """Empty files, spread evenly over the folders."""
    for number in range(FOLDERS):
        place = root / _PLACES[number % len(_PLACES)] / f"{number:05d}"
        place.mkdir(parents=True)
        ending = "json" if number % 2 == 0 else "jpg"
        for file in range(number, files, FOLDERS):
            os.close(os.open(place / f"page_{file:08d}.{ending}", os.O_CREAT | os.O_WRONLY))


def tick(root: Path) -> None:
    """Three looks, a row for each."""
    for name, change in (("first", None), ("nothing new", None), ("one new file", "00004/page_new.json")):
        if change:
            (root / _PLACES[4] / change).touch()
        ticks, found = list(_look(root)), ""
        found = ticks[-1][1]
        seconds = [took for took, _ in ticks]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        cursor = len(_Cursor.text.encode())
        row = f"{name} | {len(ticks)} | {max(seconds):.2f} | {sum(seconds):.1f} | {cursor} | {peak:.0f} | {found}"
        sys.stdout.write(row + "\n")


class _Cursor:
    text = ""


def _look(root: Path) -> Iterator[tuple[float, str]]:
    """(seconds, partitions requested) of each tick of one look at the whole share."""
    import dagster as dg

    from ocr_pipeline.orchestration.automation.settings import AutomationSettings
    from ocr_pipeline.orchestration.automation.share_watch import watch_sensor
    from ocr_pipeline.orchestration.automation.watched import read_cursor
    from ocr_pipeline.orchestration.resources import Locations

    locations = Locations(source=str(root))
    share_watch = watch_sensor(AutomationSettings.from_environment(os.environ))
    instance = dg.DagsterInstance.ephemeral()
    while True:
        context = dg.build_sensor_context(
            instance=instance, cursor=_Cursor.text or None, resources={"locations": locations}
        )
        began = time.perf_counter()
        result = share_watch(context)
        took = time.perf_counter() - began
        requests = result.run_requests or [] if isinstance(result, dg.SensorResult) else []
        _Cursor.text = (result.cursor if isinstance(result, dg.SensorResult) else context.cursor) or ""
        yield took, ", ".join(request.partition_key or "" for request in requests) or "-"
        sweep = read_cursor(_Cursor.text, locations.share.place).sweep
        if not sweep.folder and not sweep.walked:
            return


def _environment(root: Path) -> dict[str, str]:
    return {**os.environ, "OCR_PIPELINE_SOURCE": str(root), "OCR_PIPELINE_QUIET_SECONDS": "0"}


if __name__ == "__main__":
    if sys.argv[1:2] == ["--tick"]:
        tick(Path(sys.argv[2]))
    else:
        main()
