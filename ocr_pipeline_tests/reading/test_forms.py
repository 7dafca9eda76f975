from __future__ import annotations

import ctypes
import io
import json
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path, PurePath

import numpy as np
import pikepdf
import pypdfium2
import pytest
from htrvx.schemas import Schemas, Validator
from lxml import etree
from pdfminer.high_level import extract_text
from PIL import Image

from ocr_pipeline.data.datasets import PARTITIONS
from ocr_pipeline.page import Quad
from ocr_pipeline.reading import InputLimits, ReadDocument, ReadLine, ReadPage, ReadWord
from ocr_pipeline.reading.forms import FORMS, Place
from ocr_pipeline.reading.input import Document, Sheet, document_of

SYLLABLES = "".join(chr(code) for code in range(0xAC00, 0xD7A4))
ODD = ("漢字㈜", "①½℃", "𠀀𠮷", "(가)", "1,000원", "가", "A&B<C>", "㉠-ㄱ")


def quad(x: float, y: float, width: float, height: float, degrees: float = 0) -> Quad:
    """Corners of a box, turned clockwise about (450, 600)."""
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    corners = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)]) - (450, 600)
    a, b, c, d = ((float(x), float(y)) for x, y in corners @ turn + (450, 600))
    return a, b, c, d


def page(texts: Sequence[Sequence[str]], degrees: float = 0, jitter: int = 0) -> ReadPage:
    """Lines of words on a page of 900 x 1200 pixels."""
    lines = []
    for row, words in enumerate(texts):
        pen, made = 60.0, []
        for place, text in enumerate(words):
            width, up = 22.0 * len(text), jitter * (place % 2)
            made.append(
                ReadWord(quad(pen, 60 + 44 * row - up, width, 26 + up, degrees), text, 0.9, " " if place else "")
            )
            pen += width + 12
        lines.append(ReadLine(tuple(made)))
    return ReadPage("a.png", 900, 1200, tuple(lines))


def some_lines(seed: int = 0) -> list[list[str]]:
    rng = np.random.default_rng(seed)
    lines = [["".join(rng.choice(list(SYLLABLES), rng.integers(1, 5))) for _ in range(6)] for _ in range(20)]
    return [*lines, list(ODD)]


def png(width: int = 900, height: int = 1200) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(file, "PNG")
    return file.getvalue()


def printed(form: str, read: ReadPage, folder: Path, data: bytes | None = None, name: str = "a.png") -> Path:
    """What a form makes of a file with one page."""
    document = document_of(data or png(), Path(name), InputLimits())
    place = Place(folder, PurePath(name))
    printer = FORMS[form].printer(place, document)
    printer.add(document.load(1), read)
    printer.publish(ReadDocument("source", "reader", (read,)))
    return folder


def text_by_pdfium(path: Path, number: int = 0) -> list[str]:
    with pypdfium2.PdfDocument(path) as pdf:
        return pdf[number].get_textpage().get_text_range().replace("\r", "").splitlines()


def lines_of(text: Sequence[str]) -> list[str]:
    return [line.rstrip() for line in text if line.strip()]


@pytest.mark.parametrize(("degrees", "jitter"), [(0, 0), (0, 6), (1, 0), (-4, 3), (10, 0)])
def test_the_text_of_a_pdf_is_the_text_that_was_read(tmp_path, degrees, jitter):
    printed("pdf", page(some_lines(), degrees, jitter), tmp_path)
    expected = [" ".join(line) for line in some_lines()]
    assert lines_of(text_by_pdfium(tmp_path / "a.png.pdf")) == expected
    assert lines_of(extract_text(tmp_path / "a.png.pdf").splitlines()) == expected
    assert all(unicodedata.is_normalized("NFC", line) for line in expected)


