"""Hugging Face's way of writing flags: ``--bf16 True``, and many that a plain training loop has no use for."""

from __future__ import annotations

import dataclasses
import logging

import click

from ocr_pipeline.settings import OFF, ON

logger = logging.getLogger(__name__)

_EARLIER = {
    "encoder_model_name_or_path",
    "decoder_model_name_or_path",
    "num_beams",
    "max_length",
    "attn_implementation",
    "train_csv_path",
    "valid_csv_path",
}
"""Flags of the earlier training script that only its code had a use for."""
_DROPPED = {
    *("overwrite_output_dir", "evaluation_strategy", "logging_dir", "save_safetensors", "use_mps_device", "use_ipex"),
    *("jit_mode_eval", "tpu_num_cores", "tpu_metrics_debug", "past_index", "ray_scope", "half_precision_backend"),
    *("fp16_backend", "fp16_opt_level", "mp_parameters", "torchdynamo", "dispatch_batches", "split_batches"),
    *("push_to_hub_model_id", "push_to_hub_organization", "push_to_hub_token", "include_tokens_per_second"),
    *("include_inputs_for_metrics", "sharded_ddp", "fsdp_min_num_params", "fsdp_transformer_layer_cls_to_wrap"),
}
"""Flags of transformers 4 that version 5 has no more; scripts still carry them."""
_RENAMED = {
    "no_cuda": "use_cpu",
    "per_gpu_train_batch_size": "per_device_train_batch_size",
    "per_gpu_eval_batch_size": "per_device_eval_batch_size",
}
_WHY = {
    "overwrite_output_dir": "the checkpoints of another training are never replaced: begin anew in another folder",
    "do_train": "it always trains",
    "do_eval": "it evaluates where VAL_LMDB_PATHS names data",
    "predict_with_generate": "evaluations always generate",
    "load_best_model_at_end": "the best checkpoint is kept and named at the end in any case",
    "metric_for_best_model": "the best checkpoint has the lowest character error rate",
    "evaluation_strategy": "it evaluates every --eval_steps steps where VAL_LMDB_PATHS names data",
    "eval_strategy": "it evaluates every --eval_steps steps where VAL_LMDB_PATHS names data",
    "save_strategy": "it saves every --save_steps steps and at the end",
    "logging_strategy": "it logs every --logging_steps steps",
}
"""What is done instead of what a flag asks for."""


class HuggingFaceCommand(click.Command):
    """A command that also takes what Seq2SeqTrainingArguments takes, or took in transformers 4.

    Flags it has no use for are warned about. A flag that neither knows is refused, for it is a slip of the hand.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self._translated(args))

    def _translated(self, args: list[str]) -> list[str]:
        options = {name.lstrip("-"): option for option in self.params for name in option.opts}
        return [part for flag, values in _groups(args) for part in self._taken(options, flag, values)]

    def _taken(self, options: dict[str, click.Parameter], flag: str, values: list[str]) -> list[str]:
        """One flag as the command takes it; nothing of one that it has no use for."""
        written, has_value, value = flag.lstrip("-").partition("=")
        plain = written.replace("-", "_")
        name = _RENAMED.get(plain, plain)
        given = [value] if has_value else values
        option = options.get(name)
        if _is_switch(option) and given and given[0].lower() in ON + OFF:
            return [f"--{'' if given[0].lower() in ON else 'no_'}{name}"]
        if name != plain:
            return [f"--{name}", *given]
        if option or not flag.startswith("--") or plain.startswith(("no_", "help")):
            return [flag, *values]
        if plain not in _EARLIER | _DROPPED | _hugging_face_names():
            return [flag, *values]
        why = f": {_WHY[plain]}" if plain in _WHY else ""
        logger.warning("--%s is accepted, but has no effect here%s", written, why)
        return []


def _groups(args: list[str]) -> list[tuple[str, list[str]]]:
    """Each flag with the values that follow it."""
    groups: list[tuple[str, list[str]]] = []
    for arg in args:
        if arg.startswith("--") or not groups:
            groups.append((arg, []))
        else:
            groups[-1][1].append(arg)
    return groups


def _is_switch(option: click.Parameter | None) -> bool:
    return bool(getattr(option, "is_flag", False))


def _hugging_face_names() -> set[str]:
    from transformers import Seq2SeqTrainingArguments  # costs seconds, and is asked for rare flags only

    names = {field.name for field in dataclasses.fields(Seq2SeqTrainingArguments)}
    return names | {f"no_{name}" for name in names}
