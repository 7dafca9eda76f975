"""Weights as functions of their names, fixtures of reference numbers, and small drawn pages."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from ocr_pipeline.data.layout_lmdb import LayoutRecord, LayoutWord, Region, write_layout_samples
from ocr_pipeline.fast import FastTraining, read_weights, train_fast

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture
def train(tmp_path: Path, config: Path, lmdbs):
    """``train(folder, **settings)``: a short training on drawn pages."""

    def run(folder: str, on_progress=None, valid: bool = True, **settings):
        options = {"num_workers": 0, "val_num_workers": 0, "quiet": True, "val_every_steps": 4, **settings}
        given = FastTraining(config=config, output_dir=tmp_path / folder, **options)
        return train_fast(given, lmdbs[:1], lmdbs[1:] if valid else (), on_progress)

    return run


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def keyed_array(key: str, shape: tuple[int, ...], salt: int = 0) -> np.ndarray:
    """The weights that the reference numbers were made with: a function of key, shape and salt."""
    random = np.random.RandomState((zlib.crc32(key.encode()) + salt) % 2**32)
    if key.endswith("num_batches_tracked"):
        return np.array(0, dtype=np.int64)
    if key.endswith("running_var"):
        return random.uniform(0.5, 1.5, shape).astype(np.float32)
    if key.endswith("running_mean"):
        return (0.2 * random.standard_normal(shape)).astype(np.float32)
    if len(shape) == 4:
        return (random.standard_normal(shape) * np.sqrt(1.0 / np.prod(shape[1:]))).astype(np.float32)
    if key.endswith("weight"):
        return random.uniform(0.4, 0.9, shape).astype(np.float32)
    return (0.2 * random.standard_normal(shape)).astype(np.float32)


def keyed_state(network: torch.nn.Module, salt: int = 0) -> dict[str, torch.Tensor]:
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    return {key: torch.from_numpy(keyed_array(key, shape, salt)) for key, shape in shapes.items()}


def keyed_input() -> torch.Tensor:
    return torch.from_numpy(np.random.RandomState(11).standard_normal((2, 3, 64, 96)).astype(np.float32))


def load_json(name: str):
    return json.loads((FIXTURES / name).read_text(encoding="utf-8"))


def load_arrays(name: str) -> dict[str, np.ndarray]:
    with np.load(FIXTURES / name) as arrays:
        return dict(arrays)


def square(x: float, y: float, wide: float, high: float) -> tuple:
    return ((x, y), (x + wide, y), (x + wide, y + high), (x, y + high))


def draw_page(number: int, size: int = 128) -> tuple[bytes, LayoutRecord]:
    """A light page with a few dark words of stripes, one of them illegible, on a grid that is shaken by ``number``."""
    random = np.random.default_rng(number)
    page = np.full((size, size, 3), 235, np.uint8)
    words = []
    for row in range(12, size - 28, 36):
        for column in range(8, size - 50, 60):
            x, y = column + int(random.integers(0, 6)), row + int(random.integers(0, 6))
            wide, high = int(random.integers(34, 46)), int(random.integers(18, 24))
            page[y : y + high, x : x + wide] = 60
            page[y : y + high, x + 2 : x + wide : 6] = 120
            words.append(LayoutWord(square(x, y, wide, high), "낱말", "ok", len(words)))
    page = np.clip(page + random.normal(0, 6, page.shape), 0, 255).astype(np.uint8)
    record = LayoutRecord("drawn", "train", f"{number}.png", "", size, size, tuple(words))
    return cv2.imencode(".png", page)[1].tobytes(), record


def with_ignored(record: LayoutRecord) -> LayoutRecord:
    """The first word illegible, the second gone but found as text by a layout model."""
    first, second, *others = record.words
    illegible = LayoutWord(first.quad, "###", "ignore", first.id)
    (x0, y0), _, (x1, y1), _ = second.quad
    region = Region("text", 0.9, (x0, y0, x1, y1), 0)
    return LayoutRecord(
        record.dataset, record.split, record.image, "", record.width, record.height, (illegible, *others), (region,)
    )


@pytest.fixture
def lmdbs(tmp_path: Path) -> tuple[Path, Path]:
    """A training and a validation LMDB of 6 and 3 drawn pages."""
    train, valid = tmp_path / "drawn_train_layout.lmdb", tmp_path / "drawn_valid_layout.lmdb"
    write_layout_samples(train, (draw_page(number) for number in range(6)), {})
    write_layout_samples(valid, (draw_page(number) for number in range(100, 103)), {})
    return train, valid


SMALL_CONFIG = """
variant: narrow
dropout: 0.2
img_size: 64
short_size: 128
batch_size: 2
epochs: 2
repeat_times: 2
learning_rate: 5.0e-3
clip_norm: 5
min_score: 0.5
min_area: 60
augmentation: {scale: [0.9, 1.2], rotation: 4, flip: 0}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL_CONFIG)
    return path


def weights(path: Path) -> dict[str, torch.Tensor]:
    return read_weights(path).state


def equal(left: Path, right: Path) -> bool:
    a, b = weights(left), weights(right)
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)
