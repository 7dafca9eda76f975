"""The flags of step 8: what transformers calls them, and the variables of the guide."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from ocr_pipeline.cli.options import settings_options
from ocr_pipeline.cli.training import train_dlora_command
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.recognition.dlora import DloraTraining
from ocr_pipeline_tests.cli.running import invoke


def trained_with(*flags: str, **variables: str) -> DloraTraining:
    """The settings that a training would begin with."""

    @click.command()
    @settings_options(DloraTraining, variables_win=True)
    def command(settings: DloraTraining) -> None:
        made.append(settings)

    made: list[DloraTraining] = []
    arguments = ["--model_name_or_path", "base", "--output_dir", "out", *flags]
    CliRunner().invoke(command, arguments, env=variables, catch_exceptions=False)
    return made[0]


def test_the_guides_variables_win_over_the_flags() -> None:
    variables = {"SAVE_STEPS": "10000", "WARMUP_RATIO": "0.0001", "DLORA_RANK": "8", "AMP_DISABLE": "1"}
    settings = trained_with("--save_steps", "5", "--bf16", **variables)
    assert (settings.save_steps, settings.warmup_ratio, settings.lora_rank, settings.bf16) == (10000, 0.0001, 8, False)
    with pytest.raises(PipelineError, match="SAVE_STEPS"):
        trained_with(SAVE_STEPS="many")


def test_every_variable_of_step_8_does_something() -> None:
    plain = trained_with()
    for variable, value, field in (
        ("TRAIN_DEBUG_SHOW", "1", "show_training"),
        ("TRAIN_DEBUG_DIAG", "1", "show_gradients"),
        ("TRAIN_DEBUG_EVERY", "500", "logging_steps"),
        ("PROFILE_TRAIN", "1", "profile"),
        ("AMP_DISABLE", "0", "amp"),
        ("USE_QLORA", "1", "qlora"),
        ("VAL_DEBUG_GEN", "1", "show_tokens"),
        ("VAL_SHOW_PREDS", "1", "show_predictions"),
        ("VAL_NUM_BEAMS", "4", "generation_num_beams"),
        ("SAVE_STEPS", "10000", "save_steps"),
        ("WARMUP_RATIO", "0.0001", "warmup_ratio"),
        ("EVAL_EVERY_STEPS", "501", "eval_steps"),
        ("EVAL_SAMPLES", "1000", "eval_samples"),
    ):
        changed = trained_with(**{variable: value})
        assert changed != plain and getattr(changed, field) == type(getattr(plain, field))(
            value if field != "amp" else 1
        ), variable
    assert trained_with(**dict.fromkeys(("TRAIN_DEBUG_SHOW", "PROFILE_TRAIN", "USE_QLORA"), "0")) == plain


def _train_dlora_arguments(*arguments: str) -> list[str]:
    return train_dlora_command._translated(list(arguments))


def test_hugging_faces_flags_are_taken_as_they_are_written(caplog: pytest.LogCaptureFixture) -> None:
    taken = _train_dlora_arguments("--bf16", "True", "--fp16=false", "--output_dir", "out", "--max-steps", "-1")
    assert taken == ["--bf16", "--no_fp16", "--output_dir", "out", "--max-steps", "-1"]
    others = ("--adam_beta2", "0.98", "--predict_with_generate", "--logging_first_step", "True", "--optim=adamw_torch")
    assert _train_dlora_arguments(*others, "--output_dir", "out") == ["--output_dir", "out"]
    for name in ("adam_beta2", "predict_with_generate", "logging_first_step", "optim"):
        assert f"--{name} is accepted, but has no effect here" in caplog.text
    dropped = ("--overwrite_output_dir", "--evaluation_strategy", "steps", "--logging_dir", "x", "--save_safetensors")
    assert _train_dlora_arguments(*dropped, "--no_cuda") == ["--use_cpu"]
    assert _train_dlora_arguments("--no_cuda", "False") == ["--no_use_cpu"]
    assert "--evaluation_strategy is accepted" in caplog.text
    assert _train_dlora_arguments("--leaning_rate", "1") == ["--leaning_rate", "1"]
    assert invoke("train-dlora", "--output_dir", "x", "--model_name_or_path", "x", "--leaning_rate", "1")[0] == 2


def test_flags_of_transformers_4_keep_their_meaning(caplog: pytest.LogCaptureFixture) -> None:
    assert _train_dlora_arguments("--no_cuda", "True", "--bf16") == ["--use_cpu", "--bf16"]
    assert _train_dlora_arguments("--per-gpu-train-batch-size=4") == ["--per_device_train_batch_size", "4"]
    assert _train_dlora_arguments("--overwrite_output_dir", "--evaluation_strategy", "epoch") == []
    assert "--overwrite_output_dir is accepted, but has no effect here: the checkpoints of another" in caplog.text
    assert "--evaluation_strategy is accepted, but has no effect here: it evaluates every --eval_steps" in caplog.text
