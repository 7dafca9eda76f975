"""The demo: the entire graph over made-up pages, and what it learned, measured on pages it never saw."""

import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import yaml

from ocr_pipeline.data.annotations import AnnotationSettings, CropReader, build_annotations
from ocr_pipeline.data.datasets import PARTITIONS
from ocr_pipeline.data.lookup import build_lookup, load_lookup
from ocr_pipeline.data.merged_json import merge_labels, read_pages
from ocr_pipeline.data.synthetic import DRAWN_PARTITIONS, write_collection
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.execution.workers import give_to_location, runs_here
from ocr_pipeline.release.recipe_file import RECIPE_NAME, RECIPE_VARIABLE
from ocr_pipeline.storage.artifacts.workspace import OUTPUT_VARIABLE, Workspace
from ocr_pipeline.storage.files.publishing import mendable, publish_text
from ocr_pipeline.storage.source.share import SOURCE_VARIABLE, Share

logger = logging.getLogger(__name__)

PAGES = 24
HELD_OUT = {
    "text_in_wild": 6,
    "public_admin_valid": 4,
    "ocr_public_valid": 4,
    "finance_logistics_valid": 4,
    "handwriting_valid": 4,
}
HELD_OUT_SEED = 1
FAST_RECIPE = {
    "config": "tiny_korean.yaml",
    "options": {
        "max_steps": 12,
        "learning_rate": 1e-3,
        "val_every_steps": 12,
        "save_every_steps": 12,
        "num_workers": 0,
        "val_num_workers": 0,
        "num_threads": 1,  # on a busy machine two threads that wait for each other are slower than one
    },
}
DLORA_OPTIONS = {
    "per_device_train_batch_size": 32,
    "per_device_eval_batch_size": 32,
    "learning_rate": 1e-3,
    "max_steps": 160,
    "eval_steps": 80,
    "save_steps": 40,
    "logging_steps": 20,
    "generation_max_length": 40,
    "lora_dropout": 0.0,
    "target_modules": "attention+ffn",
    "augment": True,
    "eval_samples": 200,
    "warmup_ratio": 0.05,
}


@dataclass(frozen=True)
class Demo:
    """Where everything of one demo lies: the share, the artifacts, and the held-out pages with their truth."""

    folder: Path

    @property
    def share(self) -> Path:
        return self.folder / "share"

    @property
    def workspace(self) -> Workspace:
        return Workspace(self.folder / "output")

    @property
    def truth(self) -> Path:
        return self.folder / "truth.json"

    @property
    def environment(self) -> dict[str, str]:
        return {
            SOURCE_VARIABLE: str(self.share),
            OUTPUT_VARIABLE: str(self.workspace.root),
            RECIPE_VARIABLE: "",  # the one in the output folder
        }


def prepare(demo: Demo, base_model: str | Path) -> None:
    """Write the collection, the inbox of held-out pages and words with their truth, and the recipe."""
    logger.info("writing made-up pages of all five sets to %s", demo.share)
    with mendable(demo.share):
        write_collection(demo.share, pages={key: _pages_of(key) for key in DRAWN_PARTITIONS}, faults=True)
    recipe = {
        "fast_checkpoint": FAST_RECIPE,
        "dlora_checkpoint": {"model_name_or_path": str(base_model), "options": DLORA_OPTIONS},
    }
    publish_text(demo.workspace.root / RECIPE_NAME, yaml.safe_dump(recipe, sort_keys=False))
    publish_text(demo.truth, json.dumps(_fill_inbox(demo), ensure_ascii=False, indent=1))


def _pages_of(partition: str) -> int:
    if partition == "text_in_wild":
        return 2 * PAGES  # one in ten becomes validation
    return PAGES // 4 if partition.endswith("_valid") else PAGES


def _fill_inbox(demo: Demo) -> dict[str, dict[str, object]]:
    """Held-out pages and word crops, made by the same stages from a collection of another seed."""
    share, workspace = Share(demo.folder / "held_out" / "share"), Workspace(demo.folder / "held_out" / "output")
    write_collection(Path(share.root), pages=HELD_OUT, seed=HELD_OUT_SEED)
    truth: dict[str, dict[str, object]] = {"pages": {}, "words": {}}
    for key in HELD_OUT:
        partition = PARTITIONS[key]
        merge_labels(share, partition, workspace, workers=1)
        build_lookup(share, partition, workspace)
        build_annotations(share, partition, workspace, AnnotationSettings("lmdb"))
        lookup = load_lookup(workspace, partition)
        for page in () if partition.dataset.partly_labelled else read_pages(workspace.merged_json(key), partition):
            path = Path(str(lookup.find(page)))
            _put(demo.workspace.inbox / "pages" / path.name, path.read_bytes())
            truth["pages"][path.name] = [[word.quad, word.state] for word in page.words]
        for split in partition.splits:
            crops = CropReader(workspace.annotations(partition.dataset.name, split, "lmdb"))
            for place in range(len(crops)):
                name, crop = f"{key}_{split}_{place:05d}.jpg", crops.read(place)
                _put(demo.workspace.inbox / "words" / name, crop.image)
                truth["words"][name] = crop.text
    return truth


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


RUNS = (*(("data", key) for key in DRAWN_PARTITIONS), ("training", None), ("inference", None))
"""(job, partition) of the whole demo, in order."""


def materialise(
    instance: dg.DagsterInstance,
    on_run: Callable[[str], None],
    runs: Sequence[tuple[str, str | None]] = RUNS,
) -> Iterator[str]:
    """Run jobs of the code location, one after the other; yields the names of runs that failed."""
    definitions = build_definitions()
    for number, (job, partition) in enumerate(runs, start=1):
        on_run(f"[{number}/{len(runs)}] {job} {partition or ''}")
        result = definitions.resolve_job_def(job).execute_in_process(
            partition_key=partition,
            instance=instance,
            run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
            tags=runs_here(),
            raise_on_error=False,
        )
        give_to_location(instance, result.run_id)
        if not result.success:
            yield f"{job} {partition or ''}".strip()


def write_dotenv(demo: Demo, here: Path, environment: dict[str, str]) -> bool:
    """Let a plain ``dagster dev`` show the demo too; a .env that is there stays as it is.

    To Dagster a .env comes before what was exported; written like this, what is exported counts. The same stands in the
    demo's folder: by it ``make clean`` tells that the .env is the demo's own, and takes it away.
    """
    text = "".join(f"{name}=${{{name}:-{value}}}\n" for name, value in environment.items())
    publish_text(demo.folder / ".env", text)
    if (here / ".env").exists():
        return False
    publish_text(here / ".env", text)
    return True


def dagster_home(folder: Path) -> str:
    """The Dagster home in force: what DAGSTER_HOME says, else ``.dagster_home`` below ``folder``."""
    home = Path(os.environ.get("DAGSTER_HOME") or folder / ".dagster_home").absolute()
    home.mkdir(parents=True, exist_ok=True)
    return str(home)
