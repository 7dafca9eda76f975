"""A detector and a recognizer as one thing that reads a page."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from functools import cached_property, partial
from pathlib import Path

from ocr_pipeline.data.layout_lmdb import NO_MODEL, PageLayout
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.fast import Detector
from ocr_pipeline.models import FAST_KOREAN, KOREAN_WORDS
from ocr_pipeline.reading.input import Document, Sheet, document_of, open_document
from ocr_pipeline.reading.pipeline import Answer, Key, Models, Request, WordDetector, read_pages
from ocr_pipeline.reading.record import ReadPage
from ocr_pipeline.reading.settings import InputLimits, PageReading
from ocr_pipeline.recognition import Loading, TextRecognizer, load_recognizer
from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER
from ocr_pipeline.settings import recorded, settings_in
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline.storage.files.given_pictures import GivenPicture, rgb_pixels

CODE_VERSION = "2"


class Reader:
    """Reads pages.

    Args:
        detector: a FAST checkpoint, or whatever finds words.
        recognizer: the checkpoint of any recognizer, a base model by its name, or a recognizer.
        device: auto, cpu or cuda; auto is CUDA where there is one.
        batch_size: words that are read at once; changes the speed only.
        limits: how large an input may be.

    Raises:
        PipelineError: a model or the device cannot be used, or the batch size is below 1.
    """

    def __init__(
        self,
        detector: str | Path | WordDetector = FAST_KOREAN,
        recognizer: str | Path | TextRecognizer = KOREAN_WORDS,
        *,
        device: str = "auto",
        batch_size: int = 32,
        limits: InputLimits | None = None,
    ) -> None:
        if batch_size < 1:
            raise PipelineError(
                "no word can be read at once", where=f"batch_size {batch_size}", remedy="Say 1 or more."
            )
        self.limits, self._device = limits or InputLimits(), device
        finds = Detector(Path(detector), device=device) if isinstance(detector, str | Path) else detector
        reads = load_recognizer(recognizer, Loading(device)) if isinstance(recognizer, str | Path) else recognizer
        self.models = Models(finds, reads, batch_size)

    @cached_property
    def fingerprint(self) -> str:
        """Of all that a reading depends on: weights, settings and code."""
        models = [self.models.detector.fingerprint, self.models.recognizer.fingerprint, str(self.models.batch_size)]
        models += [self.models.layout.fingerprint] if self.models.layout else []
        limits = recorded(self.limits, *(each.name for each in settings_in(InputLimits)))
        return fingerprint_of([CODE_VERSION, *models, *map(str, limits.values())])

    @classmethod
    def champions(
        cls, output: str | Path, *, device: str = "auto", batch_size: int = 32, limits: InputLimits | None = None
    ) -> Reader:
        """The reader of the checkpoints in use below an output folder of the pipeline.

        Raises:
            PipelineError: there are none yet, or they cannot be used.
        """
        workspace = Workspace.at(output)
        detector, recognizer = (contest.in_use(workspace).checkpoint for contest in (DETECTOR, RECOGNIZER))
        return cls(detector, recognizer, device=device, batch_size=batch_size, limits=limits)

    @classmethod
    def of(cls, settings: PageReading) -> Reader:
        """The reader that settings describe.

        Raises:
            PipelineError: a model or the device cannot be used.
        """
        reader = cls(
            settings.detector,
            settings.recognizer,
            device=settings.device,
            batch_size=settings.batch_size,
            limits=settings,
        )
        return reader.ordered_by(settings.layout_model)

    def ordered_by(self, layout_model: str) -> Reader:
        """The same, which reads a page in the order of the regions that a layout model sees.

        Args:
            layout_model: a name (PP-DocLayoutV2), a folder with weights, a Hugging Face repository, or ``none``.

        Raises:
            PipelineError: the weights are not to be had.
        """
        named = layout_model != NO_MODEL
        self.models = self.models._replace(layout=PageLayout.named(layout_model, self._device) if named else None)
        self.__dict__.pop("fingerprint", None)
        return self

    def read(self, source: GivenPicture) -> ReadPage:
        """One page; of a file with several the first.

        Args:
            source: a path, an encoded file, a picture of Pillow's, or uint8 pixels: [height, width] grey,
                [height, width, 3] RGB, [height, width, 4] RGBA.

        Raises:
            PipelineError: it cannot be read.
        """
        return next(self._read_sheets([lambda: self._sheet(source)]))

    def read_document(self, source: str | Path | bytes) -> Iterator[ReadPage]:
        """All pages of a file one by one, for instance of a PDF.

        Raises:
            PipelineError: it cannot be read.
        """
        document = self._document(source)
        return self._read_sheets(partial(document.load, number) for number in range(1, document.pages + 1))

    def read_pages(self, requests: Iterable[Request[Key]]) -> Generator[Answer[Key], None, None]:
        """Any number of pages as a stream; see `pipeline.read_pages`."""
        return read_pages(self.models, requests)

    def _read_sheets(self, loads: Iterable[Callable[[], Sheet]]) -> Iterator[ReadPage]:
        with closing(self.read_pages(Request(None, load) for load in loads)) as answers:
            for answer in answers:
                if isinstance(answer.result, PipelineError):
                    raise answer.result
                yield answer.result[1]

    def _document(self, source: str | Path | bytes) -> Document:
        if isinstance(source, bytes):
            return document_of(source, Path(), self.limits)
        return open_document(Path(source).expanduser(), self.limits)

    def _sheet(self, source: GivenPicture) -> Sheet:
        if isinstance(source, str | Path | bytes):
            return self._document(source).load(1)
        return Sheet("", 1, rgb_pixels(source, turned=True))
