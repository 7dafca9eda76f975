"""The micro-batches of a training, from the step that is next to its last."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterator

from ocr_pipeline.recognition.dlora.data import Batch, CropDataset, StepSampler, loader
from ocr_pipeline.recognition.dlora.settings import DloraTraining
from ocr_pipeline.training.loader_workers import LoaderWorkers
from ocr_pipeline.training.processes import Processes


class Feed:
    """What one process learns from in each step.

    Attributes:
        steps_per_epoch: of one round over ``data``.
    """

    def __init__(self, data: CropDataset, settings: DloraTraining, processes: Processes) -> None:
        self.data, self._settings, self._processes = data, settings, processes
        self.steps_per_epoch = self._sampler(0, 0).steps_per_epoch

    def steps(self, first: int, last: int, workers: LoaderWorkers) -> Iterator[list[Batch]]:
        """This process's micro-batches of each step from ``first`` to before ``last``."""
        sampler = self._sampler(first, last)
        batches = iter(loader(self.data, sampler, self._settings.dataloader_num_workers, workers))
        for step in range(first, last):
            yield list(itertools.islice(batches, sampler.micro_batches(step)))

    def _sampler(self, first: int, last: int) -> StepSampler:
        s = self._settings
        return StepSampler(
            len(self.data),
            batch=s.per_device_train_batch_size,
            accumulation=s.gradient_accumulation_steps,
            processes=self._processes,
            seed=s.seed,
            first=first,
            last=last,
            length=self._label_length if s.group_by_length else None,
        )

    def _label_length(self, index: int) -> int:
        """About how many tokens the label has (jamo, which no tokenizer need be asked for)."""
        return len(unicodedata.normalize("NFD", self.data.text(index)))
