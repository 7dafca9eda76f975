"""The depot: an object store that keeps the artifacts; the folder of a workspace then mirrors it on this machine.

Artifacts are memory-mapped, trained on and served from local files. So a depot keeps whole files under the names that
they have in the workspace, and a machine fetches those of an artifact before it reads it. The manifest goes there last
and away first: what has a manifest in the depot is whole there. What is fetched counts as whole if the depot's manifest
was the same before and after.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.storage.files.locking import file_lock
from ocr_pipeline.storage.files.publishing import publish_file, publish_folder, publish_text, take_place
from ocr_pipeline.storage.source.credentials import without_user

Answer = TypeVar("Answer")

MIRROR_VARIABLE = "OCR_PIPELINE_MIRROR"

_MARK = ".depot"
_ARRIVING = ".arriving"
_AT_ONCE = 4
_ATTEMPTS = 3


class Depot:
    """An object store and the folder that mirrors it.

    Args:
        url: ``s3://bucket/folder``.
        mirror: the folder of the workspace on this machine.

    Raises:
        PipelineError: (every method) the object store does not answer or does not let it be done.
    """

    def __init__(self, url: str, mirror: Path) -> None:
        from ocr_pipeline.storage.source.remote_files import (
            RemoteFiles,  # fsspec costs 50 ms, which others need not wait for
        )

        self.url, self.files, self._mirror = url, RemoteFiles(url), mirror

    def key(self, path: Path) -> str:
        """The name below the depot's URL of what has this path in the mirror."""
        return path.relative_to(self._mirror).as_posix()

    def read(self, path: Path) -> bytes | None:
        """What the depot has of a small file; None if it is not there."""
        try:
            return self.files.read(self.key(path))
        except FileNotFoundError:
            return None

    def modified(self, path: Path) -> float:
        """When a file was sent here, in seconds since 1970."""
        return self.files.ask(lambda fs, base: fs.modified(f"{base}/{self.key(path)}")).timestamp()

    def send(self, artifact: Path, manifest: Path, content: bytes) -> None:
        """Keep an artifact, the files beside it that are named after it, and then its manifest."""
        self.remove(manifest)
        parts = [path for path in artifact.rglob("*") if path.is_file()] if artifact.is_dir() else [artifact]
        beside = [path for path in artifact.parent.glob(f"{artifact.name}.*") if path.is_file()]
        keys = _own(map(self.key, parts + beside), self.key(artifact), self.key(manifest))
        for key in set(self._kept(artifact, manifest)) - set(keys):
            self.remove(self._mirror / key)
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            list(threads.map(self.send_file, (self._mirror / key for key in keys)))
        self.write(lambda fs, base: fs.pipe_file(f"{base}/{self.key(manifest)}", content))

    def send_file(self, path: Path) -> None:
        """Keep one file; by itself for what has no manifest (a report)."""
        self.write(lambda fs, base: fs.put_file(str(path), f"{base}/{self.key(path)}"))

    def fetch_file(self, path: Path) -> None:
        """Bring one file to this machine, without the artifact that it belongs to."""
        with publish_file(path) as draft:
            self.files.ask(lambda fs, base: fs.get_file(f"{base}/{self.key(path)}", str(draft)))

    def paths(self, ending: str) -> list[Path]:
        """Where all files whose names end so lie, or would lie, on this machine."""
        sizes = self.files.ask(partial(_sizes, ""))
        return [self._mirror / key for key in sorted(sizes) if key.endswith(ending)]

    def remove(self, path: Path) -> None:
        """Take a file away; an object store does not mind an absent one."""
        self.write(lambda fs, base: fs.rm_file(f"{base}/{self.key(path)}"))

    def write(self, request: Callable[[Any, str], Answer]) -> Answer:
        """A request that changes something; see `RemoteFiles.ask`."""
        try:
            return self.files.ask(request)
        except FileNotFoundError as error:
            raise PipelineError(
                "artifacts cannot be kept here: there is no such bucket",
                where=self.url,
                remedy="Create the bucket, or mend OCR_PIPELINE_OUTPUT.",
            ) from error

    def retire(self, manifest: Path) -> None:
        """Take away a manifest, there and here, once nobody is just fetching what it speaks of."""
        with self._alone(manifest):
            self.remove(manifest)
            manifest.unlink(missing_ok=True)

    def fetch(self, artifact: Path, manifest: Path) -> None:
        """Bring an artifact to this machine as the depot has it now; what it has not is not published here either.

        Raises:
            PipelineError: also when the disk is full, or when others keep replacing the artifact.
        """
        with self._alone(manifest):
            for _ in range(_ATTEMPTS):
                sealed = self.read(manifest)
                if sealed is not None and manifest.exists() and manifest.read_bytes() == sealed:
                    return
                manifest.unlink(missing_ok=True)
                if sealed is None or self._fetched(artifact, manifest, sealed):
                    return
        raise PipelineError(
            "the artifact is replaced faster than it can be fetched",
            where=f"{self.url}/{self.key(artifact)}",
            remedy="Wait until the runs that make it are over, then run the same command again.",
        )

    def _fetched(self, artifact: Path, manifest: Path, sealed: bytes) -> bool:
        """Fetch all files aside, where they are in no maker's way, and put them in place if they belong together."""
        kept = self._kept(artifact, manifest)
        arriving = self._mirror / _ARRIVING / quote(self.key(artifact), safe="")
        with publish_folder(arriving) as folder, ThreadPoolExecutor(_AT_ONCE) as threads:
            whole = all(list(threads.map(partial(self._fetch_file, folder), kept, kept.values())))
        if whole := whole and self.read(manifest) == sealed:
            artifact.parent.mkdir(parents=True, exist_ok=True)
            for path in sorted((arriving / self.key(artifact)).parent.iterdir()):
                take_place(path, artifact.with_name(path.name))
            with publish_file(manifest) as draft:
                draft.write_bytes(sealed)
        shutil.rmtree(arriving)
        return whole

    def _fetch_file(self, folder: Path, key: str, size: int) -> bool:
        target = folder / key
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            self.files.ask(lambda fs, base: fs.get_file(f"{base}/{key}", str(target)))
        except FileNotFoundError:
            return False  # taken away since it was listed
        return target.stat().st_size == size

    def _kept(self, artifact: Path, manifest: Path) -> dict[str, int]:
        """Key and size of each file that the depot has of an artifact, and of those beside it named after it."""
        sizes = self.files.ask(partial(_sizes, self.key(artifact)))
        return {key: sizes[key] for key in _own(sizes, self.key(artifact), self.key(manifest))}

    def _alone(self, manifest: Path) -> AbstractContextManager[None]:
        return file_lock(self._mirror / _ARRIVING / quote(self.key(manifest), safe=""))


