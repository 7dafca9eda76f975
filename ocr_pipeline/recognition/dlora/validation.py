"""Crops read while a training goes on, by the model as it is then."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from ocr_pipeline.recognition.dlora.base import Base
from ocr_pipeline.recognition.dlora.data import Batch, CropDataset
from ocr_pipeline.recognition.dlora.recognizer import Recognizer
from ocr_pipeline.recognition.evaluating import Evaluation, evaluate
from ocr_pipeline.recognition.interface import Decoding
from ocr_pipeline.training.processes import Processes

logger = logging.getLogger(__name__)

SHOWN = 2  # training crops that are read for the log


@dataclass(frozen=True)
class Validation:
    """The validation crops of a training, and how they are read.

    Attributes:
        indices: of the crops in ``data``; none, no validation.
        batch: crops that are read together.
        shown: readings of each validation that are logged; ``tokens``: with their token ids.
    """

    base: Base
    data: CropDataset
    indices: list[int]
    decoding: Decoding
    batch: int
    processes: Processes
    shown: int
    tokens: bool

    def read(self, model: Any, step: int) -> Evaluation:
        """The crops of all processes, as the model reads them."""
        own = self.processes.share(self.indices)
        read = evaluate(self._recognizer(model), self.data, own, self.batch)
        evaluation = Evaluation(self.processes.gather_shares(read.crops))
        for crop in evaluation.crops[: self.shown]:
            logger.info("reads %r as %r%s", crop.reference, crop.prediction, self._tokens(crop.prediction))
        scores = evaluation.scores
        logger.info("step %d: CER %.4f, exact %.4f (%d crops)", step, scores.cer, scores.exact, scores.count)
        return evaluation

    def show_training(self, model: Any, batch: Batch) -> None:
        """Log how some crops of a training batch are read."""
        readings = self._recognizer(model).read(batch.pixels[:SHOWN])
        for label, reading in zip(batch.texts, readings, strict=False):
            logger.info("training crop %r is read as %r%s", label, reading.text, self._tokens(reading.text))

    def _recognizer(self, model: Any) -> Recognizer:
        return Recognizer(self.base, model, self.decoding)

    def _tokens(self, text: str) -> str:
        return f" {self.base.codec.encode(text)}" if self.tokens else ""
