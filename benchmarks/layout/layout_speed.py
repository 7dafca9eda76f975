# ruff: noqa: T201
"""How much the layout stage costs beside decoding, how idle its model is, and whether its memory stays flat.

``python benchmarks/layout/layout_speed.py [throughput | idle | memory] [--pages N] [--workers N]``
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from pathlib import Path

import cv2
import numpy as np
import torch

from ocr_pipeline.data.layout_lmdb import (
    Detections,
    Engines,
    LayoutBuild,
    LayoutEngine,
    LayoutSettings,
    PageWork,
    open_engine,
)
from ocr_pipeline.data.layout_lmdb.engines.detections import model_input
from ocr_pipeline.data.lookup import PageTask
from ocr_pipeline.page import Page, Word
from ocr_pipeline.parallel import Processes
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.pictures import decode_picture

OnProgress = Callable[[int, "int | None"], None]

A4 = (1654, 2339)
WORDS = 300
DIFFERENT = 20
WARM, ROUNDS = 40, 5


@dataclass(frozen=True)
class Pictures:
    """A few pictures under many names, each made a picture of its own by a comment behind the end of the JPEG."""

    folder: Path

    def read(self, path: str) -> bytes:
        return (self.folder / f"{int(path) % DIFFERENT}.jpg").read_bytes() + path.encode()


def decode_and_resize(task: tuple[Pictures, str]) -> int:
    pictures, path = task
    return model_input(decode_picture(pictures.read(path)), (800, 800)).shape[0]


class Free:
    """Costs nothing and finds three regions."""

    backend, name, fingerprint, labels, input_size = "free", "free", "1", ("text",), (800, 800)

    def infer(self, pixels: np.ndarray, sizes: Sequence[tuple[int, int]]) -> list[Detections]:
        boxes = np.array([(50, 50, 1600, 700), (50, 800, 1600, 1500), (50, 1600, 1600, 2300)], np.float32)
        return [Detections(boxes, np.full(3, 0.9, np.float32), np.zeros(3, np.int64)) for _ in sizes]

    def close(self) -> None:
        pass


class Timed:
    """Another engine, with the seconds it worked and the seconds from its first to its last answer."""

    def __init__(self, engine: LayoutEngine) -> None:
        self._engine, self.worked, self.first, self.last = engine, 0.0, 0.0, 0.0
        self.backend, self.name, self.fingerprint = engine.backend, engine.name, engine.fingerprint
        self.labels, self.input_size = engine.labels, engine.input_size

    def infer(self, pixels: np.ndarray, sizes: Sequence[tuple[int, int]]) -> list[Detections]:
        started = time.perf_counter()
        self.first = self.first or started
        found = self._engine.infer(pixels, sizes)
        self.last = time.perf_counter()
        self.worked += self.last - started
        return found

    def close(self) -> None:
        self._engine.close()

    @property
    def idle(self) -> float:
        return 1 - self.worked / (self.last - self.first)


def write_pictures(folder: Path) -> Pictures:
    for number in range(DIFFERENT):
        random = np.random.default_rng(number)
        canvas = np.full((A4[1], A4[0], 3), 245, np.uint8)
        for x, y in random.integers(0, 1500, (WORDS * 4, 2)).tolist():
            cv2.putText(canvas, "word", (x, int(y * 1.5)), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (30, 30, 30), 2)
        canvas = cv2.add(canvas, random.integers(0, 12, canvas.shape, dtype=np.uint8))
        cv2.imwrite(str(folder / f"{number}.jpg"), canvas, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return Pictures(folder)


def pages(count: int) -> list[Page]:
    corners = [(x, y) for y in range(60, 2300, 90) for x in range(60, 1560, 120)]
    quads = [((x, y), (x + 60, y), (x + 60, y + 25), (x, y + 25)) for x, y in corners]
    words = tuple(Word(place, "낱말", quad) for place, quad in enumerate(quads[:WORDS]))
    return [Page("handwriting", "train", str(number), *A4, f"{number}.json", words) for number in range(count)]


def build(
    pictures: Pictures, count: int, engine: LayoutEngine, workers: int, on_progress: OnProgress | None = None
) -> float:
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        settings = LayoutSettings(device="cpu")
        work = PageWork(pictures.read, Engines(engine), settings)
        maker = LayoutBuild(Workspace(Path(folder)), work, Processes(workers), on_progress)
        tasks = (PageTask(page, page.image, page.image) for page in pages(count))
        maker.publish(Path(folder) / "a_train_layout.lmdb", "handwriting_train", [], tasks)
        return time.perf_counter() - started


def decode_alone(pictures: Pictures, count: int, workers: int, on_progress: OnProgress) -> None:
    with ProcessPoolExecutor(workers, get_context("spawn"), cv2.setNumThreads, (1,)) as executor:
        tasks = [(pictures, str(number)) for number in range(count)]
        for done, _ in enumerate(executor.map(decode_and_resize, tasks), start=1):
            on_progress(done, count)


def throughput(pictures: Pictures, count: int, workers: int) -> None:
    """Both in turn, so that what else the machine does meets both; the medians of all rounds are compared."""
    sides = {
        "decode + resize": lambda clock: decode_alone(pictures, count, workers, clock),
        "stage": lambda clock: build(pictures, count, Free(), workers, clock),
    }
    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, run in sides.items():
            clock = Clock(count)
            run(clock)
            costs[name].append(clock.stop())
            wall, processor = (seconds * 1e3 for seconds in costs[name][-1])
            print(f"{name:16} {wall:5.1f} ms/page by the clock, {processor:5.1f} ms processor time", flush=True)
    walls, processors = {}, {}
    for name, rounds in costs.items():
        walls[name], processors[name] = (statistics.median(column) * 1e3 for column in zip(*rounds, strict=True))
    wall, processor = (medians["decode + resize"] / medians["stage"] for medians in (walls, processors))
    print(f"stage against decode + resize: {wall:.2f} by the clock, {processor:.2f} by processor time")
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, {workers} workers, {ROUNDS} rounds of {count} pages")


class Clock:
    """Seconds and processor seconds per page, from when the processes have started (page `WARM`) to the very end."""

    def __init__(self, count: int) -> None:
        self._count, self._started, self._children = count, (0.0, 0.0, 0.0), 0.0

    def __call__(self, done: int, _: int | None) -> None:
        if done == WARM:
            self._started = (time.perf_counter(), time.process_time(), children_time())
        if done == self._count:
            self._children = children_time()

    def stop(self) -> tuple[float, float]:
        wall, own, children = self._started
        used = time.process_time() - own + self._children - children
        return tuple(seconds / (self._count - WARM) for seconds in (time.perf_counter() - wall, used))  # type: ignore[return-value]


def children_time() -> float:
    """Processor seconds of the living child processes."""
    ticks = 0
    for child in active_children():
        fields = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def idle(pictures: Pictures, count: int, workers: int) -> None:
    from ocr_pipeline_tests.data.layout_lmdb.making import random_model

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        weights = random_model(Path(folder))
        for _ in range(3):
            engine = Timed(open_engine(LayoutSettings(model=str(weights), device="cpu")))
            seconds = build(pictures, count, engine, workers)
            work = engine.worked / count * 1e3
            print(f"{count / seconds:.1f} pages/s, model {work:.0f} ms/page, idle {engine.idle:.0%}")


def memory(pictures: Pictures, count: int, workers: int) -> None:
    def report(done: int, _: int | None) -> None:
        if done % (count // 5) == 0:
            status = Path("/proc/self/status").read_text()
            rows = dict(line.split(":", 1) for line in status.splitlines())
            print(f"{done} pages: {int(rows['RssAnon'].split()[0]) // 1024} MB")

    build(pictures, count, Free(), workers, report)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["throughput", "idle", "memory"])
    parser.add_argument("--pages", type=int, default=240)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pictures = write_pictures(Path(folder))
        globals()[arguments.what](pictures, arguments.pages, arguments.workers)


if __name__ == "__main__":
    main()
