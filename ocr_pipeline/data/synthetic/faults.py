"""The faults that users of the five sets report, one page each."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image

from ocr_pipeline.data.synthetic.drawing import Box
from ocr_pipeline.data.synthetic.label_forms import Label, corners, wild_annotation
from ocr_pipeline.data.synthetic.share import PageSize, Sheet, encode_picture, make_sheet

Files = dict[str, bytes]
FIRST_FAULTY_PAGE = 9000  # index within its partition, beyond those of sound pages

APPLE_DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(32)


class PlantedFault(NamedTuple):
    """One fault, and what should become of it.

    Attributes:
        partition: where it is.
        file: the file at fault, below the share's root, in NFC, with ``/``.
        reason: the reason it should be set aside for (``label_unreadable``, ``image_unreadable``, ``image_missing``,
            ``label_missing``, ``word_outside``, ``word_zero_area``, ``duplicate_picture``), or ``handled`` if the page
            and all its words should come through.
        what: the fault in words.
        image: file name of the picture concerned, in NFC.
    """

    partition: str
    file: str
    reason: str
    what: str
    image: str


class Fault(NamedTuple):
    """How to plant a fault: ``plant`` turns a sound sheet into files; ``blames`` is ``label`` or ``picture``."""

    partition: str
    reason: str
    what: str
    blames: str
    plant: Callable[[Sheet], Files]


def faulty_sheets(partition: str, seed: int, size: PageSize) -> Iterator[tuple[Sheet, Files, PlantedFault]]:
    """Extra pages of a partition, each with one fault: the sheet, its files with the fault, and the record.

    The faults of Text in the wild that lie in its label file are planted in ``sheet.label``.
    """
    for place, fault in enumerate(fault for fault in FAULTS if fault.partition == partition):
        sheet = make_sheet(partition, FIRST_FAULTY_PAGE + place, seed, size)
        files = fault.plant(sheet)
        file = sheet.label_path if fault.blames == "label" else sheet.picture_path
        yield sheet, files, PlantedFault(partition, file, fault.reason, fault.what, sheet.name)


def boxes_of(label: Label) -> list[Label]:
    """The list of words of a label of any of the forms."""
    return next(label[key] for key in ("annotations", "Bbox", "bbox") if key in label)


# -- faults of files --------------------------------------------------------------------------------------------------


def _label_cut_off(sheet: Sheet) -> Files:
    files = sheet.files()
    return {**files, sheet.label_path: files[sheet.label_path][: len(files[sheet.label_path]) // 2]}


def _picture_cut_off(sheet: Sheet) -> Files:
    return {**sheet.files(), sheet.picture_path: sheet.picture[: len(sheet.picture) // 2]}


def _no_picture(sheet: Sheet) -> Files:
    files = sheet.files()
    del files[sheet.picture_path]
    return files


def _no_label(sheet: Sheet) -> Files:
    return {sheet.picture_path: sheet.picture}


def _byte_order_mark(sheet: Sheet) -> Files:
    files = sheet.files()
    return {**files, sheet.label_path: b"\xef\xbb\xbf" + files[sheet.label_path]}


def _png_named_jpg(sheet: Sheet) -> Files:
    pixels = np.asarray(Image.open(io.BytesIO(sheet.picture)))
    return {**sheet.files(), sheet.picture_path: encode_picture(pixels, "png")}


def _apple_double(sheet: Sheet) -> Files:
    folder, _, name = sheet.picture_path.rpartition("/")
    return {**sheet.files(), f"{folder}/._{name}": APPLE_DOUBLE}


def _picture_in_two_folders(sheet: Sheet) -> Files:
    folder, _, name = sheet.picture_path.rpartition("/")
    return {**sheet.files(), f"{folder.rpartition('/')[0]}/TS_금융_3.증권_3-2.신청서/{name}": sheet.picture}


def _decomposed_folder(sheet: Sheet) -> Files:
    folder, _, name = sheet.picture_path.rpartition("/")
    above, _, last = folder.rpartition("/")
    files = _no_picture(sheet)
    return {**files, f"{above}/{unicodedata.normalize('NFD', last)}/{name}": sheet.picture}


# -- faults of labels -------------------------------------------------------------------------------------------------


def _relabelled(change: Callable[[Label], None]) -> Callable[[Sheet], Files]:
    """Plant a fault by changing the label document in place."""

    def plant(sheet: Sheet) -> Files:
        change(sheet.label)
        return sheet.files()

    return plant


def _repeated_id(label: Label) -> None:
    label["annotations"][1]["id"] = label["annotations"][0]["id"]


def _negative_x(label: Label) -> None:
    key = "annotation.bbox" if "annotation.bbox" in label["annotations"][0] else "bbox"
    box = min((record[key] for record in label["annotations"]), key=lambda box: box[0])
    box[2], box[0] = box[2] + box[0] + 4, -4  # the right edge stays


def _text(text: str) -> Callable[[Label], None]:
    def change(label: Label) -> None:
        record = boxes_of(label)[-1]
        record["data" if "data" in record else "annotation.text"] = text

    return change


def _moved(box: Callable[[Label], Box]) -> Callable[[Label], None]:
    def change(label: Label) -> None:
        boxes_of(label)[-1].update(corners(box(label["Images"])))

    return change


def _split_letters_without_height(part: Label) -> None:
    part["annotations"].append(wild_annotation("국ㅇㄴ", "word", (10, 40, 40, 40)))


def _listed_twice(part: Label) -> None:
    part["images"].append(dict(part["images"][0]))


_beyond_the_page = _moved(lambda images: (images["width"] + 20, 10, images["width"] + 80, 40))
_without_height = _moved(lambda images: (10, 10, 60, 10))

FAULTS = (
    Fault("public_admin_train", "handled", "an annotation id occurs twice", "label", _relabelled(_repeated_id)),
    Fault("public_admin_train", "handled", "a box begins left of the page", "label", _relabelled(_negative_x)),
    Fault("public_admin_train", "handled", "a word has an empty text", "label", _relabelled(_text(""))),
    Fault("public_admin_train", "handled", "the label begins with a byte order mark", "label", _byte_order_mark),
    Fault("public_admin_train", "label_unreadable", "the label is cut off", "label", _label_cut_off),
    Fault("public_admin_train", "image_missing", "a label without its picture", "label", _no_picture),
    Fault("public_admin_valid", "label_unreadable", "the label is cut off", "label", _label_cut_off),
    Fault("ocr_public_train", "label_missing", "a picture without its label", "picture", _no_label),
    Fault("ocr_public_train", "image_unreadable", "the picture is cut off", "picture", _picture_cut_off),
    Fault("ocr_public_train", "word_outside", "a box lies beyond the page", "label", _relabelled(_beyond_the_page)),
    Fault("ocr_public_train", "word_zero_area", "a box has no height", "label", _relabelled(_without_height)),
    Fault("ocr_public_train", "handled", "a PNG picture is named .jpg", "picture", _png_named_jpg),
    Fault("finance_logistics_train", "handled", "an AppleDouble file beside the picture", "picture", _apple_double),
    Fault("finance_logistics_train", "handled", "the picture's folder is spelt in NFD", "picture", _decomposed_folder),
    Fault("finance_logistics_train", "image_unreadable", "the picture is cut off", "picture", _picture_cut_off),
    Fault("finance_logistics_train", "handled", "the picture is in two folders", "picture", _picture_in_two_folders),
    Fault("handwriting_train", "image_missing", "a label without its picture", "label", _no_picture),
    Fault("handwriting_train", "handled", "an unreadable word is labelled xxx", "label", _relabelled(_text("xxx"))),
    Fault("handwriting_train", "handled", "a label that NFC changes", "label", _relabelled(_text("\uf92c"))),
    Fault("text_in_wild", "word_zero_area", "a box has no height", "label", _relabelled(_split_letters_without_height)),
    Fault("text_in_wild", "handled", "a box begins left of the picture", "label", _relabelled(_negative_x)),
    Fault("text_in_wild", "image_missing", "the picture is listed but missing", "label", _no_picture),
    Fault("text_in_wild", "duplicate_picture", "the picture is listed twice", "label", _relabelled(_listed_twice)),
    Fault("text_in_wild", "image_unreadable", "the picture is cut off", "picture", _picture_cut_off),
)
