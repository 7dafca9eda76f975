"""Where the five sets keep their files on the share, and what page stands there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import msgspec
import numpy as np

from ocr_pipeline.data.datasets import PARTITIONS
from ocr_pipeline.data.synthetic import documents, label_forms, scenes
from ocr_pipeline.data.synthetic.drawing import Picture
from ocr_pipeline.data.synthetic.label_forms import Label

WILD = "13.한국어글자체/04. Text in the wild_230209_add"
WILD_LABEL = f"{WILD}/textinthewild_data_info.json"
ADMIN = "공공행정문서 OCR"
PUBLIC = "023.OCR 데이터(공공)/01-1.정식개방데이터"
FINANCE = "025.OCR 데이터(금융 및 물류)/01-1.정식개방데이터"
HANDWRITING = "053.대용량 손글씨 OCR 데이터/01.데이터"

OFFICES = ("5350178", "5350069", "5350093", "5350109")
CATEGORIES = ("산업진흥", "농림.축산지원", "주민복지", "일반행정", "인.허가", "회계.예산")
DOMAINS = ("CST", "AF", "WF", "EN")
FINANCE_FORMS = ("금융_1.은행_1-2.신청서", "금융_2.보험_2-5.청구서", "금융_2.보험_2-3.위임장")
LOGISTICS_FORMS = (("물류_1.상업송장_INV01", "NV"), ("물류_2.포장명세서_PL01", "PL"), ("물류_3.선하증권_BL01", "BL"))


class PageSize(NamedTuple):
    """Width and height in pixels of documents and of scenes."""

    document: tuple[int, int]
    scene: tuple[int, int]


@dataclass(frozen=True)
class Sheet:
    """One page of a partition, ready to be written.

    Attributes:
        picture_path, label_path: below the share's root, in NFC, with ``/``.
        picture: the encoded picture.
        label: its label document; for Text in the wild its part of the one label file.
        words: how many readable words are labelled.
    """

    partition: str
    picture_path: str
    label_path: str
    picture: bytes
    label: Label
    words: int

    @property
    def name(self) -> str:
        """The picture's file name."""
        return self.picture_path.rpartition("/")[2]

    def files(self) -> dict[str, bytes]:
        """Path and content of the page's own files."""
        files = {self.picture_path: self.picture}
        return files if self.partition == "text_in_wild" else {**files, self.label_path: encode_label(self.label)}


def make_sheet(partition: str, index: int, seed: int, size: PageSize) -> Sheet:
    """Page number ``index`` of a partition; it depends on nothing but the arguments."""
    rng = np.random.default_rng([seed, DRAWN_PARTITIONS.index(partition), index])
    return _MAKERS[PARTITIONS[partition].dataset.name](partition, index, rng, size)


def _text_in_wild(partition: str, index: int, rng: np.random.Generator, size: PageSize) -> Sheet:
    kind, lower, folder, draw = (
        ("traffic sign", "traffic_sign", "Traffic_Sign", scenes.traffic_sign),
        ("sign", "signboard", "Signboard", scenes.signboard),
        ("product", "goods", "Goods", scenes.goods),
        ("book", "book", "book", scenes.book),
    )[index % 4]
    picture = draw(size.scene, rng)
    name = rng.bytes(16).hex().upper() + ".jpg"
    outer = f"01_textinthewild_{lower}_images_new"
    label = label_forms.text_in_wild_image(name, kind, picture)
    return _sheet(partition, f"{WILD}/{outer}/{outer}/{folder}/{name}", WILD_LABEL, picture, label)


def _public_admin(partition: str, index: int, rng: np.random.Generator, size: PageSize) -> Sheet:
    office, category = OFFICES[index % 4], CATEGORIES[index % 6]
    year, volume = str(1995 + index % 7), f"{DRAWN_PARTITIONS.index(partition):04}"
    stem = f"{office}-{year}-{volume}-{index + 1:04}"
    tail = f"{category}/{office}/{year}"
    labels, pictures = {
        "public_admin_train": (
            f"Training/[라벨]train/01.라벨링데이터(Json)/{tail}",
            f"Training/[원천]train{1 + index % 3}/02.원천데이터(jpg)/{tail}",
        ),
        "public_admin_train_partly": (
            f"Training/[라벨]train_partly_labling/{tail}/{volume}",
            f"Training/[원천]train_partly_labeling_01/2.원천데이터_부분라벨링/{tail}/{volume}",
        ),
        "public_admin_valid": (
            f"Validation/[라벨]validation/01.라벨링데이터(Json)/{tail}",
            f"Validation/[원천]validation/02.원천데이터(Jpg)/{tail}",
        ),
    }[partition]
    picture = (documents.office_letter if rng.random() < 0.65 else documents.register)(size.document, rng)
    label = label_forms.public_admin(stem, category, picture)
    return _sheet(partition, f"{ADMIN}/{pictures}/{stem}.jpg", f"{ADMIN}/{labels}/{stem}.json", picture, label)


