"""Commands as processes: interrupted, killed in part, and without anybody to hear them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ocr_pipeline.data.synthetic import write_collection
from ocr_pipeline.models import TINY_KOREAN
from ocr_pipeline.shown import read_csv
from ocr_pipeline.storage.artifacts.lease import is_held
from ocr_pipeline.storage.artifacts.manifest import read_manifest
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline_tests.trees import HAND_LABELS, HAND_PICTURES, corner_label, picture, write_tree

CLI = [sys.executable, "-c", "import sys; sys.argv[0] = 'ocr-pipeline'; from ocr_pipeline.cli import main; main()"]
PARTITION = "handwriting_train"


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("share")
    write_collection(root, pages={PARTITION: 3}, page_size=(256, 352))
    return root


@pytest.fixture(scope="module")
def slow_share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More pages than can be done before somebody interrupts, in pictures that take their time."""
    pictures = [picture(width=3000, height=4000, seed=seed) for seed in range(2)]
    files = {}
    for number in range(80):
        stem = f"IMG_OCR_53_4PR_{number:05d}"
        files[f"{HAND_LABELS}/R.Free/{stem}.json"] = corner_label("가나", f"글{number}", width=3000, height=4000)
        files[f"{HAND_PICTURES}/R.Free/{stem}.png"] = pictures[number % 2]
    return write_tree(tmp_path_factory.mktemp("slow"), files)


def started(*arguments: object, source: Path, output: Path, **how: object) -> subprocess.Popen[str]:
    place = {"OCR_PIPELINE_SOURCE": str(source), "OCR_PIPELINE_OUTPUT": str(output)}
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "start_new_session": True, **how}
    return subprocess.Popen([*CLI, *map(str, arguments)], env={**os.environ, **place}, **how)


def finished(*arguments: object, source: Path, output: Path, **how: object) -> tuple[int, str]:
    process = started(*arguments, source=source, output=output, **how)
    _, said = process.communicate(timeout=300)
    return process.returncode, said or ""


def until(reached: Callable[[], object], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def workers_of(parent: int) -> list[int]:
    """The worker processes that a process has started."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in children if b"spawn_main" in command_line(child)]


def command_line(process: str) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return b""


def runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture(scope="module")
def prepared(slow_share: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An output folder in which crops and layouts can be begun."""
    output = tmp_path_factory.mktemp("output")
    for command in ("merge", "lookup"):
        assert finished(command, "--partition", PARTITION, source=slow_share, output=output)[0] == 0
    return output


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("command", ["annotations", "layout"])
def test_ctrl_c_ends_a_command_at_once_and_quietly(slow_share: Path, prepared: Path, command: str, times: int) -> None:
    options = ("--partition", PARTITION, "--workers", 2, "--rebuild")
    process = started(command, *options, source=slow_share, output=prepared)
    stage = "layout_lmdb" if command == "layout" else command
    note = prepared / ".leases" / f"{stage}.{PARTITION}.lock"
    until(lambda: workers_of(process.pid) if command == "layout" else is_held(note))
    workers, begun = workers_of(process.pid), time.monotonic()
    for _ in range(times):
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers hear it as well
        time.sleep(0.2)
    _, said = process.communicate(timeout=60)
    assert time.monotonic() - begun < 5
    assert "Traceback" not in said and "Warning" not in said and "interrupted" in said
    assert process.returncode == 130, said
    until(lambda: not any(map(runs, workers)), seconds=5)


def test_ctrl_c_that_falls_into_a_callback_is_heard() -> None:
    """Python drops what is raised in a callback of a weak reference, as the imports have one for each module."""
    script = """
import signal, time, weakref
from ocr_pipeline import cli

class Lock: ...

def work(**_):
    lock = Lock()
    watched = weakref.ref(lock, lambda _: signal.raise_signal(signal.SIGINT))
    del lock
    time.sleep(60)

cli.cli.main = work
cli.main()
"""
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stdout) == (130, "") and time.monotonic() - begun < 40
    assert "Traceback" not in done.stderr and "interrupted" in done.stderr


