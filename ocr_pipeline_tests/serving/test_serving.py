"""The service over real HTTP: forms, refusals, company, new readers, and a row that is full."""

from __future__ import annotations

import io
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pikepdf
import pytest
import requests
import uvicorn
from click.testing import CliRunner

from ocr_pipeline.cli import cli
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.reading import Reader
from ocr_pipeline.serving import desk as desk_module
from ocr_pipeline.serving.answers import KINDS, chosen_kind
from ocr_pipeline.serving.app import READER, application
from ocr_pipeline.serving.desk import Desk
from ocr_pipeline.serving.settings import Serving
from ocr_pipeline_tests.reading.conftest import InkDetector, SizeRecognizer, sheet


class Gate(SizeRecognizer):
    """Reads when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.open = threading.Event()

    def read_crops(self, crops):
        self.open.wait(30)
        return super().read_crops(crops)


class Other(SizeRecognizer):
    fingerprint = "other"


def picture(*lines: str, form: str = "PNG") -> bytes:
    data = io.BytesIO()
    sheet(lines or ("가나 다라",), (300, 120)).save(data, form)
    return data.getvalue()


@contextmanager
def served(load, who=lambda: "", **settings) -> Iterator[str]:
    """The address of a service."""
    serving = Serving(**settings)
    server = uvicorn.Server(
        uvicorn.Config(
            application(Desk(load, who, serving.most_waiting), serving), port=0, log_level="error", timeout_keep_alive=1
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(30)
    assert not thread.is_alive()


def reader(recognizer=None) -> Reader:
    return Reader(InkDetector(), recognizer or SizeRecognizer())


def ask(place: str, data: bytes, accept: str = "text/plain", **headers: str) -> requests.Response:
    return requests.post(f"{place}/read", data, headers={"Accept": accept, **headers}, timeout=30)


@pytest.fixture(scope="module")
def place() -> Iterator[str]:
    with served(reader, most_megabytes=1) as address:
        yield address


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_answered_in_every_form(place, kind):
    answer = ask(place, picture(), kind)
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith(kind), answer.text
    assert answer.headers[READER] == reader().fingerprint and len(answer.content) > 10


def test_a_record_tells_who_read(place):
    record = ask(place, picture(), "*/*").json()
    assert record["reader"] == requests.get(f"{place}/ready", timeout=30).json()["reader"]
    assert len(record["pages"][0]["lines"][0]["words"]) == 2


def test_a_pdf_is_read_page_by_page(place):
    two = io.BytesIO()
    sheet(("가",), (200, 100)).save(two, "PDF", save_all=True, append_images=[sheet(("나다", "라"), (200, 300))])
    first, second = ask(place, two.getvalue(), "application/json").json()["pages"]
    assert first["lines"] and second["number"] == 2 and second["height"] == pytest.approx(3 * first["height"], abs=3)


@pytest.mark.parametrize(
    "data, accept, status, told",
    [
        (b"no picture", "text/plain", 422, "Give a whole JPEG"),
        (b"", "text/plain", 422, "--data-binary"),
        (picture()[:200], "text/plain", 422, "Give a whole JPEG"),
        (picture(), "image/gif", 406, "application/json"),
        (b"x" * (1 << 20) + b"x", "text/plain", 413, "1 MB"),
    ],
)
def test_what_cannot_be_answered_is_told(place, data, accept, status, told):
    answer = ask(place, data, accept)
    assert answer.status_code == status and told in answer.json()["detail"]
    assert ask(place, picture()).status_code == 200


def test_a_form_around_a_file_is_told_as_such(place):
    answer = requests.post(f"{place}/read", files={"file": ("a.png", picture())}, timeout=30)
    assert answer.status_code == 415 and "--data-binary" in answer.json()["detail"]


def test_a_document_that_cannot_be_printed_harms_nobody_beside_it():
    gate, odd = Gate(), io.BytesIO()
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(200, 100))
        pdf.pages[0].obj.Resources = pikepdf.Dictionary(Font=pikepdf.Array([]))
        pdf.save(odd)
    with served(lambda: reader(gate)) as place, ThreadPoolExecutor(5) as clients:
        answers = [clients.submit(ask, place, picture())]
        time.sleep(0.5)
        sent = [(picture(), "text/plain"), (odd.getvalue(), "application/pdf"), (picture(), "text/plain")]
        answers += [clients.submit(ask, place, *each) for each in sent]
        time.sleep(0.5)
        gate.open.set()
        assert [answer.result().status_code for answer in answers] == [200, 200, 422, 200]
        assert "no text can be laid over" in answers[2].result().json()["detail"]


def test_a_caller_that_goes_away_leaves_no_error_in_the_log(place, caplog):
    host, port = place.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as caller:
        caller.sendall(b"POST /read HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\nabc")
        time.sleep(0.2)
    time.sleep(0.5)
    assert ask(place, picture()).status_code == 200
    assert "Exception in ASGI" not in caplog.text


def test_without_the_token_nothing_is_read():
    with served(reader, token="secret") as place:
        assert ask(place, picture()).status_code == ask(place, picture(), Authorization="Bearer no").status_code == 401
        assert ask(place, picture(), Authorization="Bearer secret").status_code == 200
        assert requests.get(f"{place}/health", timeout=30).json() == {"status": "alive"}


def test_it_listens_to_others_with_a_token_only():
    result = CliRunner().invoke(cli, ["serve", "--host", "0.0.0.0"], env={"OCR_PIPELINE_TOKEN": ""})
    assert isinstance(result.exception, PipelineError) and "OCR_PIPELINE_TOKEN" in str(result.exception)


def test_a_full_row_is_told_and_the_others_are_read():
    gate = Gate()
    with served(lambda: reader(gate), most_waiting=1) as place, ThreadPoolExecutor(4) as clients:
        first = clients.submit(ask, place, picture())
        while not gate.batches and not first.running():
            time.sleep(0.01)
        time.sleep(0.5)  # it is at the desk
        second = clients.submit(ask, place, picture())
        time.sleep(0.5)  # and this one waits
        third = ask(place, picture())
        assert third.status_code == 503 and third.headers["Retry-After"]
        gate.open.set()
        assert first.result().status_code == second.result().status_code == 200


def test_one_that_takes_too_long_is_given_up():
    gate = Gate()
    with served(lambda: reader(gate), most_seconds=0.3) as place:
        assert ask(place, picture()).status_code == 504
        gate.open.set()
        assert ask(place, picture()).status_code == 200


def test_those_that_wait_together_are_read_together():
    gate = Gate()
    with served(lambda: reader(gate)) as place, ThreadPoolExecutor(5) as clients:
        answers = [clients.submit(ask, place, picture())]
        time.sleep(0.5)
        answers += [clients.submit(ask, place, picture("가 나", form="BMP")) for _ in range(4)]
        time.sleep(0.5)
        gate.open.set()
        assert {answer.result().status_code for answer in answers} == {200}
    assert max(map(len, gate.batches)) > 2  # words of several requests


def test_new_champions_read_and_no_request_is_dropped(monkeypatch):
    monkeypatch.setattr(desk_module, "LOOK_EVERY", 0.0)
    named = ["first"]

    def load() -> Reader:
        if named[0] == "broken":
            raise PipelineError("it is damaged", where="here", remedy="Mend it.")
        return reader(Other() if named[0] == "second" else None)

    with served(load, lambda: named[0]) as place:
        by = [ask(place, picture()).headers[READER]]
        for name in ("broken", "second"):
            named[0] = name
            by.append(ask(place, picture()).headers[READER])
    assert by[0] == by[1] != by[2] == reader(Other()).fingerprint


@pytest.mark.parametrize(
    "accept, kind",
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("text/*", "text/plain"),
        ("text/plain;q=0.5, application/pdf", "application/pdf"),
        ("image/png, text/plain;q=0", None),
        ("text/plain;q=x", None),
    ],
)
def test_the_client_chooses(accept, kind):
    assert chosen_kind(accept) == kind


def test_it_describes_itself(place):
    described = requests.get(f"{place}/openapi.json", timeout=30).json()
    assert set(KINDS) <= set(described["paths"]["/read"]["post"]["responses"]["200"]["content"])
    assert json.dumps(described)
