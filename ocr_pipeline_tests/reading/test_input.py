"""Files that mean harm, or just are large, give one clear line."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name
from PIL import Image

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.reading import InputLimits
from ocr_pipeline.reading.input import document_of, pdf_scale

LIMITS = InputLimits(dpi=72, most_pixels=1_000_000, most_pages=20)


def pdf(pages: int = 1, size: tuple[float, float] = (300, 200), **how: object) -> bytes:
    with pikepdf.new() as made:
        for _ in range(pages):
            made.add_blank_page(page_size=size)
        file = io.BytesIO()
        made.save(file, **how)
    return file.getvalue()


def picture(form: str, size: tuple[int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("L", size).save(file, form)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "empty"),
        (b"no picture at all", "decoded"),
        (pdf()[:300], "damaged"),
        (b"%PDF-1.7", "damaged"),
        (pdf(encryption=pikepdf.Encryption(user="secret", owner="secret")), "encrypted"),
        (pdf(10_000), "10,000 pages"),
        (picture("PNG", (1001, 1000)), "too large"),
        (picture("TIFF", (1001, 1000)), "too large"),
        (picture("PNG", (900, 900))[:-40], "truncated"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(data, told):
    with pytest.raises(PipelineError, match=told) as refused:
        document_of(data, Path("a.bin"), LIMITS).load(1)
    assert "\n" not in str(refused.value) and refused.value.remedy


def test_a_pdf_without_pages_is_not_told_by_the_fault_of_the_file_before_it():
    encrypted = pdf(encryption=pikepdf.Encryption(user="secret", owner="secret"))
    for data, told in ((encrypted, "encrypted"), (pdf(0), "no pages")):
        with pytest.raises(PipelineError, match=told):
            document_of(data, Path("a.pdf"), LIMITS)


def test_a_tiff_that_lost_its_last_pages_is_not_read_as_a_shorter_one():
    pages, file = [Image.new("L", (300, 200), grey) for grey in (0, 99, 200)], io.BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
    whole = file.getvalue()
    lengths = range(len(whole) // 2, len(whole), len(whole) // 40)
    for length in lengths:
        with pytest.raises(PipelineError):
            document = document_of(whole[:length], Path("a.tif"), LIMITS)
            [document.load(number) for number in range(1, document.pages + 1)]


def test_a_jpeg_of_no_known_sampling_is_one_line_too():
    data = bytearray(picture("JPEG", (64, 48)))
    frame = data.index(b"\xff\xc0")
    for value in range(256):
        data[frame + 11] = value
        try:
            document_of(bytes(data), Path("a.jpg"), LIMITS).load(1)
        except PipelineError as error:
            assert error.remedy


def test_what_was_filled_into_a_form_is_seen():
    with pikepdf.new() as made:
        made.add_blank_page(page_size=(300, 200))
        black = made.make_stream(b"0 g 0 0 100 40 re f", Type=Name.XObject, Subtype=Name.Form, BBox=[0, 0, 100, 40])
        field = Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T=b"name", V=b"value", F=4)
        field = made.make_indirect(field)
        field.Rect, field.AP = Array([100, 100, 200, 140]), Dictionary(N=black)
        made.pages[0].obj.Annots = Array([field])
        made.Root.AcroForm = Dictionary(Fields=Array([field]))
        file = io.BytesIO()
        made.save(file)
    pixels = document_of(file.getvalue(), Path("a.pdf"), LIMITS).load(1).pixels
    assert (pixels[65:95, 105:195] == 0).all() and (pixels[120:] == 255).all()


def test_a_pdf_with_a_false_xref_is_read_all_the_same():
    data = re.sub(rb"startxref\n\d+", b"startxref\n7", pdf())
    assert document_of(data, Path("a.pdf"), LIMITS).load(1).pixels.shape == (200, 300, 3)


def test_a_huge_page_is_drawn_as_finely_as_limits_allow():
    sheet = document_of(pdf(size=(14_400, 14_400)), Path("a.pdf"), LIMITS).load(1)
    assert sheet.width * sheet.height <= 1_010_000
    assert pdf_scale(14_400, 200, InputLimits(most_side=6000)) == 6000 / 14_400


def test_every_page_of_a_pdf_is_a_sheet_of_its_own():
    document = document_of(pdf(3), Path("한글.pdf"), LIMITS)
    assert [document.load(number).number for number in (1, 2, 3)] == [1, 2, 3]
    assert document.load(3).dpi == 72
    assert document.load(3).image == "한글.pdf"