def mirror_of(url: str, environment: Mapping[str, str] = os.environ) -> Path:
    """The folder on this machine that mirrors a depot: OCR_PIPELINE_MIRROR, or one for each URL in the user's cache.

    Raises:
        PipelineError: the URL is none of a depot, or the folder holds something else.
    """
    url = url.rstrip("/")
    if not url.startswith("s3://") or "@" in url:
        raise PipelineError(
            "artifacts can be kept in a folder or below an s3:// URL without user name",
            where=without_user(url),
            remedy="Mount the file system and give its folder; credentials belong into the environment.",
        )
    folder = Path(environment.get(MIRROR_VARIABLE) or Path.home() / ".cache" / "ocr_pipeline" / quote(url, safe=""))
    folder = folder.expanduser().absolute()
    mark = folder / _MARK
    if mark.exists() and mark.read_text(encoding="utf-8").strip() == url:
        return folder
    if folder.exists() and any(folder.iterdir()):
        raise PipelineError(
            f"the folder holds something else than a mirror of {url}",
            where=folder,
            remedy=f"Set {MIRROR_VARIABLE} to an empty folder on a disk with room for the artifacts.",
        )
    publish_text(mark, url + "\n")
    return folder


def depot_of(path: Path) -> Depot | None:
    """The depot that a path in a workspace is mirrored from; None in a workspace without one."""
    for folder in path.parents:
        mark = folder / _MARK
        if mark.exists():
            return _opened(mark.read_text(encoding="utf-8").strip(), folder)
    return None


@lru_cache(maxsize=8)
def _opened(url: str, mirror: Path) -> Depot:
    return Depot(url, mirror)


def _own(keys: Iterable[str], artifact: str, manifest: str) -> list[str]:
    """The keys of an artifact and of what is named after it, but of no other artifact (``dlora_champion.previous``)."""
    ending, found = manifest.removeprefix(artifact), [*keys]
    others = [key.removesuffix(ending) for key in found if key.endswith(ending) and key != manifest]
    own = (key for key in found if key != manifest and _is_of(artifact, key))
    return [key for key in own if not any(_is_of(other, key) for other in others)]


def _is_of(artifact: str, key: str) -> bool:
    return key == artifact or key.startswith((f"{artifact}/", f"{artifact}."))


def _sizes(key: str, fs: Any, base: str) -> dict[str, int]:
    """Size of every file whose key starts with this one."""
    folder, _, name = f"{base}/{key}".rpartition("/")
    fs.invalidate_cache()
    found = fs.find(folder, prefix=name, detail=True)
    return {path.removeprefix(f"{base}/"): info["size"] for path, info in found.items()}
