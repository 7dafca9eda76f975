"""How a device is called: the same words in every command, setting and variable."""

from __future__ import annotations

from ocr_pipeline.settings import Setting

DEVICE = r"auto|cpu|(gpu|cuda)(:\d+)?"
DEVICES = r"auto|gpu|cuda|(cpu|(gpu|cuda):\d+)(,(cpu|(gpu|cuda):\d+))*"
A_DEVICE = "auto (a GPU where there is one), cpu, gpu (= cuda) or cuda:1"


def device_setting(help_text: str = "") -> Setting:
    """The setting of the device that a step computes on."""
    return Setting(f"{help_text}{A_DEVICE}.", form=DEVICE, example=A_DEVICE)


def cuda_name(device: str) -> str:
    """As torch says it: ``gpu:1`` is ``cuda:1``."""
    return device.replace("gpu", "cuda")


def gpu_name(device: str) -> str:
    """As Paddle says it, also of several: ``cuda:0,cuda:1`` is ``gpu:0,gpu:1``."""
    return device.replace("cuda", "gpu")
