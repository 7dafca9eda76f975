"""There and back through the real programs: of N corrections none is lost, none is altered, none is made up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner

from ocr_pipeline.cli import cli
from ocr_pipeline.data.corrections import read_overlay
from ocr_pipeline.data.review import Exported, Pictures, Suspect, export_suspects
from ocr_pipeline.data.review.suspects.suspect import NOBODYS_WORD
from ocr_pipeline.page import nfc
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.review.labelers import LabelStudio, PPOCRLabel, label_studio
from ocr_pipeline_tests.data.review.looking import KEY
from ocr_pipeline_tests.data.review.test_page import suspect
from ocr_pipeline_tests.trees import picture

pytestmark = pytest.mark.labelers

N = 120
PAGES = 6
DECOMPOSED = "\u1112\u1161\u11ab\u1100\u116e\u11a8"
PLAIN = (
    "한국",
    " 가 ",
    "=1+1",
    '"a",b\\n',
    "<b>&amp;</b>",
    "가\u2028나",
    "韓國",
    "㈜",
    DECOMPOSED,
    "0001",
    "x" * 400,
    "😀",
)
HARD = (*PLAIN, "null", "true story", "nan")
ACTIONS = ("text", "keep", "ignore", "delete", "text", None, "text")


class Said(NamedTuple):
    """What a person does with one suspect; None is nothing."""

    action: str | None
    after: str


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    for number in range(PAGES):
        (tmp_path / f"{number}.png").write_bytes(picture(seed=number))
    return Pictures(Share(tmp_path))


def suspects() -> list[Suspect]:
    rows = [
        suspect(number, text=f"{text} {number}", picture=f"{number % PAGES}.png", word=number)
        for number, text in enumerate(islice(cycle(HARD), N - 3))
    ]
    new = [
        suspect(number, kind="unlabelled", word=NOBODYS_WORD + number, text="", picture="0.png")
        for number in range(N - 3, N)
    ]
    return [*rows, *new]


def decisions() -> list[Said]:
    """Every action with every hard text at some place; new text is typed where nobody labelled any."""
    said = [Said(action, text) for (action, text), _ in zip(_pairs(), range(N - 3), strict=False)]
    return [*said, *(Said("text", f"새말{number}") for number in range(3))]


def _pairs() -> Iterator[tuple[str | None, str]]:
    return zip(cycle(ACTIONS), (f"{text}{round_}" for round_ in range(N) for text in HARD), strict=False)


def export(folder: Path, form: str, pictures: Pictures) -> Exported:
    exported = Exported.of(KEY, folder, suspects())
    export_suspects(folder, form, exported, pictures)
    return exported


def imported(workspace: Workspace, path: Path) -> str:
    workspace.root.mkdir(exist_ok=True)
    command = ["review", "import", str(path), "--output", str(workspace.root)]
    done = CliRunner().invoke(cli, command, env={"COLUMNS": "300"})
    assert done.exit_code == 0, done.output
    return done.output


def overlay(workspace: Workspace) -> dict[int, tuple[str, str, str]]:
    rows = read_overlay(workspace.corrections(KEY))
    return {row.word % NOBODYS_WORD: (row.action, row.before, row.after) for row in rows}


def expected(said: list[Said]) -> dict[int, tuple[str, str, str]]:
    told = {}
    for number, (row, (action, after)) in enumerate(zip(suspects(), said, strict=True)):
        if action:
            is_new = row.kind == "unlabelled"
            told[number] = ("add" if is_new else action, nfc(row.text), nfc(after) if action == "text" else "")
    return told


def task_result(said: Said) -> list[dict]:
    """What Label Studio's editor sends when the choice is made, and the text typed."""
    verdict = {"from_name": "verdict", "to_name": "image", "type": "choices", "value": {"choices": [said.action]}}
    text = {"from_name": "text", "to_name": "image", "type": "textarea", "value": {"text": [said.after]}}
    return [verdict, text] if said.action == "text" else [verdict]


