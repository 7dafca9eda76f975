"""A service under load: requests a second, how long they take, and whether its memory stays flat.

``python -m benchmarks.serving --requests 2000 --at_once 8`` starts ``ocr-pipeline serve`` with the shipped weights and
posts small drawn pages to it; the numbers lie in ``results/serving.json``. With ``--short_size 224`` the detector
looks at smaller pictures: what is measured then is the service around it, in minutes instead of an hour.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
import psutil
import requests
from PIL import Image

from benchmarks.measuring import RESULTS
from ocr_pipeline.data.synthetic.crops import plain_crop
from ocr_pipeline.data.synthetic.faces import package_faces
from ocr_pipeline.fast import Detector
from ocr_pipeline.fast.exporting import export_weights
from ocr_pipeline.models import FAST_KOREAN

WORDS = ("신청서", "접수", "서울특별시", "2024.03.15", "종로구", "안내문", "합계", "12,500원")
PAGES = 32
LOOKS = 20


def small_pages(count: int) -> list[bytes]:
    """PNG files of a line of two words each."""
    rng, pages = np.random.default_rng(11), []
    for number in range(count):
        words = [plain_crop(str(WORDS[place]), package_faces()[0], rng) for place in rng.integers(0, len(WORDS), 2)]
        page = Image.new("RGB", (sum(word.shape[1] for word in words) + 96, 96 + number % 8), "white")
        left = 24
        for word in words:
            page.paste(Image.fromarray(word), (left, 24))
            left += word.shape[1] + 32
        data = io.BytesIO()
        page.save(data, "PNG")
        pages.append(data.getvalue())
    return pages


@contextmanager
def detector_of(short_size: int | None) -> Iterator[list[str]]:
    """The flags of a detector that is the shipped one, but for the size of what it looks at."""
    if short_size is None:
        yield []
        return
    with TemporaryDirectory() as folder:
        weights = Path(folder) / "detector.pth"
        config = msgspec.structs.replace(Detector(device="cpu").config, short_size=short_size)
        export_weights(FAST_KOREAN, weights, config)
        yield ["--detector", str(weights)]


@contextmanager
def served(flags: list[str]) -> Iterator[tuple[str, psutil.Process]]:
    """The address of a service of the shipped weights, and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = "import sys; sys.argv[0] = 'ocr-pipeline'; from ocr_pipeline.cli import main; main()"
    command = [
        sys.executable,
        "-c",
        code,
        "serve",
        "--port",
        str(port),
        "--device",
        "cpu",
        "--most_seconds",
        "600",
        *flags,
    ]
    process, address = subprocess.Popen(command), f"http://127.0.0.1:{port}"
    try:
        while not _is_ready(address):
            if process.poll() is not None:
                raise SystemExit("the service ended")
            time.sleep(0.5)
        yield address, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(60)


def _is_ready(address: str) -> bool:
    try:
        return requests.get(f"{address}/ready", timeout=5).ok
    except requests.ConnectionError:
        return False


def load(count: int, at_once: int, seconds: float, flags: list[str]) -> dict[str, float | list[float]]:
    """What ``count`` requests took, or as many as there is time for."""
    pages = small_pages(PAGES)
    with served(flags) as (address, process), ThreadPoolExecutor(at_once) as senders:

        def send(page: bytes) -> float:
            began = time.perf_counter()
            answer = requests.post(f"{address}/read", page, headers={"Accept": "text/plain"}, timeout=300)
            answer.raise_for_status()
            return time.perf_counter() - began

        list(senders.map(send, pages[:at_once]))  # warm
        took, memory, began = [], [process.memory_info().rss / 1e6], time.perf_counter()
        sent = cycle(pages)
        for share in np.array_split(np.arange(count), LOOKS):
            took += senders.map(send, islice(sent, len(share)))
            memory.append(process.memory_info().rss / 1e6)
            if time.perf_counter() - began > seconds:
                break
        wall = time.perf_counter() - began
    quantiles = statistics.quantiles(took, n=100)
    return {
        "requests": len(took),
        "at_once": at_once,
        "requests_a_second": round(len(took) / wall, 2),
        "p50_seconds": round(quantiles[49], 3),
        "p95_seconds": round(quantiles[94], 3),
        "megabytes": [round(each, 1) for each in memory],
        "load": os.getloadavg()[0],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--at_once", type=int, default=8)
    parser.add_argument("--short_size", type=int)
    parser.add_argument("--seconds", type=float, default=3600)
    chosen = parser.parse_args()
    with detector_of(chosen.short_size) as flags:
        measured = load(chosen.requests, chosen.at_once, chosen.seconds, flags)
    (RESULTS / "serving.json").write_text(json.dumps(measured, indent=1) + "\n")
    sys.stdout.write(json.dumps(measured) + "\n")


if __name__ == "__main__":
    main()
