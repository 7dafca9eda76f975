from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pikepdf
import pytest
from click.testing import CliRunner
from PIL import Image

from ocr_pipeline.cli.reading import read
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.parallel import Processes
from ocr_pipeline.reading import PageReading, decode_document, read_paths, spread_paths
from ocr_pipeline_tests.killing import kill_when, run
from ocr_pipeline_tests.reading.conftest import sheet


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_each_file_has_its_text_and_its_record(reader, folder, tmp_path):
    done = read_paths(reader, [folder], tmp_path / "out")
    assert (done.pages, done.errors) == (3, {})
    record = decode_document((tmp_path / "out/0.png.json").read_bytes())
    assert [page.image for page in record.pages] == ["0.png"]
    assert (tmp_path / "out/0.png.txt").read_text() == record.pages[0].text != ""


def test_what_is_done_is_not_done_again_and_what_changed_is(reader, folder, tmp_path):
    out = tmp_path / "out"
    read_paths(reader, [folder], out)
    before = contents(out)
    assert read_paths(reader, [folder], out).done == 3
    sheet(("새 글",), (640, 160)).save(folder / "1.png")
    again = read_paths(reader, [folder], out)
    assert (again.done, again.pages) == (2, 1)
    changed = {name for name, data in contents(out).items() if data != before[name]}
    assert changed == {"1.png.json", "1.png.txt"}


class Others:
    """A crew of threads."""

    size = 2

    @contextmanager
    def hired(self, prepare=None):
        with ThreadPoolExecutor(self.size) as executor:
            yield executor


@pytest.mark.parametrize("crew", [Processes(1), Others()])
def test_a_crew_leaves_the_bytes_of_one(reader, folder, tmp_path, monkeypatch, crew):
    for number in range(40):
        sheet((f"{number}장",), (200, 120)).save(folder / f"a{number:02}.png")
    (folder / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    alone = read_paths(reader, [folder], tmp_path / "alone", ["txt", "ppocr"])
    monkeypatch.setattr("ocr_pipeline.reading.folder._opened_reader", lambda settings: reader)
    settings = PageReading(form=("txt", "ppocr"))
    together = spread_paths(settings, crew, [folder], tmp_path / "out")
    assert contents(tmp_path / "out") == contents(tmp_path / "alone") and together.pages == alone.pages == 43
    assert (together.words, list(together.errors)) == (alone.words, [str(folder / "torn.png")])
    assert spread_paths(settings, crew, [folder], tmp_path / "out").done == 43


@pytest.mark.slow
def test_processes_that_open_the_models_themselves_leave_the_same_bytes(folder, tmp_path):
    settings = PageReading(device="cpu")
    for name, size in (("one", 1), ("two", 2)):
        spread_paths(settings, Processes(size), [folder], tmp_path / name)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_another_form_is_printed_of_all(reader, folder, tmp_path):
    read_paths(reader, [folder], tmp_path / "out", ["json"])
    assert read_paths(reader, [folder], tmp_path / "out", ["txt"]).done == 0
    assert (tmp_path / "out/2.png.txt").is_file()


def test_a_broken_file_is_one_line_and_the_rest_goes_on(reader, folder, tmp_path):
    (folder / "0a.png").write_bytes((folder / "0.png").read_bytes()[:200])
    (folder / "0b.pdf").write_bytes(b"%PDF-1.7\nnothing")
    done = read_paths(reader, [folder, tmp_path / "absent.png"], tmp_path / "out")
    assert done.pages == 3
    assert {Path(path).name for path in done.errors} == {"0a.png", "0b.pdf", "absent.png"}
    assert all("\n" not in reason for reason in done.errors.values())
    assert not (tmp_path / "out/0a.png.json").exists()


def test_two_files_of_one_name_are_refused_before_any_work(reader, folder, tmp_path):
    (tmp_path / "other").mkdir()
    sheet().save(tmp_path / "other/0.png")
    with pytest.raises(PipelineError, match="same place"):
        read_paths(reader, [folder, tmp_path / "other"], tmp_path / "out")


def test_pictures_of_one_stem_are_two(reader, folder, tmp_path):
    sheet(("다른 것",), (300, 120)).save(folder / "0.jpg")
    read_paths(reader, [folder], tmp_path / "out", ["drawn", "aihub", "ppocr"])
    drawn = {name: Image.open(tmp_path / "out/drawn" / name).size for name in ("0.png.png", "0.jpg.png")}
    assert drawn == {"0.png.png": (640, 160), "0.jpg.png": (300, 120)}
    labels = [
        json.loads((tmp_path / "out/aihub" / name).read_bytes())["Images"] for name in ("0.png.json", "0.jpg.json")
    ]
    assert [(label["identifier"], label["type"]) for label in labels] == [("0", "png"), ("0", "jpg")]


def test_what_was_printed_into_a_folder_is_not_read_from_it(reader, folder, caplog):
    forms = ["pdf", "drawn"]
    assert read_paths(reader, [folder], folder / "out", forms).pages == 3
    before = contents(folder)
    again = read_paths(reader, [folder], folder / "out", forms)
    assert (again.pages, again.done, contents(folder)) == (0, 3, before)
    assert read_paths(reader, [folder], folder / "other", forms).pages == 3
    assert "made by an earlier run" in caplog.text


def test_what_is_left_out_of_a_folder_is_said(reader, folder, tmp_path, caplog):
    for name in ("IMG_1.HEIC", "._0.png", "notes.docx"):
        (folder / name).write_bytes(b"x")
    (folder / "dead.jpg").symlink_to(tmp_path / "gone.jpg")
    (folder / "more").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.png")
    done = read_paths(reader, [folder], tmp_path / "out")
    assert [Path(path).name for path in done.errors] == ["dead.jpg"]
    assert "3 files are passed over, they are of other kinds (.docx: 1, .heic: 1, .png: 1)" in caplog.text
    assert "1 folders are passed over, they are links" in caplog.text


def test_names_that_are_no_text_or_too_long_stop_nobody(reader, folder, tmp_path, caplog):
    picture = (folder / "0.png").read_bytes()
    odd, long = os.fsdecode("영수증.png".encode("cp949")), "가" * 83 + ".png"
    for name in (odd, long, "탭\t줄\n.png"):
        (folder / name).write_bytes(picture)
    done = read_paths(reader, [folder], tmp_path / "out", ["txt", "ppocr", "aihub"])
    assert done.pages == 5
    assert {Path(path).name: reason for path, reason in done.errors.items()} == {
        long: "the name is too long: what is printed has a longer one"
    }
    record = decode_document((tmp_path / f"out/{odd}.json").read_bytes())
    assert record.pages[0].image == "\\xbf\\xb5\\xbc\\xf6\\xc1\\xf5.png"
    lines = (tmp_path / "out/ppocr/Label.txt").read_text(encoding="utf-8").splitlines()
    assert [line.partition("\t")[0] for line in lines] == ["0.png", "1.png", "2.png"]
    assert sum("left out of Label.txt" in message for message in caplog.messages) == 2
    assert all(message.isprintable() for message in caplog.messages)


def test_a_pdf_that_no_text_can_be_laid_over_is_one_line(reader, folder, tmp_path):
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(200, 100))
        pdf.pages[0].obj.Resources = pikepdf.Dictionary(Font=pikepdf.Array([]))
        pdf.save(folder / "1a.pdf")
    done = read_paths(reader, [folder], tmp_path / "out", ["pdf"])
    assert done.pages == 3 and "no text can be laid over" in done.errors[str(folder / "1a.pdf")]