def annotate(server: LabelStudio, task: int, said: Said) -> None:
    if said.action:
        server.call("POST", f"/api/tasks/{task}/annotations/", {"result": task_result(said)})
    else:  # skipped
        server.call("POST", f"/api/tasks/{task}/annotations/", {"result": [], "was_cancelled": True})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudio]:
    with label_studio(tmp_path_factory.mktemp("label_studio")) as running:
        yield running


def test_label_studio_loses_nothing(
    server: LabelStudio, tmp_path: Path, workspace: Workspace, pictures: Pictures
) -> None:
    folder, said = tmp_path / "out", decisions()
    exported = export(folder, "label-studio", pictures)
    config = (folder / "labeling_config.xml").read_text()
    project = server.call("POST", "/api/projects/", {"title": "suspects", "label_config": config})["id"]
    tasks = json.loads((folder / "tasks.json").read_text())
    given = server.call("POST", f"/api/projects/{project}/import?return_task_ids=true", tasks)
    assert given["task_count"] == N
    for task, each in zip(given["task_ids"], said, strict=True):
        annotate(server, task, each)
    answer = server.call("GET", f"/api/projects/{project}/export?exportType=JSON&download_all_tasks=true")
    came = {task["data"]["suspect"]: task["data"]["label"] for task in answer}
    assert came == {exported.key(place): row.text for place, row in enumerate(exported.suspects)}
    (folder / "project.json").write_text(json.dumps(answer))
    imported(workspace, folder / "project.json")
    assert overlay(workspace) == expected(said)
    stands = workspace.corrections(KEY).read_bytes()
    imported(workspace, folder / "project.json")
    assert workspace.corrections(KEY).read_bytes() == stands


def test_label_studio_imports_the_same_tasks_twice(
    server: LabelStudio, tmp_path: Path, workspace: Workspace, pictures: Pictures
) -> None:
    """Its ids change and every task is there twice; what was said of one of the two counts."""
    folder = tmp_path / "out"
    export(folder, "label-studio", pictures)
    config = (folder / "labeling_config.xml").read_text()
    project = server.call("POST", "/api/projects/", {"title": "twice", "label_config": config})["id"]
    tasks = json.loads((folder / "tasks.json").read_text())[:4]
    for said in (Said("text", "처음"), Said(None, "")):
        given = server.call("POST", f"/api/projects/{project}/import?return_task_ids=true", tasks)["task_ids"]
        for task in given[:2]:
            annotate(server, task, said)
    answer = server.call("GET", f"/api/projects/{project}/export?exportType=JSON&download_all_tasks=true")
    assert len(answer) == 8
    (folder / "project.json").write_text(json.dumps(answer))
    imported(workspace, folder / "project.json")
    assert {number: after for number, (_, _, after) in overlay(workspace).items()} == {0: "처음", 1: "처음"}


def test_ppocrlabel_loses_nothing(tmp_path: Path, workspace: Workspace, pictures: Pictures) -> None:
    """It knows a new text or none; the rest of what people may decide has no place in its files.

    Opening a folder again alters the words true, false and null in what was typed, for it is read by ``eval``.
    """
    folder = tmp_path / "out"
    exported = export(folder, "ppocrlabel", pictures)
    said = [each if each.action == "text" else Said(None, "") for each in decisions()]
    PPOCRLabel(folder).save()  # opened and saved without a change
    program = PPOCRLabel(folder)
    assert len(program.texts) == N
    for place, each in enumerate(said):
        if each.action:
            program.texts[f"out/{exported.key(place)}.jpg"][0]["transcription"] = each.after
    program.save()
    PPOCRLabel(folder).save()  # opened once more, another day
    imported(workspace, folder)
    assert overlay(workspace) == expected([Said(action, altered(after)) for action, after in said])


def altered(text: str) -> str:
    return text.replace("true", "True").replace("null", "None")
