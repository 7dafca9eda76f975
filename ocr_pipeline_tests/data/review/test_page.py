from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
from click.testing import CliRunner

from ocr_pipeline.cli import cli
from ocr_pipeline.data.review import KINDS, Pictures, Reading, Suspect, write_page
from ocr_pipeline.data.review.page import BLOCK
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.source.share import Share
from ocr_pipeline_tests.data.review.looking import KEY, Parrot, search
from ocr_pipeline_tests.trees import hand_tree, write_tree

QUAD = ((2.0, 4.0), (18.0, 4.0), (18.0, 14.0), (2.0, 14.0))


def suspect(number: int = 0, **changed) -> Suspect:
    plain = Suspect(
        label=f"labels/{number}.json",
        image=f"{number}.png",
        word=0,
        text="한극",
        quad=QUAD,
        kind="jamo",
        reading="한국",
        readings=(Reading("한국", 0.9),),
        evidence=12.0,
        error_rate=0.8,
        picture=f"{number}.png",
    )
    return msgspec.structs.replace(plain, **changed)


def content(page: str, name: str) -> object:
    (found,) = re.findall(rf'<script type="application/json" id="{name}">(.*?)</script>', page)
    return json.loads(found)


def test_nothing_in_a_label_becomes_markup(tmp_path: Path) -> None:
    nasty = "</script><script>alert(1)</script><!--"
    rows = [suspect(text=nasty, reading=nasty), suspect(1, image=nasty)]
    write_page(tmp_path / "page.html", KEY, rows, ["<b>"], Pictures(Share(tmp_path)))
    page = (tmp_path / "page.html").read_text()
    assert page.count("<script") == page.count("</script>") == 3 and "alert(1)</" not in page
    assert content(page, "head")["readers"] == ["<b>"]
    assert [row["text"] for row in content(page, "block-0")] == [nasty, "한극"]
    assert not re.search(r"https?://|src=\"(?!data:)", page.partition("<script>")[0])


def test_suspects_come_in_blocks(tmp_path: Path) -> None:
    rows = [suspect(number) for number in range(2 * BLOCK + 1)]
    write_page(tmp_path / "page.html", KEY, rows, [], Pictures(Share(tmp_path)))
    page = (tmp_path / "page.html").read_text()
    assert [len(content(page, f"block-{number}")) for number in range(3)] == [BLOCK, BLOCK, 1]
    again = [suspect(number) for number in range(2 * BLOCK)]
    write_page(tmp_path / "other.html", KEY, again, [], Pictures(Share(tmp_path)))
    assert content(page, "head")["list"] != content((tmp_path / "other.html").read_text(), "head")["list"]


def test_the_command(tmp_path: Path, workspace: Workspace) -> None:
    share = write_tree(tmp_path / "share", hand_tree(3))
    search(share, workspace, Parrot())

    def told(*more: str):
        arguments = ["review", "page", KEY, "--source", str(share), "--output", str(workspace.root), *more]
        return CliRunner().invoke(cli, arguments, env={"COLUMNS": "300"})

    target = tmp_path / "page.html"
    assert "3 suspects of handwriting_train" in told("--to", str(target)).output
    rows = content(target.read_text(), "block-0")
    assert [row["text"] for row in rows] == ["글0", "글1", "글2"] and all(row["crop"] for row in rows)
    assert "0 suspects" in told("--to", str(target), "--kind", "jamo").output
    assert "1 suspects" in told("--to", str(target), "--most", "1").output


def test_every_kind_has_its_korean_name() -> None:
    script = (Path(__file__).parents[3] / "ocr_pipeline/data/review/templates/page.js").read_text()
    korean = script.partition("ko: {")[2]
    assert all(re.search(rf"\b{kind}: \[", korean) for kind in KINDS)
