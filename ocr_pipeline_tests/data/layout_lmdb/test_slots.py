from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from ocr_pipeline.data.layout_lmdb.engines.slots import FILE_ROOM, PictureSlots, _attached


def test_another_process_writes_into_the_same_memory():
    slots, later = PictureSlots(3, (4, 2)), PictureSlots(1, (2, 2))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        executor.submit(_fill, slots, 1, 7).result()
        executor.submit(_fill, later, 0, 9).result()
    assert slots.pixels.shape == (3, 2, 4, 3) and slots.pixels.dtype == np.uint8
    assert (slots.pixels[1] == 7).all() and not slots.pixels[[0, 2]].any()
    assert (later.pixels == 9).all()
    slots.close()
    later.close()


def test_memory_made_after_another_was_closed_is_its_own():
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        for value in (1, 2):  # both have the same descriptor, so the same path
            slots = PictureSlots(1, (2, 2))
            executor.submit(_fill, slots, 0, value).result()
            assert (slots.pixels == value).all()
            slots.close()


def test_a_file_is_handed_over_if_there_is_room():
    slots = PictureSlots(2, (1, 1))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        assert executor.submit(_put, slots, 1, b"picture").result()
    assert slots.file(1, 7) == b"picture" and slots.file(0, 7) == bytes(7)
    assert not slots.put_file(0, bytes(FILE_ROOM + 1)) and slots.put_file(0, bytes(FILE_ROOM))
    slots.close()


def test_a_worker_of_a_killed_process_ends_without_a_word():
    with pytest.raises(SystemExit):
        _attached(Path("/proc/4194305/fd/9"), (1, 2, 2, 3), -1)  # beyond the largest number of a process


def _fill(slots, slot: int, value: int) -> None:
    slots.pixels[slot] = value


def _put(slots, slot: int, data: bytes) -> bool:
    return slots.put_file(slot, data)
