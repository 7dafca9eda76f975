"""Pages -> one shard of word crops: what a worker does, wherever it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ocr_pipeline.data.annotations.crops import Cropper, PageCrops
from ocr_pipeline.data.annotations.formats import Crops, JsonlFormat, LmdbFormat
from ocr_pipeline.data.annotations.settings import AnnotationSettings
from ocr_pipeline.data.lookup import PageTask
from ocr_pipeline.page import Quarantined, nfc
from ocr_pipeline.parallel import in_order
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.files.pictures import one_thread_in_opencv
from ocr_pipeline.storage.source.share import Share

_AHEAD = 4
"""Pages that each thread may be ahead of the writer."""


@dataclass(frozen=True)
class ShardOfCrops:
    """Fills a shard; it crosses to another process, unless its format tells of changes.

    Attributes:
        threads: that cut crops; 1: the caller alone.
    """

    share: Share
    settings: AnnotationSettings
    form: LmdbFormat | JsonlFormat
    threads: int = 1

    def __call__(self, pages: tuple[PageTask, ...], draft: Path) -> tuple[Counts, list[Quarantined]]:
        total, crop = PageCrops(), partial(self._crop, Cropper(self.settings))
        tasks = ((None, page) for page in pages)
        with self._helpers() as helpers, closing(in_order(helpers, crop, tasks, _AHEAD * self.threads)) as cropped:
            self.form.write_shard(draft, _counted((page for _, page in cropped), total))
        return total.counts, total.quarantined

    @contextmanager
    def _helpers(self) -> Iterator[Executor | None]:
        if self.threads == 1:
            yield None
            return
        with ThreadPoolExecutor(self.threads) as executor, one_thread_in_opencv():
            yield executor

    def _crop(self, cropper: Cropper, task: PageTask) -> PageCrops:
        if isinstance(task.picture, Quarantined):
            found = PageCrops.of(task.page)
            found.set_aside(task.picture)
            return found
        folder = nfc(task.picture.rpartition("/")[0])
        return self.form.keep(cropper.crop(task.page, folder, task.mark, partial(self.share.read, task.picture)))


def _counted(pages: Iterable[PageCrops], total: PageCrops) -> Iterator[Crops]:
    for page in pages:
        total.counts += page.counts
        total.quarantined += page.quarantined
        yield page.crops
