"""Labels and names that give orders to whoever opens an asset in the UI: they are shown, and nothing more."""

from __future__ import annotations

import re
from pathlib import Path

import cv2
import dagster as dg
import numpy as np
import pytest
from markdown_it import MarkdownIt

import ocr_pipeline
from ocr_pipeline.orchestration.definitions import build_definitions
from ocr_pipeline.orchestration.metadata import crop_table, markdown_table
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.orchestration.test_data_job import DATA_ASSETS, run_data
from ocr_pipeline_tests.test_shown import HOSTILE, WIPE
from ocr_pipeline_tests.trees import HAND_LABELS, HAND_PICTURES, corner_label, picture, write_tree

NAME = "![u](x.png)<b>|`"


def hostile_share(root: Path) -> Path:
    """A page for each text, names as bad as the texts, and one page without a picture."""
    files = {}
    for number, text in enumerate([*HOSTILE, f"{WIPE} 국ㅇㄴ", "\ue000![u](x)"]):
        files[f"{HAND_LABELS}/R.Free/{NAME}{number:02d}.json"] = corner_label(text, text)
        if number:
            files[f"{HAND_PICTURES}/R.Free/{NAME}{number:02d}.png"] = picture(seed=number)
    return write_tree(root, files)


def acting(markdown: str) -> list[str]:
    """What of a Markdown text is a picture from elsewhere, a link or HTML."""
    rendered = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    tags = re.findall(r"<(?!/?(?:table|thead|tbody|tr|th|td|p)>)[^>]*>", rendered)
    ours = r'<img src="data:image/(jpeg|webp);base64,[\w+/=]+" alt="(picture)?" />'
    return [tag for tag in tags if not re.fullmatch(ours, tag)]


def test_no_asset_shows_a_label_or_name_as_markup(
    tmp_path: Path, workspace: Workspace, instance: dg.DagsterInstance
) -> None:
    share = hostile_share(tmp_path / "share")
    definitions = build_definitions(Locations(source=str(share), output=str(workspace.root)))
    result = run_data(definitions, instance, "handwriting_train")
    walked = {}
    for asset in (*DATA_ASSETS, "data_quality"):
        (event,) = result.asset_materializations_for_node(asset)
        walked |= {f"{asset}.{name}": value for name, value in event.metadata.items()}
    for evaluation in result.get_asset_check_evaluations():
        walked |= {f"{evaluation.check_name}.{name}": value for name, value in evaluation.metadata.items()}
    shown = {name: value.value for name, value in walked.items() if isinstance(value, dg.MarkdownMetadataValue)}
    assert {"annotations.sample_crops", "merged_json.sample_words", "data_quality.rare_characters"} <= shown.keys()
    assert any("wipeAssets" in text for text in shown.values())
    assert {name: found for name, text in shown.items() if (found := acting(text))} == {}


@pytest.mark.parametrize("text", HOSTILE)
def test_readings_of_a_model_are_no_markup_either(text: str) -> None:
    """As `worst_crops` and `sample_words` show them."""
    shown = crop_table([(cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes(), f"{text} (is {text})")])
    assert isinstance(shown, dg.MarkdownMetadataValue) and acting(shown.value or "") == []
    assert shown.value and len(shown.value.splitlines()) == 3


def test_only_one_module_writes_markdown() -> None:
    package = Path(ocr_pipeline.__file__).parent
    writers = {path.name for path in package.rglob("*.py") if "MetadataValue.md(" in path.read_text()}
    assert writers == {Path(markdown_table.__code__.co_filename).name} == {"metadata.py"}
