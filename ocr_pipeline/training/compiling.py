"""What torch.compile builds, and where it lies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

_VARIABLE = "TORCHINDUCTOR_CACHE_DIR"


@contextmanager
def own_compiler_cache() -> Iterator[None]:
    """Within it torch.compile keeps what it builds in a folder of this training alone, which goes with it.

    A compiler that is killed leaves half a library, and every later training of this machine would load it from a
    folder that all of them share.
    """
    before = os.environ.get(_VARIABLE)
    with TemporaryDirectory(prefix="ocr-pipeline-compiled-", ignore_cleanup_errors=True) as folder:
        os.environ[_VARIABLE] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ[_VARIABLE]
            else:
                os.environ[_VARIABLE] = before
