"""The proxy before the UI, by Debian's nginx (`apt-get install nginx-light`), over a tiny server in Dagster's place."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ocr_pipeline_tests.ui.conftest import free_port

pytestmark = pytest.mark.docker

TEMPLATE = Path(__file__).parents[2] / "docker" / "proxy.conf.template"
LOGIN = {"Authorization": f"Basic {b64encode(b'kim:secret').decode()}"}
WIPE = "/graphql?query=mutation%7BwipeAssets(assetPartitionRanges:%5B%5D)%7B__typename%7D%7D"
JSON = {"Content-Type": "application/json"}


class _Dagster(BaseHTTPRequestHandler):
    """Carries out whatever it is asked, as Dagster does."""

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(101 if self.headers.get("Upgrade") else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_HEAD = _answer  # noqa: N815

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
    assert nginx, "No nginx is found: `apt-get install --no-install-recommends nginx-light`."
    folder, door, health = tmp_path_factory.mktemp("proxy"), free_port(), free_port()
    dagster = ThreadingHTTPServer(("127.0.0.1", 0), _Dagster)
    threading.Thread(target=dagster.serve_forever, daemon=True).start()
    folder.chmod(0o755)
    (folder / "ui.htpasswd").write_text("kim:{PLAIN}secret\n")
    conf = TEMPLATE.read_text().replace("${UI_HOST}", f"127.0.0.1:{door}")
    conf = conf.replace("${UI_UPSTREAM}", f"127.0.0.1:{dagster.server_address[1]}").replace(
        " 3000 ", f" 127.0.0.1:{door} "
    )
    conf = conf.replace("127.0.0.1:3001", f"127.0.0.1:{health}").replace(
        "/etc/nginx/ui.htpasswd", f"{folder}/ui.htpasswd"
    )
    around = f"daemon off; user root; pid {folder}/pid; error_log stderr; events {{}} http {{ access_log off; {conf} }}"
    (folder / "nginx.conf").write_text(around)
    process = subprocess.Popen([nginx, "-p", folder, "-c", folder / "nginx.conf"])
    deadline = time.monotonic() + 20
    while not _is_up(health):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    yield door
    process.terminate()
    process.wait()
    dagster.shutdown()


def _is_up(port: int) -> bool:
    try:
        return ask(port, "GET", "/", {}) == 204
    except OSError:
        return False


def ask(port: int, method: str, path: str, headers: dict[str, str]) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, b"{}" if method == "POST" else None, headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_what_the_ui_does_goes_through(port: int) -> None:
    same = {"Origin": f"http://127.0.0.1:{port}"}
    assert ask(port, "GET", "/assets/annotations?view=partitions", LOGIN) == 200
    assert ask(port, "POST", "/graphql", LOGIN | JSON | same) == 200
    assert ask(port, "GET", "/graphql", LOGIN) == 200  # the page to try queries on
    socket = {"Upgrade": "websocket", "Connection": "Upgrade"}
    assert ask(port, "GET", "/graphql", LOGIN | socket | same) == 101


@pytest.mark.parametrize("path", [WIPE, f"/{WIPE}", WIPE.replace("/graphql", "/%67raphql"), "/x/.." + WIPE])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_an_address_cannot_change_anything(port: int, path: str, method: str) -> None:
    assert ask(port, method, path, LOGIN) == 405


def test_nobody_comes_in_without_a_login(port: int) -> None:
    for method, path in (("GET", "/"), ("POST", "/graphql"), ("GET", "/server_info")):
        assert ask(port, method, path, JSON) == 401


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:1", "http://127.0.0.1.evil.example"]
)
def test_another_page_cannot_use_the_login(port: int, origin: str) -> None:
    socket = {"Upgrade": "websocket", "Connection": "Upgrade"}
    assert ask(port, "POST", "/graphql", LOGIN | JSON | {"Origin": origin}) == 403
    assert ask(port, "POST", "/report_asset_materialization/lookup", LOGIN | {"Origin": origin}) == 403
    assert ask(port, "GET", "/graphql", LOGIN | socket | {"Origin": origin}) == 403


def test_another_name_for_this_machine_is_refused(port: int) -> None:
    assert ask(port, "POST", "/graphql", LOGIN | JSON | {"Host": "evil.example"}) == 421
