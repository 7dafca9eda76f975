"""The model card of a recognizer that was trained here: what it learnt from, how well it reads, how it is used.

It holds what the training knows and no place of this machine, so that the folder can be handed on as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ocr_pipeline.recognition.pretrained import may_be_on_the_hub
from ocr_pipeline.training.cards import head, learnt_from

_METRICS = {"cer": "character error rate", "wer": "word error rate", "exact": "words without a fault"}
_USE = {
    True: "`VisionEncoderDecoderModel.from_pretrained(folder)` of transformers, with its `AutoProcessor`",
    False: "`ocr-pipeline recognize --ckpt FOLDER`, or worked into its base by `ocr-pipeline merge-dlora`",
}
"""Of a merged model, and of adapters."""


def model_card(base: str, state: Mapping[str, Any], *, merged: bool) -> str:
    """The card of a checkpoint, in Markdown with the head that the Hugging Face hub reads.

    Args:
        base: name of the base model; of a folder only its own name is told.
        state: of the training, as its checkpoint keeps it.
        merged: whether the folder is a whole model, not adapters.
    """
    return "\n".join([*_head(base, merged), *_body(_name(base), state, merged)]) + "\n"


def _name(base: str) -> str:
    return base if may_be_on_the_hub(base) else Path(base).name


def _head(base: str, merged: bool) -> Iterator[str]:
    known = [f"base_model: {base}"] if may_be_on_the_hub(base) else []
    library = f"library_name: {'transformers' if merged else 'peft'}"
    yield from head(*known, library, "pipeline_tag: image-to-text", "metrics: [cer]")


def _body(base: str, state: Mapping[str, Any], merged: bool) -> Iterator[str]:
    key = state.get("key", {})
    yield "# A recognizer of Korean words"
    yield ""
    steps, method = state["global_step"], key.get("method", "unknown")
    yield f"{base}, trained for {steps:,} steps by `ocr-pipeline train-dlora`, method {method}."
    yield f"It is used by {_USE[merged]}."
    yield from learnt_from(key.get("training data", ()), "crops")
    yield from ("## How well it reads", "")
    yield from _scores(state)


def _scores(state: Mapping[str, Any]) -> Iterator[str]:
    """Its own scores beside the base's, each on the same validation crops."""
    rows = [row for row in state.get("history", ()) if "cer" in row]
    own = [row for row in rows if row["step"] == state["global_step"]]
    if not own:
        yield "It was not evaluated at this step."
        return
    before = next((row for row in rows if row["step"] == 0), None)
    yield f"On {own[-1]['count']:,} validation crops; the interval holds 95 % (bootstrap over crops)."
    yield from ("", "| | base | this |", "| --- | --- | --- |")
    for metric, title in _METRICS.items():
        yield f"| {title} | {_cell(before, metric)} | {_cell(own[-1], metric)} |"


def _cell(row: Mapping[str, Any] | None, metric: str) -> str:
    if row is None:
        return ""
    interval = f" ({row['cer_low']:.4f} to {row['cer_high']:.4f})" if metric == "cer" else ""
    return f"{row[metric]:.4f}{interval}"