def _ocr_public(partition: str, index: int, rng: np.random.Generator, size: PageSize) -> Sheet:
    group = index % 4
    sequence = group + (1 if partition.endswith("train") else 51)
    archive = f"{DOMAINS[group]}_{1980 + 10 * group}_{5280188 + group}_{sequence:04}"
    stem = f"{archive}_{index + 1:04}"
    split, letter = ("Training", "T") if partition.endswith("train") else ("Validation", "V")
    pictures = f"{PUBLIC}/{split}/01.원천데이터/{letter}S_OCR(public)_{archive}"
    labels = f"{PUBLIC}/{split}/02.라벨링데이터/{letter}L_OCR(public)_{archive}"
    picture = (documents.register if rng.random() < 0.65 else documents.office_letter)(size.document, rng)
    label = label_forms.ocr_public(stem, archive, picture)
    return _sheet(partition, f"{pictures}/{stem}.jpg", f"{labels}/{stem}.json", picture, label)


def _finance_logistics(partition: str, index: int, rng: np.random.Generator, size: PageSize) -> Sheet:
    split, letter, first = ("Training", "T", 1) if partition.endswith("train") else ("Validation", "V", 500001)
    if index % 2 == 0:
        archive, stem = FINANCE_FORMS[index // 2 % 3], f"IMG_OCR_6_F_{first + index:07}"
        picture = documents.bank_form(size.document, rng)
        label = label_forms.finance(stem, picture)
    else:
        archive, code = LOGISTICS_FORMS[index // 2 % 3]
        stem = f"IMG_OCR_6_T_{code}_{first + index:06}"
        picture = documents.carrier_form(size.document, rng)
        label = label_forms.logistics(stem, picture, rng)
    pictures = f"{FINANCE}/{split}/01.원천데이터/{letter}S_{archive}"
    labels = f"{FINANCE}/{split}/02.라벨링데이터/{letter}L_{archive}"
    return _sheet(partition, f"{pictures}/{stem}.png", f"{labels}/{stem}.json", picture, label)


def _handwriting(partition: str, index: int, rng: np.random.Generator, size: PageSize) -> Sheet:
    free, tablet = index % 3 != 2, index % 5 == 4
    folder = f"{'T.Tablet' if tablet else 'P.Paper'}/{'R.Free' if free else 'O.Form'}"
    split = "train" if partition.endswith("train") else "valid"
    first = {"train": (20001, 9001), "valid": (60001, 40001)}[split]
    number = index + (first[0] if free else first[1])
    code = f"{'T' if tablet else 'P'}{'R' if free else 'O'}"
    stem = f"IMG_OCR_53_4{code}_{number:05}"
    if split == "train":
        pictures, labels = f"1.Training/원천데이터/TS{1 + index % 9}", "1.Training/라벨링데이터/TL/라벨"
    else:
        pictures, labels = "2.Validation/원천데이터/VS", "2.Validation/라벨링데이터/VL"
    picture = (documents.free_sheet if free else documents.ruled_sheet)(size.document, rng, number)
    tail = f"HW-OCR/4.Validation/{folder}/{stem}"  # also within Training, as in the original
    label = label_forms.handwriting(stem, folder, picture, rng)
    return _sheet(
        partition, f"{HANDWRITING}/{pictures}/{tail}.png", f"{HANDWRITING}/{labels}/{tail}.json", picture, label
    )


_MAKERS: dict[str, Callable[[str, int, np.random.Generator, PageSize], Sheet]] = {
    "text_in_wild": _text_in_wild,
    "public_admin": _public_admin,
    "ocr_public": _ocr_public,
    "finance_logistics": _finance_logistics,
    "handwriting": _handwriting,
}

DRAWN_PARTITIONS = tuple(key for key, partition in PARTITIONS.items() if partition.dataset.name in _MAKERS)
"""The partitions that can be drawn: those of the sets that have a maker."""


def _sheet(partition: str, picture_path: str, label_path: str, picture: Picture, label: Label) -> Sheet:
    readable = sum(word.text is not None for word in picture.words)
    data = encode_picture(picture.pixels, picture_path.rpartition(".")[2])
    return Sheet(partition, picture_path, label_path, data, label, readable)


def encode_picture(pixels: np.ndarray, extension: str) -> bytes:
    """The file content of (H, W, 3) uint8 RGB pixels as ``jpg`` or ``png``."""
    settings = [cv2.IMWRITE_JPEG_QUALITY, 92] if extension == "jpg" else [cv2.IMWRITE_PNG_COMPRESSION, 3]
    _, data = cv2.imencode(f".{extension}", pixels[..., ::-1], settings)
    return data.tobytes()


def encode_label(label: Label) -> bytes:
    """The file content of a label: indented JSON in UTF-8, as AI-Hub delivers it."""
    return msgspec.json.format(msgspec.json.encode(label), indent=4)
