"""Picture names -> paths."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ocr_pipeline.storage.source.share import Listing, Share


def index_pictures(share: Share, folders: Sequence[Listing]) -> dict[str, str]:
    """NFC file name -> full path; names that occur in several folders are told apart by their folder."""
    paths: dict[str, str] = {}
    repeated: set[str] = set()
    for folder in folders:
        found = _names_and_paths(share, folder)
        repeated |= paths.keys() & found.keys()
        paths.update(found)
    if repeated:
        for name in repeated:
            del paths[name]
        paths.update(_by_folder(share, folders, repeated))
    return paths


def _by_folder(share: Share, folders: Iterable[Listing], names: set[str]) -> dict[str, str]:
    return {
        "/".join((*folder.folder, name)): path
        for folder in folders
        for name, path in _names_and_paths(share, folder).items()
        if name in names
    }


def _names_and_paths(share: Share, folder: Listing) -> dict[str, str]:
    prefix = share.full_path(f"{folder.path}/" if folder.path else "")
    real = folder.real_names()
    return {
        name: prefix + spelled
        for name, spelled in zip(folder.nfc_names(), real, strict=True)
        if spelled not in folder.faults
    }
