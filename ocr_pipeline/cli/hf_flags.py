"""Hugging Face's way of writing flags: ``--bf16 True``, and many that a plain training loop has no use for."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

import click

from ocr_pipeline.settings import OFF, ON

logger = logging.getLogger(__name__)

# Flags of the earlier training script that only its code had a use for.
_EARLIER = {
    "encoder_model_name_or_path",
    "decoder_model_name_or_path",
    "num_beams",
    "max_length",
    "attn_implementation",
    "train_csv_path",
    "valid_csv_path",
}


class HuggingFaceCommand(click.Command):
    """A command that also takes what Seq2SeqTrainingArguments takes; flags it has no use for are warned about.

    A flag that neither knows is refused, for it is a slip of the hand.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self._translated(args))

    def _translated(self, args: list[str]) -> list[str]:
        options = {name.lstrip("-"): option for option in self.params for name in option.opts}
        kept: list[str] = []
        for flag, values in _groups(args):
            name, has_value, value = flag.lstrip("-").partition("=")
            option = options.get(name)
            given = [value] if has_value else values
            if _is_switch(option) and given and given[0].lower() in ON + OFF:
                kept.append(f"--{'' if given[0].lower() in ON else 'no_'}{name.replace('-', '_')}")
            elif option or not flag.startswith("--") or name.startswith(("no_", "no-", "help")):
                kept += [flag, *values]
            elif name.replace("-", "_") in _EARLIER | _hugging_face_names():
                logger.warning("--%s is accepted, but has no effect here", name)
            else:
                kept += [flag, *values]
        return kept


def _groups(args: list[str]) -> list[tuple[str, list[str]]]:
    """Each flag with the values that follow it."""
    groups: list[tuple[str, list[str]]] = []
    for arg in args:
        if arg.startswith("--") or not groups:
            groups.append((arg, []))
        else:
            groups[-1][1].append(arg)
    return groups


def _is_switch(option: Any) -> bool:
    return bool(getattr(option, "is_flag", False))


def _hugging_face_names() -> set[str]:
    from transformers import Seq2SeqTrainingArguments  # costs seconds, and is asked for rare flags only

    names = {field.name for field in dataclasses.fields(Seq2SeqTrainingArguments)}
    return names | {f"no_{name}" for name in names}
