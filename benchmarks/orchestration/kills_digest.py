"""What artifacts hold, whatever their files look like: weights and records, hashed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import lmdb
import torch
from safetensors.torch import load_file

from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace


def digest(workspace: Workspace) -> dict[str, str]:
    """A hash of the content of each published artifact, by its name."""
    manifests = sorted(workspace.root.rglob("*.manifest.json"))
    artifacts = [path.with_name(path.name.removesuffix(".manifest.json")) for path in manifests]
    return {path.name: _hash(path) for path in artifacts if ".pages" not in path.parts and read_manifest(path)}


def _hash(artifact: Path) -> str:
    digest = hashlib.sha256()
    if artifact.suffix == ".pth":
        content = torch.load(artifact, weights_only=True)
        _add_tensors(digest, content.get("ema") or content["state_dict"])
    elif artifact.suffix == ".lmdb":
        for data in sorted(artifact.rglob("data.mdb")):
            _add_records(digest, data.parent)
    elif artifact.is_dir():
        for path in sorted(artifact.rglob("*.safetensors")):
            _add_tensors(digest, load_file(path))
    else:
        digest.update(artifact.read_bytes())
    return digest.hexdigest()[:16]


def _add_records(digest: hashlib._Hash, folder: Path) -> None:
    with lmdb.open(str(folder), readonly=True, lock=False) as environment, environment.begin() as transaction:
        for key, value in transaction.cursor():
            digest.update(key + b"\0" + value)


def _add_tensors(digest: Any, tensors: dict[str, torch.Tensor]) -> None:
    for name, tensor in sorted(tensors.items()):
        digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
