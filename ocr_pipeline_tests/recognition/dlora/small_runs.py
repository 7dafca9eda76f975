"""Trainings of a few steps, and the weights that they leave."""

import torch
from safetensors.torch import load_file

from ocr_pipeline.recognition.dlora import DloraTraining
from ocr_pipeline.recognition.dlora.adapters import ADAPTERS


def settings(base, output, **changes):
    standard = {
        "per_device_train_batch_size": 4,
        "gradient_accumulation_steps": 2,
        "learning_rate": 5e-3,
        "max_steps": 6,
        "save_steps": 3,
        "eval_steps": 2,
        "eval_samples": 4,
        "logging_steps": 1,
        "generation_max_length": 8,
        "warmup_ratio": 0.2,
        "lora_rank": 4,
        "lora_alpha": 8,
    }
    return DloraTraining(str(base), str(output), **{**standard, **changes})


def weights(checkpoint):
    return {
        (adapter, name): tensor
        for adapter in ADAPTERS
        for name, tensor in load_file(checkpoint / adapter / "adapter_model.safetensors").items()
    }


def assert_same(one, other, **tolerance):
    assert one.keys() == other.keys()
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name], **(tolerance or {"atol": 0, "rtol": 0}), msg=str(name))
