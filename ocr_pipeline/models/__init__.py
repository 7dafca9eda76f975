"""The weights that come with the package."""

from pathlib import Path

TINY_KOREAN = Path(__file__).with_name("tiny_korean")
"""Folder of a small base model that reads clean print; made by ``ocr_pipeline.demo.tiny_base``."""

FAST_KOREAN = Path(__file__).with_name("fast_korean") / "detector.pth"
"""FAST tiny that finds Korean words, trained on drawn pages alone; its card lies beside it."""

KOREAN_WORDS = "korean_words"
"""Name of the recognizer that everything begins with where nothing else is named; its card stands in its folder."""

_SHIPPED = {KOREAN_WORDS: Path(__file__).with_name(KOREAN_WORDS)}


def place_of(model: str | Path) -> str:
    """The folder of a model that is shipped, by its name; any other is a folder or a name on the hub already.

    A checkpoint names its base by what was said, and that holds on every machine where this package is.
    """
    return str(_SHIPPED.get(str(model), model))
