"""As much of the Kubernetes API as jobs need: it checks each against the published schema, and runs it right here."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlparse

import kubernetes_validate
import yaml

SCHEMA_OF = "1.34"
NAMESPACE = "ocr"


class PretendedCluster(ThreadingHTTPServer):
    """Jobs as processes of this machine.

    Attributes:
        jobs: what was asked for, by name, as it came in.
        deleted: the names of jobs that were deleted, after which their processes are gone.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Api)
        self.jobs: dict[str, dict[str, Any]] = {}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.deleted: list[str] = []

    def write_kubeconfig(self, path: Path) -> None:
        """How a client finds this cluster."""
        server = {"name": "here", "cluster": {"server": f"http://127.0.0.1:{self.server_port}"}}
        context = {"name": "here", "context": {"cluster": "here", "user": "me", "namespace": NAMESPACE}}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [server],
            "contexts": [context],
            "users": [{"name": "me", "user": {}}],
            "current-context": "here",
        }
        path.write_text(yaml.safe_dump(config))

    def start(self, job: dict[str, Any]) -> None:
        (container,) = job["spec"]["template"]["spec"]["containers"]
        given = {item["name"]: item["value"] for item in container["env"]}
        programs = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}  # those of the image
        name = job["metadata"]["name"]
        self.jobs[name] = job
        self.processes[name] = subprocess.Popen(
            container["args"],
            env={**os.environ, **programs, **given},
            start_new_session=True,
            stderr=subprocess.DEVNULL,
        )

    def state(self, name: str) -> dict[str, Any]:
        code = self.processes[name].poll()
        counts = {"active": 1} if code is None else {"succeeded": 1} if code == 0 else {"failed": 1}
        return {**self.jobs[name], "status": counts}

    def delete(self, name: str) -> None:
        seconds = self.jobs[name]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        self.processes[name].send_signal(signal.SIGTERM)
        self.processes[name].wait(seconds)
        self.deleted.append(name)
        del self.jobs[name], self.processes[name]


class _Api(BaseHTTPRequestHandler):
    server: PretendedCluster
    _JOBS = f"/apis/batch/v1/namespaces/{NAMESPACE}/jobs"
    _PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"

    def do_POST(self) -> None:
        job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            kubernetes_validate.validate(job, SCHEMA_OF, strict=True)
        except kubernetes_validate.ValidationError as error:
            self._answer(422, {"kind": "Status", "status": "Failure", "message": error.message})
            return
        self.server.start(job)
        self._answer(201, job)

    def do_GET(self) -> None:
        path = unquote(urlparse(self.path).path)
        name = path.removeprefix(self._JOBS).strip("/").removesuffix("/status")
        if path == self._PODS:
            self._answer(200, {"kind": "PodList", "apiVersion": "v1", "items": []})  # they go with their jobs
        elif path == self._JOBS:
            items = [self.server.state(name) for name in list(self.server.jobs)]
            self._answer(200, {"kind": "JobList", "apiVersion": "batch/v1", "items": items})
        elif path.startswith(self._JOBS) and name in self.server.jobs:
            self._answer(200, self.server.state(name))
        else:
            self._answer(404, {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404})

    def do_DELETE(self) -> None:
        name = unquote(urlparse(self.path).path).rpartition("/")[2]
        self.server.delete(name)
        self._answer(200, {"kind": "Status", "status": "Success"})

    def _answer(self, code: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def pretended_cluster() -> Iterator[PretendedCluster]:
    cluster = PretendedCluster()
    Thread(target=cluster.serve_forever, daemon=True).start()
    try:
        yield cluster
    finally:
        cluster.shutdown()
        cluster.server_close()
        for process in cluster.processes.values():
            process.kill()
            process.wait()
