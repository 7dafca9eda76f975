"""The text detector FAST (arXiv 2111.02394): training and prediction (steps 6 and 7 of the guide).

The public names stand in ``__init__.pyi`` and are imported when first used: torch costs seconds.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