def test_a_jpeg_goes_into_the_pdf_as_it_is_and_two_runs_give_the_same_bytes(tmp_path):
    file = io.BytesIO()
    Image.new("RGB", (300, 200), "white").save(file, "JPEG")
    read = ReadPage("a.jpg", 300, 200)
    for run in ("one", "two"):
        printed("pdf", read, tmp_path / run, file.getvalue(), "a.jpg")
    assert (tmp_path / "one/a.jpg.pdf").read_bytes() == (tmp_path / "two/a.jpg.pdf").read_bytes()
    with pikepdf.open(tmp_path / "one/a.jpg.pdf") as pdf:
        (picture,) = pdf.pages[0].get_images().values()
        assert picture.read_raw_bytes() == file.getvalue()


def seoul_over(pdf: bytes, folder: Path) -> Sheet:
    """The page of a PDF, over which one word is printed."""
    sheet = document_of(pdf, Path("a.pdf"), InputLimits()).load(1)
    word = ReadWord(quad(100, 200, 300, 60), "서울특별시", 0.9, "")
    read = ReadPage("a.pdf", sheet.width, sheet.height, (ReadLine((word,)),))
    printed("pdf", read, folder, pdf, "a.pdf")
    return sheet


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_text_lies_over_the_words_of_a_pdf_however_it_is_turned_and_cut(tmp_path, turn):
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(500, 700))
        pdf.pages[0].cropbox = [20, 30, 480, 660]
        pdf.pages[0].rotate(turn, relative=False)
        data = io.BytesIO()
        pdf.save(data)
    sheet = seoul_over(data.getvalue(), tmp_path)
    assert lines_of(text_by_pdfium(tmp_path / "a.pdf.pdf")) == ["서울특별시"]
    with pypdfium2.PdfDocument(tmp_path / "a.pdf.pdf") as pdf:
        text, scale = pdf[0].get_textpage(), 72 / sheet.dpi
        rects = np.array([text.get_charbox(place, loose=True) for place in range(5)])
        (left, bottom), (right, top) = rects[:, :2].min(axis=0), rects[:, 2:].max(axis=0)
    seen = on_sheet((left, bottom, right, top), turn, (460, 630))
    assert np.allclose(seen, np.array([100, 200, 400, 260]) * scale, atol=20)  # the space at its end has a sixth of it


ODD_PAGES = {
    "cut beyond the sheet": {"/CropBox": pikepdf.Array([-40, -50, 600, 760])},
    "box from the upper right corner": {"/MediaBox": pikepdf.Array([500, 700, 0, 0])},
    "turned by no right angle": {"/Rotate": 45},
    "a matrix left behind": {},
}


@pytest.mark.parametrize("odd", ODD_PAGES.values(), ids=ODD_PAGES)
def test_text_lies_over_the_words_whatever_the_page_is_like(tmp_path, odd):
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(500, 700))
        pdf.pages[0].obj.update(odd)
        pdf.pages[0].contents_add(b"q 0.5 0 0 0.5 90 90 cm q")
        data = io.BytesIO()
        pdf.save(data)
    sheet = seoul_over(data.getvalue(), tmp_path)
    with pypdfium2.PdfDocument(tmp_path / "a.pdf.pdf") as pdf:
        text = pdf[0].get_textpage()
        assert text.get_text_range().strip() == "서울특별시"
        boxes = np.array([text.get_charbox(place, loose=True) for place in range(5)])
        corners = [on_pixels(pdf[0], sheet, *boxes[place, ends]) for place, ends in ((0, [0, 3]), (4, [2, 1]))]
    assert np.allclose(corners, [(100, 200), (400, 260)], atol=55)  # the space at its end has a sixth of it


def on_pixels(page: pypdfium2.PdfPage, sheet: Sheet, x: float, y: float) -> tuple[int, int]:
    there = ctypes.c_int(), ctypes.c_int()
    pypdfium2.raw.FPDF_PageToDevice(page, 0, 0, sheet.width, sheet.height, 0, x, y, *there)
    return there[0].value, there[1].value


