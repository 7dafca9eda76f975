"""Pages -> text in order -> text, JSON, searchable PDF, hOCR, ALTO and labels.

The public names stand in ``__init__.pyi`` and are imported when first used: torch costs seconds.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
