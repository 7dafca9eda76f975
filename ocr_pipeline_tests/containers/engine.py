"""Images by buildah, the stack by podman-compose."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
PROJECT = "ocr_pipeline_trial"


class TrialError(Exception):
    """Something is not as it should be."""


def run(*command: object, folder: Path | None = None) -> str:
    """Run a command; returns what it printed.

    Raises:
        TrialError: it failed; with the end of its output.
    """
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise TrialError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout[-6000:]}")
    return done.stdout


def require(*tools: str) -> None:
    """Raises TrialError unless these commands are there."""
    if missing := [tool for tool in tools if shutil.which(tool) is None]:
        raise TrialError(f"not installed: {', '.join(missing)}; {HERE}/trial.py says which packages bring them")


@dataclass(frozen=True)
class Images:
    """What is built, below one name.

    Attributes:
        options: of ``buildah build``, for the stages that install; nothing of them is in what is shipped.
    """

    name: str
    options: Sequence[str] = ()

    def debian(self, mirror: str, folder: Path) -> str:
        """A base of Debian 12 and its Python 3.11, by debootstrap, for places that no registry can be reached from."""
        image = f"{self.name}/base:bookworm"
        if image not in run("podman", "images", "--format", "{{.Repository}}:{{.Tag}}").split():
            require("debootstrap")
            root, archive = folder / "debian", folder / "debian.tar"
            packages = "ca-certificates,python3,python3-venv"
            run("debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", root, mirror)
            run("tar", "--directory", root, "--exclude=./var/cache/apt/*", "--create", "--file", archive, ".")
            shutil.rmtree(root)
            run("podman", "import", archive, image)
            archive.unlink()
        return image

    def build(self, target: str, tag: str, base: str) -> str:
        """An image of docker/Dockerfile."""
        recipe = ("--layers", "--file", REPOSITORY / "docker/Dockerfile", "--build-arg", f"BASE={base}")
        image = f"{self.name}/{target}:{tag}"
        run("buildah", "build", *recipe, "--target", "base", REPOSITORY)  # what is shipped has no mounts of the options
        run("buildah", "build", *recipe, *self.options, "--target", target, "--tag", image, REPOSITORY)
        return image

    def postgres(self, base: str) -> str:
        """The stand-in for PostgreSQL's own image."""
        image = f"{self.name}/postgres:15"
        recipe = ("--layers", "--file", HERE / "postgres.Dockerfile", "--build-arg", f"BASE={base}")
        run("buildah", "build", *recipe, *self.options, "--tag", image, HERE)
        return image


def size(image: str) -> str:
    return run("podman", "images", "--format", "{{.Size}}", image).strip()


@dataclass(frozen=True)
class Stack:
    """docker/compose.yaml with an environment of its own, in a folder of its own.

    Services are started one by one, since podman leaves health checks to systemd's timers, which a trial does without.
    """

    folder: Path

    def prepare(self, settings: Mapping[str, str]) -> None:
        shutil.copy(REPOSITORY / "docker/compose.yaml", self.folder)
        (self.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))

    def compose(self, *arguments: object) -> str:
        return run("podman-compose", "--project-name", PROJECT, "--profile", "ray", *arguments, folder=self.folder)

    def up(self, service: str, seconds: float = 180) -> float:
        """Start a service and wait until its health check passes; returns the seconds that took."""
        began = time.monotonic()
        self.compose("up", "--detach", "--no-deps", service)
        deadline = began + seconds
        while not self.is_healthy(service):
            if time.monotonic() > deadline:
                raise TrialError(f"{service} is not healthy after {seconds:g} s:\n{self.logs(service)}")
            time.sleep(1)
        return time.monotonic() - began

    def is_healthy(self, service: str) -> bool:
        check = ["podman", "healthcheck", "run", self.container(service)]
        return subprocess.run(check, capture_output=True, check=False).returncode == 0

    def container(self, service: str) -> str:
        labels = {"io.podman.compose.project": PROJECT, "com.docker.compose.service": service}
        filters = [word for name, value in labels.items() for word in ("--filter", f"label={name}={value}")]
        names = run("podman", "ps", "--all", "--format", "{{.Names}}", *filters).split()
        if len(names) != 1:
            raise TrialError(f"{service} has {len(names)} containers instead of one")
        return names[0]

    def stop(self, service: str) -> float:
        """As engines do it: SIGTERM, and a kill when the grace is over; returns the seconds that took."""
        began = time.monotonic()
        self.compose("stop", service)
        return time.monotonic() - began

    def kill(self, service: str) -> None:
        run("podman", "kill", self.container(service))

    def execute(self, service: str, *command: object) -> str:
        return run("podman", "exec", self.container(service), *command)

    def logs(self, service: str) -> str:
        return run("podman", "logs", "--tail", "60", self.container(service))

    def down(self, *options: str) -> None:
        """Remove all containers; with ``--volumes`` what they kept too."""
        self.compose("down", *options)