def on_sheet(box: Sequence[float], turn: int, size: tuple[float, float]) -> list[float]:
    """A box of a PDF's own coordinates as it is seen: left, top, right, bottom from the top left, in points."""
    (width, height), (x0, y0, x1, y1) = size, np.array(box) - (20, 30, 20, 30)
    seen = {
        0: (x0, height - y1, x1, height - y0),
        90: (y0, x0, y1, x1),
        180: (width - x1, y0, width - x0, y1),
        270: (height - y1, width - x1, height - y0, width - x0),
    }
    return list(seen[turn])


FULL = """
from pathlib import Path
import pikepdf
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.reading.forms.saving import save_pdf
with pikepdf.new() as pdf:
    pdf.add_blank_page()
    pdf.pages[0].contents_add(bytes(99_999))
    try:
        save_pdf(pdf, Path("/dev/full"))
    except PipelineError as error:
        print(error)
"""


def test_a_full_disk_is_told_and_does_not_end_the_process():
    run = subprocess.run([sys.executable, "-c", FULL], capture_output=True, text=True)
    assert run.returncode == 0 and "No space left" in run.stdout, run.stderr


def test_a_pdf_page_that_has_text_keeps_its_own_alone(tmp_path):
    printed("pdf", page([["처음", "글"]]), tmp_path)
    data = (tmp_path / "a.png.pdf").read_bytes()
    printed("pdf", page([["다른", "글"]]), tmp_path, data, "b.pdf")
    assert lines_of(text_by_pdfium(tmp_path / "b.pdf.pdf")) == ["처음 글"]


def test_alto_holds_against_its_schema(tmp_path):
    read = page(some_lines())
    vertical = ReadLine((ReadWord(quad(800, 60, 30, 200), '세로 "글"\x0c', 1.0, ""),), 1, True)
    printed("alto", ReadPage("a&b.png", 900, 1200, (*read.lines, vertical)), tmp_path)
    schema = Validator(Schemas["alto"]).xmlschema
    document = etree.parse(tmp_path / "a.png.alto.xml")
    assert schema.validate(document), schema.error_log
    strings = document.findall(".//{*}String")
    assert [each.get("CONTENT") for each in strings] == [*(word.text for word in read.words), '세로 "글"']


def test_hocr_says_where_each_word_stands(tmp_path):
    read = page([["가", "나다"], ["A<B"]])
    printed("hocr", read, tmp_path)
    document = etree.fromstring((tmp_path / "a.png.hocr").read_bytes(), etree.XMLParser(no_network=True))
    words = document.findall(".//{*}span[@class='ocrx_word']")
    assert [word.text for word in words] == ["가", "나다", "A<B"]
    assert words[0].get("title") == "bbox 60 60 82 86; x_wconf 90"
    lines = document.findall(".//{*}span[@class='ocr_line']")
    assert ["".join(line.itertext()) for line in lines] == ["가 나다", "A<B"]
    assert "baseline 0.000 0" in lines[0].get("title")


@pytest.mark.parametrize("form", ["hocr", "alto"])
def test_boxes_that_leave_the_page_end_at_its_edge(tmp_path, form):
    word = ReadWord(((-9, -30), (950, -20), (940, 20), (-9, 10)), "넓다", 0.9, "")
    printed(form, ReadPage("a.png", 900, 1200, (ReadLine((word,)),)), tmp_path)
    said = next(tmp_path.iterdir()).read_text(encoding="utf-8")
    if form == "hocr":
        assert said.count("bbox 0 0 900 20") == 4 and "bbox -" not in said
    else:
        assert said.count('HPOS="0" VPOS="0" WIDTH="900" HEIGHT="20"') == 3 and 'POINTS="0,0 900,0 900,20 0,10"' in said


