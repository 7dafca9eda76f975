"""A real ``dagster dev`` over a small made-up share, and Debian's Chromium to look at it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from ocr_pipeline.data.synthetic import write_collection
from ocr_pipeline.release.recipe_file import RECIPE_VARIABLE
from ocr_pipeline.storage.artifacts.workspace import OUTPUT_VARIABLE, Workspace
from ocr_pipeline.storage.source.share import SOURCE_VARIABLE

if TYPE_CHECKING:  # playwright is an extra of its own, `ui-test`
    from playwright.sync_api import Browser, Locator, LocatorAssertions, Page

REPOSITORY = Path(__file__).parents[2]
PAGES = {"handwriting_train": 3, "handwriting_valid": 2, "public_admin_train": 3}
RECIPE = {
    "fast_checkpoint": {
        "config": "narrow_demo.yaml",
        "options": {"max_steps": 300, "img_size": 128, "num_workers": 0, "val_num_workers": 0, "num_threads": 1},
    }
}
SANDBOX_OFF = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


def expect(found: Locator) -> LocatorAssertions:
    """Playwright's assertions on what is found, which wait until they hold."""
    from playwright.sync_api import expect as expect_of

    expect_of.set_options(timeout=60_000)  # a busy machine
    return expect_of(found)


@dataclass
class Floor:
    """The running UI: its address, its environment, and the workspace it fills."""

    url: str
    environment: dict[str, str]
    workspace: Workspace

    def graphql(self, query: str, **variables: Any) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())["data"]

    def ocr_pipeline(self, *arguments: str) -> str:
        """The command line in the same environment; returns what it printed."""
        code = "import sys; sys.argv[0] = 'ocr-pipeline'; from ocr_pipeline.cli import main; main()"
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(
            command, env=self.environment, cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


def wait_until(reached: Callable[[], bool], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.5)


@pytest.fixture(scope="session")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    root, home = tmp_path_factory.mktemp("floor"), tmp_path_factory.mktemp("home")
    write_collection(root / "share", pages=PAGES, faults=True, page_size=(512, 704))
    shutil.copy(REPOSITORY / "dagster_local.yaml", home / "dagster.yaml")
    (root / "recipe.yaml").write_text(yaml.safe_dump(RECIPE))
    port = free_port()
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(home),
        SOURCE_VARIABLE: str(root / "share"),
        OUTPUT_VARIABLE: str(root / "output"),
        RECIPE_VARIABLE: str(root / "recipe.yaml"),
        "OCR_PIPELINE_LEASES": str(root / "leases"),
    }
    subprocess.run(
        [sys.executable, "-m", "dagster", "instance", "info"], env=environment, check=True, stdout=subprocess.DEVNULL
    )
    subprocess.run(
        [sys.executable, "-m", "dagster", "instance", "concurrency", "set", "gpu", "1"],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    floor = Floor(f"http://127.0.0.1:{port}", environment, Workspace(root / "output"))
    command = [sys.executable, "-m", "dagster", "dev", "-h", "127.0.0.1", "-p", str(port), "-w", "workspace.yaml"]
    with (root / "dagster.log").open("wb") as log:
        server = subprocess.Popen(
            command, env=environment, cwd=REPOSITORY, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_until(lambda: is_up(floor, server))
        yield floor
    finally:
        server.send_signal(signal.SIGINT)
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def is_up(floor: Floor, server: subprocess.Popen) -> bool:
    assert server.poll() is None, "dagster dev ended"
    try:
        answer = floor.graphql("{repositoriesOrError{... on RepositoryConnection{nodes{name}}}}")
    except (urllib.error.URLError, ConnectionError):
        return False
    return bool(answer["repositoriesOrError"].get("nodes"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert chromium, "No Chromium is found: `apt-get install --no-install-recommends chromium fonts-noto-cjk`."
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=SANDBOX_OFF)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1500, "height": 900})
    page.set_default_timeout(60_000)
    yield page
    page.close()


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of what was seen are kept: OCR_PIPELINE_SCREENSHOTS, else among pytest's temporary files."""
    folder = Path(os.environ.get("OCR_PIPELINE_SCREENSHOTS") or tmp_path_factory.mktemp("screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
