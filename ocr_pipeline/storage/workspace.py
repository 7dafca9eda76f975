"""Where each artifact lies: the one place that knows the file names the guide promises."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Workspace:
    """The folder of all artifacts.

    Attributes:
        root: on a local disk or a shared file system (LMDB files are memory-mapped).
    """

    root: Path

    @property
    def json_merged(self) -> Path:
        return self.root / "json_merged"

    def merged_json(self, partition: str) -> Path:
        name = "textinthewild_data_info.json" if partition == "text_in_wild" else f"{partition}_merged.json"
        return self.json_merged / name

    def lookup(self, partition: str) -> Path:
        return self.root / "lookup" / f"lookup_{partition}.pkl.gz"

    def annotations(self, dataset: str, split: str, output_format: str) -> Path:
        return self.root / f"{dataset}_annotations_{split}.{output_format}"

    def crops(self, dataset: str, split: str) -> Path:
        return self.root / "crops" / dataset / split

    def layout_lmdb(self, dataset: str, split: str) -> Path:
        return self.root / f"{dataset}_{split}_layout.lmdb"

    @property
    def fast_run(self) -> Path:
        return self.root / "fast"

    @property
    def dlora_run(self) -> Path:
        return self.root / "dlora"

    @property
    def detections(self) -> Path:
        return self.root / "detections"

    @property
    def predictions(self) -> Path:
        return self.root / "predictions.csv"

    def shards(self, artifact: Path) -> Path:
        """Where the finished parts of a partition's artifact wait for the others."""
        return self.root / ".shards" / artifact.name