def test_a_reading_is_a_label_that_this_program_reads(tmp_path):
    read = page([["가", "나다"], ["라"]], degrees=3)
    label = printed("aihub", read, tmp_path) / "aihub/a.png.json"
    parsed = PARTITIONS["ocr_public_train"].dataset.read(json.loads(label.read_bytes()), "labels/a.json", "train")
    assert (parsed.pages[0].image, parsed.pages[0].width, parsed.pages[0].height) == ("a.png", 900, 1200)
    assert [word.text for word in parsed.pages[0].words] == ["가", "나다", "라"]
    assert np.allclose([word.quad for word in parsed.pages[0].words], [word.quad for word in read.words], atol=0.51)


def test_a_label_counts_the_pixels_as_they_are_stored(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.new("RGB", (1200, 900), "white").save(file, "JPEG", exif=exif)
    word = ReadWord(quad(100, 200, 300, 60), "글", 0.9, "")
    read = ReadPage("a.jpg", 900, 1200, (ReadLine((word,)),))
    label = json.loads((printed("aihub", read, tmp_path, file.getvalue(), "a.jpg") / "aihub/a.jpg.json").read_bytes())
    assert (label["Images"]["width"], label["Images"]["height"]) == (1200, 900)
    (box,) = label["bbox"]
    assert (sorted(set(box["x"])), sorted(set(box["y"]))) == ([200, 260], [500, 800])


def test_lines_for_ppocrlabel_name_picture_and_words(tmp_path):
    read = page([["가", ""]])
    printed("json", read, tmp_path)
    assert FORMS["ppocr"].gather is not None
    FORMS["ppocr"].gather(tmp_path, [Place(tmp_path, PurePath("a.png"))])
    name, words = (tmp_path / "ppocr/Label.txt").read_text(encoding="utf-8").rstrip("\n").split("\t")
    assert name == "a.png"
    assert json.loads(words)[0] == {
        "transcription": "가",
        "points": [[60, 60], [82, 60], [82, 86], [60, 86]],
        "difficult": False,
    }
    assert json.loads(words)[1]["transcription"] == "###" and json.loads(words)[1]["difficult"]


def test_a_drawn_page_shows_each_word(tmp_path):
    printed("drawn", page([["가", "나"]]), tmp_path)
    pixels = np.asarray(Image.open(tmp_path / "drawn/a.png.png"))
    assert pixels.shape == (1200, 900, 3)
    assert (pixels[60, 60:82] == (0, 200, 0)).all()


def test_vertical_columns_are_text_of_a_pdf_too(tmp_path):
    words = tuple(ReadWord(quad(x, 60, 30, 240), text, 0.9, "") for x, text in ((700, "오른쪽줄"), (600, "왼쪽줄")))
    lines = tuple(ReadLine((word,), 0, True) for word in words)
    printed("pdf", ReadPage("a.png", 900, 1200, lines), tmp_path)
    assert set("".join(text_by_pdfium(tmp_path / "a.png.pdf")).split()) == {"오른쪽줄", "왼쪽줄"}


def test_pages_of_a_file_stand_in_one_pdf_and_one_text(tmp_path):
    pictures = [Image.new("RGB", (900, 1200), "white") for _ in range(3)]
    data = io.BytesIO()
    pictures[0].save(data, "TIFF", save_all=True, append_images=pictures[1:])
    document = document_of(data.getvalue(), Path("a.tif"), InputLimits())
    assert isinstance(document, Document) and document.pages == 3
    reads = [page([[text]]) for text in ("하나", "둘", "셋")]
    for form in ("pdf", "txt"):
        printer = FORMS[form].printer(Place(tmp_path, PurePath("a.tif")), document)
        for number, read in enumerate(reads, start=1):
            printer.add(document.load(number), read)
        printer.publish(ReadDocument("", "", tuple(reads)))
    assert [lines_of(text_by_pdfium(tmp_path / "a.tif.pdf", number)) for number in range(3)] == [
        ["하나"],
        ["둘"],
        ["셋"],
    ]
    assert (tmp_path / "a.tif.txt").read_text(encoding="utf-8") == "하나\n\f둘\n\f셋\n"
