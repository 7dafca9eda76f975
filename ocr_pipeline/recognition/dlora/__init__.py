"""TrOCR with DLoRA: DoRA in the image encoder, LoRA in the text decoder (step 8 of the guide).

The public names stand in ``__init__.pyi`` and are imported when first used: torch costs seconds.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
