import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.parallel import in_order, worker_processes


def test_only_so_many_tasks_are_under_way():
    taken, under_way = 0, []

    def tasks():
        nonlocal taken
        for number in range(50):
            taken += 1
            yield number, number

    with ThreadPoolExecutor(3) as executor:
        for place, (kept, result) in enumerate(in_order(executor, lambda task: task * 2, tasks(), 5)):
            under_way.append(taken - place)
            assert (kept, result) == (place, place * 2)
    assert taken == 50 and max(under_way) <= 5


@pytest.mark.parametrize("threads", [0, 2])
def test_a_task_that_is_none_is_not_handed_over(threads):
    with ThreadPoolExecutor(2) as executor:
        items = [("a", 1), ("b", None), ("c", 3)]
        found = list(in_order(executor if threads else None, lambda task: task + 1, items, 2))
    assert found == [("a", 2), ("b", None), ("c", 4)]


def test_what_an_item_borrowed_is_free_when_the_next_but_so_many_is_taken():
    """The promise that slots in shared memory rest on: three slots do for items that are three ahead."""
    holders: list[int | None] = [None] * 3

    def items():
        for number in range(20):
            assert holders[number % 3] is None
            holders[number % 3] = number
            yield number, number

    with ThreadPoolExecutor(3) as executor:
        for kept, _ in in_order(executor, lambda task: task, items(), 3):
            assert holders[kept % 3] == kept
            holders[kept % 3] = None


def test_what_waits_when_the_caller_goes_is_called_off():
    started = []
    with ThreadPoolExecutor(1) as executor:
        work = in_order(executor, lambda task: started.append(task) or time.sleep(0.05), ((n, n) for n in range(9)), 8)
        next(work)
        work.close()
    assert len(started) < 5


def test_a_killed_worker_is_an_error_that_says_so():
    with worker_processes(2) as workers, pytest.raises(PipelineError, match="fewer --workers"):
        list(in_order(workers, _die, ((None, number) for number in range(4)), 4))


def _die(_: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_is_killed_after_its_caller_went_leaves_no_other_at_its_work():
    others, own = multiprocessing.active_children(), []
    try:
        with pytest.raises(PipelineError, match="was killed"), worker_processes(2) as workers:
            work = in_order(workers, time.sleep, ((None, seconds) for seconds in (0, *[60] * 8)), 8)
            next(work)
            work.close()
            own = [child for child in multiprocessing.active_children() if child not in others]
            own[0].kill()
            workers.submit(time.sleep, 0).result(timeout=60)
        assert not any(child.is_alive() for child in own)
    finally:
        for child in own:
            child.kill()


@pytest.mark.kill
@pytest.mark.parametrize("work", ["time.sleep", "ctypes.PyDLL(None).sleep"], ids=["idle", "keeping the lock"])
def test_workers_end_with_their_killed_parent(work, tmp_path):
    """Whatever they do: while a library keeps the interpreter's lock, no thread of theirs could look up."""
    assert _left_after_a_kill(WORKING.format(work=work), tmp_path) == []


def test_workers_end_with_their_killed_parent_while_they_still_import(tmp_path):
    assert _left_after_a_kill(IMPORTING, tmp_path) == []


WORKING = """
import ctypes, os, pathlib, time
from ocr_pipeline.parallel import worker_processes
def busy(told):
    pathlib.Path(told, str(os.getpid())).touch()
    {work}(60)
if __name__ == "__main__":
    with worker_processes(2) as workers:
        [each.result() for each in [workers.submit(busy, os.curdir) for _ in range(2)]]
"""
IMPORTING = """
import os, pathlib, time
from ocr_pipeline.parallel import worker_processes
if __name__ == "__main__":
    with worker_processes(2) as workers:
        [each.result() for each in [workers.submit(time.sleep, 60) for _ in range(2)]]
pathlib.Path(str(os.getpid())).touch()
time.sleep(60)
"""


def _left_after_a_kill(script, folder):
    """The two workers of a script that live on two seconds after it was killed; each makes a file of its number."""
    path = folder / "parent.py"
    path.write_text(script)
    with subprocess.Popen([sys.executable, path], cwd=folder) as parent:
        _wait(lambda: len(list(folder.glob("[0-9]*"))) == 2, 60)
        parent.kill()
    workers = [file.name for file in folder.glob("[0-9]*")]
    _wait(lambda: not any(map(_runs, workers)), 2)
    return [worker for worker in workers if _runs(worker)]


def _wait(reached, seconds):
    deadline = time.monotonic() + seconds
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.02)


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
