"""How soon the pages of the UI are there, over a long past: ``python -m benchmarks.orchestration.pages HOME [VISITS]``.

HOME is filled with the past of `benchmarks.orchestration.history`, unless that stands there already. Then a real
``dagster-webserver`` is started over it and the real code location, and Debian's Chromium visits each page, from the
address to the moment at which what a person looks for can be seen; 0 VISITS only fill HOME. What was seen is kept as
pictures in HOME. It needs the extra ``ui-test``.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import dagster as dg
from playwright.sync_api import Page, sync_playwright

from benchmarks.orchestration.history import write_history
from ocr_pipeline_tests.ui.conftest import SANDBOX_OFF, free_port

_WORKSPACE = """load_from:
  - python_module: {module_name: ocr_pipeline.definitions, location_name: ocr_pipeline}
  - python_module: {module_name: benchmarks.orchestration.history, location_name: history}
"""
PAGES = {
    "asset, 2,000 partitions": ("assets/crops_of_shards?view=overview", "/data/ocr/crops_of_shards_shard_1999"),
    "its partitions": ("assets/crops_of_shards?view=partitions", "Materialized (2000)"),
    "its events": ("assets/crops_of_shards?view=events", "shard_1999"),
    "asset of the pipeline": ("assets/annotations?view=overview", "/data/ocr/annotations_"),
    "its partitions ": ("assets/annotations?view=partitions", "Materialized (10)"),
    "the whole graph": ("asset-groups", "recognition"),
}


def main() -> None:
    home, visits = Path(sys.argv[1]).absolute(), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    os.environ["DAGSTER_HOME"] = str(home)
    if not (home / "filled").exists():
        _fill(home)
    if visits:
        _measure(home, visits)


def _fill(home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\nnux: {enabled: false}\n")
    (home / "workspace.yaml").write_text(_WORKSPACE)
    began = time.perf_counter()
    dg.DagsterInstance.get().dispose()  # the first opener creates the databases
    events = write_history(home)
    (home / "filled").touch()
    sys.stdout.write(f"{events:,} materialisations written in {time.perf_counter() - began:.0f} s\n")


def _measure(home: Path, visits: int) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = ["dagster_webserver", "-h", "127.0.0.1", "-p", str(port), "-w", str(home / "workspace.yaml")]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen([sys.executable, "-m", *command], stdout=log, stderr=log, start_new_session=True)
    try:
        with sync_playwright() as playwright:
            chromium = shutil.which("chromium") or "chromium"
            browser = playwright.chromium.launch(executable_path=chromium, headless=True, args=SANDBOX_OFF)
            page = browser.new_page(viewport={"width": 1500, "height": 900})
            _wait_for_server(address, server)
            _visit(page, f"{address}/asset-groups", "recognition", home / "first.png")  # code and browser are loaded
            sys.stdout.write(f"page | median s | longest s ({visits} visits)\n")
            for number, (name, (path, text)) in enumerate(PAGES.items()):
                picture = home / f"page_{number}.png"
                seconds = [_visit(page, f"{address}/{path}", text, picture) for _ in range(visits)]
                sys.stdout.write(f"{name.strip()} | {statistics.median(seconds):.2f} | {max(seconds):.2f}\n")
                sys.stdout.flush()
            browser.close()
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def _wait_for_server(address: str, server: subprocess.Popen[bytes]) -> None:
    while True:
        try:
            urllib.request.urlopen(f"{address}/server_info", timeout=10).close()
            return
        except (urllib.error.URLError, ConnectionError):
            if server.poll() is not None:
                raise
            time.sleep(0.5)


def _visit(page: Page, address: str, text: str, picture: Path) -> float:
    """Seconds until a text can be seen, at most a minute."""
    page.goto("about:blank")
    began = time.perf_counter()
    page.goto(address, wait_until="commit")
    try:
        page.get_by_text(text).filter(visible=True).first.wait_for(timeout=60_000)
        return time.perf_counter() - began
    finally:
        page.screenshot(path=picture)


if __name__ == "__main__":
    main()