@pytest.mark.slow
def test_a_killed_worker_is_one_clear_error(slow_share: Path, prepared: Path) -> None:
    options = ("--partition", PARTITION, "--workers", 2, "--rebuild")
    process = started("layout", *options, source=slow_share, output=prepared)
    until(lambda: workers_of(process.pid))
    os.kill(workers_of(process.pid)[0], signal.SIGKILL)
    _, said = process.communicate(timeout=120)
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert process.returncode == 1 and "Traceback" not in said
    assert len(errors) == 1 and "worker process was killed" in errors[0] and "--workers" in errors[0]


@pytest.mark.slow
def test_workers_of_a_killed_command_end(slow_share: Path, prepared: Path) -> None:
    options = ("--partition", PARTITION, "--workers", 2, "--rebuild")
    process = started("layout", *options, source=slow_share, output=prepared)
    until(lambda: workers_of(process.pid))
    workers = workers_of(process.pid)
    process.kill()
    process.communicate()
    until(lambda: not any(map(runs, workers)), seconds=10)


def published(output: Path) -> bool:
    return read_manifest(Workspace(output).merged_json(PARTITION)) is not None


def test_a_full_disk_behind_standard_output_loses_nothing_but_the_output(share: Path, tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        code, said = finished("merge", "--partition", PARTITION, source=share, output=tmp_path, stdout=full)
    assert published(tmp_path)
    assert code == 1 and "Traceback" not in said
    assert "error: what the command says cannot be written (No space left on device): standard output." in said


def test_a_reader_that_has_left_is_no_error(share: Path, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    code, said = finished("merge", "--partition", PARTITION, source=share, output=tmp_path, stdout=writing)
    os.close(writing)
    assert published(tmp_path) and code == 0
    assert "Traceback" not in said and "Broken pipe" not in said


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&- <&-", "2>/dev/full"])
def test_standard_streams_may_be_closed(share: Path, tmp_path: Path, closed: str) -> None:
    place = {"OCR_PIPELINE_SOURCE": str(share), "OCR_PIPELINE_OUTPUT": str(tmp_path)}
    shell = ["sh", "-c", f'"$@" {closed}', "sh", *CLI, "merge", "--partition", PARTITION]
    done = subprocess.run(shell, env={**os.environ, **place}, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and published(tmp_path) and "Traceback" not in done.stderr


def test_names_with_control_codes_are_written_out_in_tables_logs_and_errors(tmp_path: Path) -> None:
    files = {f"{HAND_LABELS}/R.Free/\x1b[2J\x1b]0;pwn\x07[red]n.json": b"{no label"}
    share = write_tree(tmp_path / "share", files)
    for command in ("merge", "quarantine"):
        process = started(command, "--partition", PARTITION, source=share, output=tmp_path / "out")
        shown, said = process.communicate(timeout=120)
        assert "\x1b" not in shown + said and "\x07" not in shown + said
    assert r"\x1b[2J\x1b]0;pwn\x07[red]n.json" in "".join(shown.split())
    code, said = finished("status", source=tmp_path / "\x1b[31mnowhere", output=tmp_path / "out")
    assert code == 1 and r"\x1b[31mnowhere" in said and "\x1b" not in said


@pytest.mark.slow
def test_a_picture_whose_name_is_no_utf8_is_read_like_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "words"
    folder.mkdir()
    for name in (b"\xb0\xf1.png", b"=1+1.png"):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(picture())
    place = ("--images_dir", ".", "--output_csv", tmp_path / "read.csv", "--base", TINY_KOREAN, "--device", "cpu")
    code, said = finished("recognize", *place, source=tmp_path, output=tmp_path, cwd=folder)
    assert code == 0 and "Traceback" not in said
    text = (tmp_path / "read.csv").read_text(encoding="utf-8-sig")
    assert "\n'=1+1.png," in text and r"\xb0\xf1.png" in text
    with (tmp_path / "read.csv").open(encoding="utf-8-sig", newline="") as file:
        assert {row["filename"] for row in read_csv(file)} == {"=1+1.png", r"\xb0\xf1.png"}
