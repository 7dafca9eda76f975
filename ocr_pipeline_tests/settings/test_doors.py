"""Every setting has a door, every variable stands in the docs, and nothing is read when a module is imported."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import click
import dagster as dg
import pytest

from ocr_pipeline.cli import COMMANDS, cli
from ocr_pipeline.cli.environment import PLACES, SETTINGS, environment_table
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.release.sections import DloraSection, FastSection
from ocr_pipeline.settings import Settings, demand_spelled, settings_in
from ocr_pipeline.storage.artifacts.workspace import OUTPUT_VARIABLE
from ocr_pipeline.storage.source.share import SOURCE_VARIABLE

REPOSITORY = Path(__file__).parents[2]
SECTIONS = ("TrainingSection", "FastSection", "DloraSection")


def classes() -> set[str]:
    """All settings classes of the product, as its text has them."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in (REPOSITORY / "ocr_pipeline").rglob("*.py"))
    return set(re.findall(r"^class (\w+)\((?:Settings|TrainingSection|WordLooks|InputLimits)\):", text, re.MULTILINE))


def flags() -> set[str]:
    commands = [cli.get_command(click.Context(cli), name) for name in COMMANDS]
    return {parameter.name or "" for command in commands if command for parameter in command.params}


def launchpad_fields() -> set[str]:
    jobs = [build_definitions().resolve_job_def(name) for name in ("data", "training", "inference")]
    found: set[str] = set()
    for job in jobs:
        snapshot = job.run_config_schema.config_type
        found |= _fields(snapshot)
    return found


def _fields(kind: object) -> set[str]:
    fields = getattr(kind, "fields", {})
    return set(fields).union(*(_fields(field.config_type) for field in fields.values())) if fields else set()


def test_every_settings_class_is_in_the_table() -> None:
    assert {each.__name__ for each in SETTINGS} == classes() - {"TrainingSection", "WordLooks"}


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda each: each.__name__)
def test_every_setting_has_a_door(settings: type[Settings]) -> None:
    in_recipe = {"gpus", "tolerance"}
    doors = flags() | launchpad_fields() | in_recipe
    assert [each.name for each in settings_in(settings) if not each.variables and each.name not in doors] == []


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda each: each.__name__)
def test_every_setting_says_what_it_is_for(settings: type[Settings]) -> None:
    assert all(each.help.endswith((".", "...")) for each in settings_in(settings))


def test_the_docs_hold_the_table_as_it_is_generated() -> None:
    committed = (REPOSITORY / "docs" / "environment.md").read_text(encoding="utf-8")
    assert committed == environment_table(), "run: python -m ocr_pipeline.cli.environment > docs/environment.md"


def test_every_variable_that_the_code_names_stands_in_the_docs() -> None:
    table = environment_table()
    named = {
        node.value
        for path in (REPOSITORY / "ocr_pipeline").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"(OCR_PIPELINE|FAST|TROCR)_[A-Z_]+", node.value)
    }
    assert {name for name in named if f"`{name}`" not in table} == set()


def test_no_variable_is_taken_for_a_misspelling_of_another() -> None:
    of_each = [[name for each in settings_in(settings) for name in each.variables] for settings in SETTINGS]
    every = {*PLACES, *(name for names in of_each for name in names)}
    for names in [*of_each, [SOURCE_VARIABLE], [OUTPUT_VARIABLE]]:
        demand_spelled(names, dict.fromkeys(every - set(names), "1"))


def test_the_launchpad_knows_types_choices_and_help_of_a_training() -> None:
    schema = build_definitions().resolve_job_def("training").run_config_schema.config_type.fields["ops"].config_type
    for asset, section in (("fast_checkpoint", FastSection), ("dlora_checkpoint", DloraSection)):
        options = schema.fields[asset].config_type.fields["config"].config_type.fields["options"].config_type.fields
        (group,) = [each for each in settings_in(section) if each.name == "options"]
        assert group.options_of is not None
        declared = {each.name for each in settings_in(group.options_of)}
        assert set(options) == declared - set(group.without)
        assert all(field.description for field in options.values())
    assert options["method"].config_type.kind.name == "ENUM"
    assert options["learning_rate"].config_type.given_name == "Float"


def test_a_wrong_type_is_refused_before_a_training_starts() -> None:
    config = {"ops": {"fast_checkpoint": {"config": {"options": {"batch_size": "many"}}}}}
    with pytest.raises(dg.DagsterInvalidConfigError, match="batch_size"):
        build_definitions().resolve_job_def("training").execute_in_process(run_config=config)


IMPORT_ALL = """
import os, pkgutil, sys

class Watched(type(os.environ)):
    def __getitem__(self, name):
        if name.startswith(("OCR_PIPELINE_", "FAST_", "TROCR_")):
            asked.append(name)
        return super().__getitem__(name)

asked = []
os.environ.__class__ = Watched
import ocr_pipeline
for module in pkgutil.walk_packages(ocr_pipeline.__path__, "ocr_pipeline."):
    if module.name.startswith("ocr_pipeline.orchestration.execution.") or module.name == "ocr_pipeline.definitions":
        continue  # the extras of the fleet may be missing; the code location is there to read what it is told
    if not module.name.endswith(("runner", "__main__")):
        __import__(module.name)
import ocr_pipeline.orchestration.execution.demands
sys.exit(f"read while importing: {asked}" if asked else 0)
"""


def test_nothing_is_read_when_a_module_is_imported(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "recipe.yaml").write_text("{")  # would be an error to whoever reads it
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORT_ALL], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