def test_a_folder_of_somebody_else_is_left_alone(reader, folder, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/letter.txt").write_text("mine")
    with pytest.raises(PipelineError, match="did not make"):
        read_paths(reader, [folder], tmp_path / "out")
    with pytest.raises(PipelineError, match="replace what is read"):
        read_paths(reader, [folder], folder)


def test_an_unknown_form_and_an_empty_folder_are_told(reader, folder, tmp_path):
    with pytest.raises(PipelineError, match="no such form"):
        read_paths(reader, [folder], tmp_path / "out", ["docx"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(PipelineError, match="nothing to read"):
        read_paths(reader, [tmp_path / "empty"], tmp_path / "out")


@pytest.mark.slow
def test_the_command_reads_prints_and_says_what_it_could_not(folder, tmp_path, caplog):
    (folder / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    command = [str(folder), "--output", str(tmp_path / "out"), "--form", "txt", "--form", "pdf", "--device", "cpu"]
    done = CliRunner().invoke(read, command)
    assert done.exit_code == 1
    assert "3 pages with" in done.output and "torn.png" in caplog.text
    assert (tmp_path / "out/1.png.pdf").read_bytes().startswith(b"%PDF")


def test_a_path_that_the_shell_left_empty_is_not_the_current_folder(tmp_path):
    for arguments in (["", "--output", str(tmp_path)], ["page.png", "--output", ""]):
        refused = CliRunner().invoke(read, arguments)
        assert refused.exit_code == 2 and "empty" in refused.output


SCRIPT = """
import sys, time
from pathlib import Path
from ocr_pipeline.reading import Reader, read_paths
from ocr_pipeline_tests.reading.conftest import InkDetector, SizeRecognizer

class Slow(SizeRecognizer):
    def read_crops(self, crops):
        time.sleep(0.02)
        return super().read_crops(crops)

read_paths(Reader(InkDetector(), Slow(), batch_size=4), [Path(sys.argv[1])], Path(sys.argv[2]), sys.argv[3:])
"""
FORMS = ("txt", "pdf", "alto", "aihub", "ppocr", "drawn")


@pytest.mark.kill
def test_after_a_kill_the_same_command_ends_in_the_same_bytes(tmp_path):
    place = tmp_path / "in"
    place.mkdir()
    for number in range(40):
        sheet((f"{number}장 둘 셋",), (400, 120)).save(place / f"{number:02}.png")
    run(SCRIPT, place, tmp_path / "whole", *FORMS)
    out = tmp_path / "out"
    for count in (1, 18, 33):
        kill_when(lambda count=count: len(list(out.glob("*.json"))) >= count, SCRIPT, place, out, *FORMS)
    run(SCRIPT, place, out, *FORMS)
    drafts = {name for name in contents(out) if name.endswith(".draft")}
    assert {name: data for name, data in contents(out).items() if name not in drafts} == contents(tmp_path / "whole")
    assert len(contents(out)) > 200
