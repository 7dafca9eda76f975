"""Where each artifact lies: the one place that knows the file names the guide promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.settings import as_it_lies, demand_spelled
from ocr_pipeline.storage.artifacts.depot import mirror_of
from ocr_pipeline.storage.files.typed_paths import demand_folder

OUTPUT_VARIABLE = "OCR_PIPELINE_OUTPUT"

OWN_FOLDERS = (".shards", "crops", "drawn", "json_merged", "lookup", "quality")
"""What the data stages fill, and clear of what they do not know."""


@dataclass(frozen=True)
class Workspace:
    """The folder of all artifacts.

    Attributes:
        root: on a local disk or a shared file system (LMDB files are memory-mapped); with artifacts in an object
            store the folder that mirrors it here.
        recipe: the file that says how to train and what starts itself; else a variable names it, or it lies here.
    """

    root: Path
    recipe: Path | None = None

    @classmethod
    def at(cls, output: str | Path) -> Workspace:
        """The workspace in a folder, or below an ``s3://`` URL.

        Raises:
            PipelineError: it has no name, it is a file, another URL or a path of another system, or its mirror on this
                machine cannot be used.
        """
        if not str(output).strip():
            raise PipelineError(
                "the output folder has no name",
                where=OUTPUT_VARIABLE,
                remedy="Name a folder (--output or OCR_PIPELINE_OUTPUT), or leave it out: `data` is taken then.",
            )
        if "://" in str(output):
            return cls(mirror_of(str(output)))
        root = Path(as_it_lies(str(Path(output).expanduser()), OUTPUT_VARIABLE)).absolute()
        if root.exists():
            demand_folder(root, "Name a folder (--output or OCR_PIPELINE_OUTPUT).")
        return cls(root)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Workspace:
        """The workspace that OCR_PIPELINE_OUTPUT names; the folder ``data`` where it is not set."""
        demand_spelled([OUTPUT_VARIABLE], environment)
        return cls.at(environment.get(OUTPUT_VARIABLE) or "data")

    @property
    def drawn(self) -> Path:
        """The share of the sets that are drawn here."""
        return self.root / "drawn"

    def drawn_source(self, dataset: str, split: str) -> Path:
        """What is drawn of a split, as AI-Hub would deliver it: an archive of labels and one of pictures."""
        return self.drawn / dataset / {"train": "1.Training", "valid": "2.Validation"}[split]

    @property
    def json_merged(self) -> Path:
        return self.root / "json_merged"

    def merged_json(self, partition: str) -> Path:
        name = "textinthewild_data_info.json" if partition == "text_in_wild" else f"{partition}_merged.json"
        return self.json_merged / name

    def corrections(self, partition: str) -> Path:
        """What people said of its labels; see `ocr_pipeline.data.corrections`."""
        return self.root / "corrections" / f"{partition}.parquet"

    def lookup(self, partition: str) -> Path:
        return self.root / "lookup" / f"lookup_{partition}.pkl.gz"

    def annotations(self, dataset: str, split: str, output_format: str) -> Path:
        return self.root / f"{dataset}_annotations_{split}.{output_format}"

    def crops(self, dataset: str, split: str) -> Path:
        return self.root / "crops" / dataset / split

    def layout_lmdb(self, dataset: str, split: str) -> Path:
        return self.root / f"{dataset}_{split}_layout.lmdb"

    def suspects(self, partition: str) -> Path:
        """Which of its labels are probably wrong."""
        return self.root / "suspects" / f"{partition}_suspects.parquet"

    def page_index(self, partition: str) -> Path:
        """Which page has which picture, for comparing the partitions of a set."""
        return self.root / "quality" / ".pages" / f"{partition}.sqlite"

    def quality(self, partition: str) -> Path:
        return self.root / "quality" / f"{partition}_quality.json"

    @property
    def quality_report(self) -> Path:
        return self.root / "quality" / "report.html"

    def fast_run(self, recipe: str) -> Path:
        """Where a detector training keeps its own files; one folder per recipe, so that only the same one resumes."""
        return self.root / "fast" / "runs" / recipe

    @property
    def fast_checkpoint(self) -> Path:
        return self.root / "fast" / "fast_checkpoint.pth"

    @property
    def fast_champion(self) -> Path:
        """The detector in use; the one before it stands beside it as ``fast_champion.previous.pth``."""
        return self.root / "fast" / "fast_champion.pth"

    def dlora_run(self, recipe: str) -> Path:
        """The same for a recognizer training."""
        return self.root / "dlora" / "runs" / recipe

    @property
    def dlora_checkpoint(self) -> Path:
        return self.root / "dlora" / "dlora_checkpoint"

    @property
    def dlora_champion(self) -> Path:
        """The recognizer in use; the one before it stands beside it as ``dlora_champion.previous``."""
        return self.root / "dlora" / "dlora_champion"

    @property
    def scores(self) -> Path:
        """What champions reached on other validation data than their own: a small JSON file for each."""
        return self.root / ".scores"

    @property
    def inbox(self) -> Path:
        """Pictures to read: whole pages under ``pages``, single words or lines under ``words``."""
        return self.root / "inbox"

    @property
    def detections(self) -> Path:
        return self.root / "detections"

    @property
    def predictions(self) -> Path:
        return self.root / "predictions.csv"

    @property
    def readings(self) -> Path:
        return self.root / "readings"

    @property
    def judgement(self) -> Path:
        """What the champions are worth: a page to look at and its numbers."""
        return self.root / "judgement"

    def shards(self, artifact: Path) -> Path:
        """Where the finished parts of a partition's artifact wait for the others."""
        return self.root / ".shards" / artifact.name
