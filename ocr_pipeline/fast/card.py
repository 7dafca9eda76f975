"""The card of a detector: what it learnt from, how well it finds words, how it is used; no place of this machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from ocr_pipeline.fast.config import FastConfig
from ocr_pipeline.fast.detector import config_of
from ocr_pipeline.fast.weights.reading import Weights, load_network
from ocr_pipeline.shown import as_markdown
from ocr_pipeline.training.cards import head, learnt_from

ORIGIN = ("global_step", "metric", "data", "judged_on", "code_version")
"""What a checkpoint says of where it comes from."""
_RULES = ("short_size", "kernel_logit", "min_score", "min_area", "bbox_type", "box_growth")


def card_of(checkpoint: Path) -> str:
    """The card of a detector that is a file in any layout of FAST.

    Raises:
        PipelineError: the file is no detector.
    """
    _, weights = load_network(checkpoint)
    return detector_card(config_of(weights), origin_of(weights))


def origin_of(weights: Weights) -> dict[str, Any]:
    """What a checkpoint of this pipeline says of where it comes from; others mean other things by such names."""
    extras = weights.extras if "code_version" in weights.extras else {}
    return {name: extras[name] for name in ORIGIN if name in extras}


def detector_card(config: FastConfig, origin: Mapping[str, Any]) -> str:
    """The card in Markdown; the hub reads its head.

    Args:
        origin: of the checkpoint, the fields of ``ORIGIN``; what was trained elsewhere has none of them.
    """
    return "\n".join([*_lines(config, origin)]) + "\n"


def _lines(config: FastConfig, origin: Mapping[str, Any]) -> Iterator[str]:
    yield from head("pipeline_tag: object-detection", "tags: [text-detection, ocr, fast]")
    yield from ("# A detector of Korean words", "", f"FAST {config.variant} (arXiv 2111.02394){_training(origin)}.")
    yield "It is used by `ocr-pipeline detect --checkpoint FILE` and `ocr-pipeline read`; an ONNX file, by any program:"
    yield "how it is fed stands in its metadata."
    yield from learnt_from(origin.get("data", ()), "pages")
    yield from ("## How well it finds words", "")
    yield from _scores(origin)
    yield from ("", "## Box rules", "", "| rule | value |", "| --- | --- |")
    yield from (f"| {name} | {msgspec.to_builtins(getattr(config, name))} |" for name in _RULES)


def _training(origin: Mapping[str, Any]) -> str:
    steps = origin.get("global_step")
    return f", trained for {steps:,} steps by `ocr-pipeline train-fast`" if steps is not None else ""


def _scores(origin: Mapping[str, Any]) -> Iterator[str]:
    """Those of these very weights: a score of an earlier step says nothing of a later one."""
    metric = origin.get("metric") or {}
    if not metric or metric["step"] != origin.get("global_step"):
        yield "It was not validated at this step under these rules."
        return
    judged_on = ", ".join(as_markdown(entry["name"]) for entry in origin.get("judged_on", ()))
    yield f"On validation pages{f' of {judged_on}' if judged_on else ''}:"
    yield from ("", "| precision | recall | hmean |", "| --- | --- | --- |")
    yield f"| {metric['precision']:.4f} | {metric['recall']:.4f} | {metric['hmean']:.4f} |"
