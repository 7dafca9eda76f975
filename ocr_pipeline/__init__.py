"""Raw AI-Hub labels to a trained Korean text detector and recognizer, as one Dagster asset graph.

What a program of one's own needs can be imported from here; the names stand in ``__init__.pyi``:

    from ocr_pipeline import Detector, load_recognizer
    boxes = Detector().detect("page.jpg")                  # path, bytes, PIL image or array; corners from top left
    texts = load_recognizer("korean_words").read_crops(["word.png"])
"""

from collections.abc import Callable
from functools import cache

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    return _public()[0](name)


def __dir__() -> list[str]:
    return [*_public()[1](), "__version__"]


@cache
def _public() -> tuple[Callable[[str], object], Callable[[], list[str]], list[str]]:
    import lazy_loader  # a keeper of devices imports this package and must start at once

    return lazy_loader.attach_stub(__name__, __file__)
