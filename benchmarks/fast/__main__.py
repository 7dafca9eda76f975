"""Run the benchmarks that are named, or all: ``targets``, ``boxes``, ``samples``, ``prediction``, ``runtimes``."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader

from benchmarks.fast.pages import dense_page, kernel_logits, word_quads
from benchmarks.fast.published_way import boxes_of_whole_pictures, kernels_of_whole_pictures
from benchmarks.fast.runtimes import runtimes
from benchmarks.fast.timing import ratio_line, seconds
from ocr_pipeline.data.layout_lmdb import write_layout_samples
from ocr_pipeline.fast import build_network
from ocr_pipeline.fast.config import FastConfig
from ocr_pipeline.fast.data import OwnBatches, Pages, SampleOrder, TrainingCrops, labelled_areas
from ocr_pipeline.fast.detector import Detector
from ocr_pipeline.fast.loading import start_worker
from ocr_pipeline.fast.maps.augmentation import random_crop
from ocr_pipeline.fast.maps.pictures import fit_short_side, read_rgb
from ocr_pipeline.fast.maps.postprocess import BoxRules, Detection, find_boxes
from ocr_pipeline.fast.maps.targets import draw_targets
from ocr_pipeline.fast.network import normalise
from ocr_pipeline.fast.settings import Precision
from ocr_pipeline.training.loader_workers import LoaderWorkers


def targets() -> str:
    """Kernels of a dense page: 200 words at 1472 x 2080, bit-equal."""
    size, quads = (2080, 1472), word_quads(200, 2080, 1472)
    ignored = [False] * len(quads)
    expected = kernels_of_whole_pictures(size, quads, 9)
    assert np.array_equal(expected, draw_targets(size, quads, ignored, 9).kernel)
    variants = {
        "whole-picture masks": partial(kernels_of_whole_pictures, size, quads, 9),
        "ours": partial(draw_targets, size, quads, ignored, 9),
    }
    return ratio_line("targets, 200 words at 1472x2080, bit-equal", seconds(variants, 3), 50)


def boxes() -> str:
    """Boxes of 400 components at 1280 x 928, identical."""
    logits, rules = kernel_logits(400, 1280, 928), BoxRules(min_area=50, min_score=0.5)
    expected, found = (way(logits, (1280, 928), rules) for way in (boxes_of_whole_pictures, find_boxes))
    assert len(found) == 400
    assert [box.polygon.tolist() for box in found] == [box.polygon.tolist() for box in expected]
    variants = {
        "whole-picture comparisons": partial(boxes_of_whole_pictures, logits, (1280, 928), rules),
        "ours": partial(find_boxes, logits, (1280, 928), rules),
    }
    return ratio_line("boxes, 400 components at 1280x928, identical", seconds(variants, 5), 20)


def samples(count: int = 240) -> str:
    """Training samples of 640 x 640, pages of 100 words (1200 x 1600), from two workers; and what one consists of.

    The workers' processor time tells what two free cores would give, whatever else runs on the machine.
    """
    config = FastConfig(img_size=640, short_size=640)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dense_train_layout.lmdb"
        write_layout_samples(path, (dense_page(100, 1600, 1200, seed) for seed in range(8)), {})
        loader = DataLoader(
            TrainingCrops(Pages([path]), config, seed=0),
            batch_sampler=OwnBatches(SampleOrder([(8, 8)], 0, 0, count), 4),
            num_workers=2,
            worker_init_fn=partial(start_worker, LoaderWorkers()),
        )
        before = _children_seconds()
        arrivals = [time.perf_counter() for _ in loader]
        busy = (_children_seconds() - before) / count
        rate = 4 * (len(arrivals) - 9) / (arrivals[-1] - arrivals[8])  # the workers' start does not count
        shares = _shares(Pages([path]), config)
    verdict, load = "met" if rate >= 60 else "missed", os.getloadavg()[0]
    return (
        f"samples, 640 with 100 words, 2 workers: {rate:.0f} per second (bar 60 {verdict}; load {load:.1f}), "
        f"{1000 * busy:.1f} ms of processor time each ({2 / busy:.0f} per second from two free cores); of one, {shares}"
    )


def _children_seconds() -> float:
    """Processor time of the worker processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _shares(pages: Pages, config: FastConfig) -> str:
    cv2.setNumThreads(0)
    picture, record = pages.read(0)
    polygons, ignored = labelled_areas(record)
    words = [np.rint(polygon * 0.5).astype(np.int32) for polygon in polygons]
    random = np.random.default_rng(0)
    parts = {
        "decoding": partial(pages.read, 0),
        "crop and colours": partial(random_crop, picture, polygons, ignored, 640, 640, config.augmentation, random),
        "targets": partial(draw_targets, (640, 640), words, ignored, 9),
    }
    return ", ".join(f"{name} {1000 * value:.1f} ms" for name, value in seconds(parts, 20).items())


def prediction() -> str:
    """One page on one core, FAST tiny: decode, resize, network, boxes.

    The weights are random, so both find their boxes on a drawn map of 100 words instead of the network's own.
    """
    torch.set_num_threads(1)
    data, _ = dense_page(100, 1600, 1200)
    drawn = kernel_logits(100, 1280, 960)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "tiny.pth"
        torch.save({"state_dict": build_network("tiny").state_dict()}, checkpoint)
        config = FastConfig(variant="tiny", short_size=960, min_score=0.5)
        exact, fast = (Detector(checkpoint, config, "cpu", precision) for precision in get_args(Precision))
    whole = build_network("tiny").eval()

    def ours(detector: Detector) -> list[Detection]:
        fitted = fit_short_side(read_rgb(data, "page"), 960)
        detector.logits([fitted])
        return find_boxes(drawn, (1600, 1200), BoxRules(min_score=0.5))

    @torch.no_grad()
    def published() -> list[Detection]:
        pixels = cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        fitted = torch.from_numpy(fit_short_side(pixels, 960)).permute(2, 0, 1)[None]
        whole(normalise(fitted))
        return boxes_of_whole_pictures(drawn, (1600, 1200), BoxRules(min_score=0.5))

    ways = {"float32": partial(ours, exact), "bfloat16": partial(ours, fast)}
    times = seconds({"peer": published, **ways}, 3)
    return "\n".join(
        ratio_line(
            "prediction, FAST tiny at 960x1280, one core",
            {"unfused, whole-picture boxes": times["peer"], f"ours in {name}": times[name]},
            2,
        )
        for name in ways
    )


if __name__ == "__main__":
    known = {function.__name__: function for function in (targets, boxes, samples, prediction, runtimes)}
    for name in sys.argv[1:] or known:
        sys.stdout.write(known[name]() + "\n")
        sys.stdout.flush()
