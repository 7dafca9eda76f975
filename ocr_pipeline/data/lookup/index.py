"""The pictures of a share, each by the name that it is looked up by."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from ocr_pipeline.data.lookup.mapped import Picture
from ocr_pipeline.storage.source.share import Listing, Share


def index_pictures(share: Share, folders: Sequence[Listing]) -> Iterator[Picture]:
    """Every picture that can be read; names that occur in several folders are told apart by their folder."""
    repeated = _repeated(folders)
    for folder, first in _numbered(folders):
        found = _positions(folder)
        is_repeated = np.isin(_hashes(found), repeated)
        prefix = share.full_path(f"{folder.path}/" if folder.path else "")
        spelled = folder.real_names()
        for (name, position), again in zip(found.items(), is_repeated.tolist(), strict=True):
            key = "/".join((*folder.folder, name)) if again else name
            yield Picture(key, prefix + spelled[position], first + position)


def _numbered(folders: Iterable[Listing]) -> Iterator[tuple[Listing, int]]:
    """Each folder with the number of its first entry among all."""
    first = 0
    for folder in folders:
        yield folder, first
        first += len(folder)


def _positions(folder: Listing) -> dict[str, int]:
    """NFC name -> place in the folder, of what can be read; of two spellings of one name the last."""
    names = zip(folder.nfc_names(), folder.real_names(), strict=True)
    return {name: place for place, (name, spelled) in enumerate(names) if spelled not in folder.faults}


def _repeated(folders: Iterable[Listing]) -> np.ndarray:
    """Hashes of the names that stand in several folders."""
    every = [_hashes(_positions(folder)) for folder in folders]
    hashes, counts = np.unique(np.concatenate([np.empty(0, np.uint64), *every]), return_counts=True)
    return hashes[counts > 1]


def _hashes(names: Iterable[str]) -> np.ndarray:
    digests = b"".join(hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names)
    return np.frombuffer(digests, "<u8")
