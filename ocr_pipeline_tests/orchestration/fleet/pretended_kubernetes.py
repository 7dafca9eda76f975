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
from itertools import chain
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote, urlparse

import kubernetes_validate
import yaml

SCHEMA_OF = "1.34"
JOB_LABEL, CONTROLLER_LABEL = "batch.kubernetes.io/job-name", "batch.kubernetes.io/controller-uid"
NAMESPACE = "ocr"


class Pod:
    """A process of this machine; another takes its place as often as its job allows, unless it ended by itself."""

    def __init__(self, command: list[str], environment: dict[str, str], losses: int) -> None:
        self._command, self._environment, self._losses = command, environment, losses
        self._is_wanted = True
        self.process = self._started()
        self._watch = Thread(target=self._watched, daemon=True)
        self._watch.start()

    @property
    def code(self) -> int | None:
        """Its exit code, once nobody takes its place."""
        return None if self._watch.is_alive() else self.process.returncode

    def end(self, seconds: float = 0) -> None:
        """Ask it to end, and wait so long; without, kill it."""
        self._is_wanted = False
        self.process.send_signal(signal.SIGTERM if seconds else signal.SIGKILL)
        self.process.wait(seconds or None)

    def _watched(self) -> None:
        while self.process.wait() < 0 and self._is_wanted and self._losses:
            self._losses -= 1
            self.process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, env=self._environment, start_new_session=True, stderr=subprocess.DEVNULL)


class PretendedCluster(ThreadingHTTPServer):
    """Jobs as processes of this machine.

    Attributes:
        jobs: what was asked for, by name, as it came in.
        pods: those of each job.
        deleted: the names of jobs that were deleted, after which their processes are gone.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Api)
        self.jobs: dict[str, dict[str, Any]] = {}
        self.pods: dict[str, list[Pod]] = {}
        self.deleted: list[str] = []

    def write_home(self, home: Path) -> dict[str, str]:
        """A Dagster home with the shipped configuration, but SQLite, and this cluster from outside.

        Returns:
            variables under which it is used.
        """
        home.mkdir()
        kubeconfig = home / "kubeconfig"
        self._write_kubeconfig(kubeconfig)
        config = yaml.safe_load((Path(__file__).parents[3] / "docker" / "dagster_k8s.yaml").read_text())
        del config["storage"], config["compute_logs"]
        config["run_launcher"]["config"] |= {
            "load_incluster_config": False,
            "kubeconfig_file": str(kubeconfig),
            "dagster_home": str(home),
        }
        (home / "dagster.yaml").write_text(yaml.safe_dump(config))
        return {
            "DAGSTER_HOME": str(home),
            "DAGSTER_K8S_NAMESPACE": NAMESPACE,
            "DAGSTER_K8S_IMAGE": "registry/ocr_pipeline:1",
            "KUBECONFIG": str(kubeconfig),
        }

    def _write_kubeconfig(self, path: Path) -> None:
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
        name, spec = job["metadata"]["name"], job["spec"]
        job["metadata"]["uid"] = f"uid-of-{name}"
        labels = spec["template"]["metadata"].setdefault("labels", {})
        assert not labels.keys() & {JOB_LABEL, CONTROLLER_LABEL}, "these are given by the cluster alone"
        labels |= {JOB_LABEL: name, CONTROLLER_LABEL: job["metadata"]["uid"]}
        (container,) = spec["template"]["spec"]["containers"]
        programs = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}  # those of the image
        environment = {**os.environ, **programs, **{item["name"]: _value(item, labels) for item in container["env"]}}
        is_indexed = spec.get("completionMode") == "Indexed"
        indices = [{"JOB_COMPLETION_INDEX": str(index)} for index in range(spec["completions"])] if is_indexed else [{}]
        losses = spec.get("backoffLimitPerIndex", 0)
        self.jobs[name] = job
        self.pods[name] = [Pod(container["args"], {**environment, **index}, losses) for index in indices]

    def state(self, name: str) -> dict[str, Any]:
        codes = [pod.code for pod in self.pods[name]]
        counts = {
            "active": codes.count(None),
            "succeeded": codes.count(0),
            "failed": sum(1 for code in codes if code),
        }
        ends = [] if None in codes else [{"type": "Failed" if any(codes) else "Complete", "status": "True"}]
        return {**self.jobs[name], "status": {**counts, "conditions": ends}}

    def pods_of(self, name: str) -> list[dict[str, Any]]:
        """Those that have ended, as the API tells them."""
        ends = [{"exitCode": pod.code % 256, "message": "said last"} for pod in self.pods.get(name, []) if pod.code]
        return [{"status": {"containerStatuses": [_status(end)]}} for end in ends]

    def delete(self, name: str) -> None:
        seconds = self.jobs[name]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
        for pod in self.pods[name]:
            pod.end(seconds)
        self.deleted.append(name)
        del self.jobs[name], self.pods[name]


def _value(item: dict[str, Any], labels: dict[str, str]) -> str:
    """That of a variable: what is written there, or a label of the pod."""
    if "value" in item:
        return item["value"]
    path = item["valueFrom"]["fieldRef"]["fieldPath"]
    return labels[path.removeprefix("metadata.labels['").removesuffix("']")]


def _status(end: dict[str, Any]) -> dict[str, Any]:
    told = {"name": "dagster", "image": "", "imageID": "", "ready": False, "restartCount": 0}
    return {**told, "state": {"terminated": end}}


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
            job = unquote(urlparse(self.path).query).partition(f"{JOB_LABEL}=")[2]
            self._answer(200, {"kind": "PodList", "apiVersion": "v1", "items": self.server.pods_of(job)})
        elif path == self._JOBS:
            items = [self.server.state(name) for name in list(self.server.jobs)]
            self._answer(200, {"kind": "JobList", "apiVersion": "batch/v1", "items": items})
        elif path.startswith(self._JOBS) and name in self.server.jobs:
            self._answer(200, self.server.state(name))
        else:
            self._answer(404, {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404})

    def do_DELETE(self) -> None:
        name = unquote(urlparse(self.path).path).rpartition("/")[2]
        if "propagationPolicy=Foreground" in self.path:  # it stays until its pods are gone
            Thread(target=self.server.delete, args=(name,), daemon=True).start()
        else:
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
        for pod in chain.from_iterable(cluster.pods.values()):
            pod.end()
