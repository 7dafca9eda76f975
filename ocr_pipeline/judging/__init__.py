"""What models are worth on labelled pages, beside others: a page to look at, and the numbers as JSON.

The public names stand in ``__init__.pyi`` and are imported when first used: torch costs seconds.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
