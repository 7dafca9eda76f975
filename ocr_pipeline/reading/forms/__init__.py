"""The forms in which a reading is printed; another one is a module and a line here."""

from __future__ import annotations

from collections.abc import Sequence

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.reading.forms.alto import ALTO
from ocr_pipeline.reading.forms.drawn import DRAWN
from ocr_pipeline.reading.forms.form import Form, Place, Printer, UnprintableError
from ocr_pipeline.reading.forms.hocr import HOCR
from ocr_pipeline.reading.forms.labels import AIHUB, PPOCR
from ocr_pipeline.reading.forms.pdf import PDF
from ocr_pipeline.reading.forms.texts import JSON, TXT

FORMS: dict[str, Form] = {
    "txt": TXT,
    "json": JSON,
    "pdf": PDF,
    "hocr": HOCR,
    "alto": ALTO,
    "drawn": DRAWN,
    "ppocr": PPOCR,
    "aihub": AIHUB,
}

__all__ = ["FORMS", "Form", "Place", "Printer", "UnprintableError", "chosen_forms"]


def chosen_forms(names: Sequence[str]) -> dict[str, Form]:
    """The forms of these names, and the record, without which nothing counts as done; it is printed last.

    Raises:
        PipelineError: there is no such form.
    """
    for name in names:
        if name not in FORMS:
            raise PipelineError("there is no such form", where=name, remedy=f"Choose from {', '.join(FORMS)}.")
    return {name: FORMS[name] for name in dict.fromkeys([*(name for name in names if name != "json"), "json"])}
