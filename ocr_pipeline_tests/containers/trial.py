"""Builds the images and tries the whole stack, with buildah and podman in place of Docker; prints what took how long.

    apt-get install --no-install-recommends aardvark-dns buildah catatonit debootstrap netavark podman runc
    pip install podman-compose
    python3 -m ocr_pipeline_tests.containers.trial

As root. Without ``--base`` nothing is taken from a registry: the base is made by debootstrap, PostgreSQL is Debian's.
An index, certificates or wheels of your own: ``--option=--secret --option=id=pip.conf,src=FILE``,
``--option=--volume --option=/wheels:/wheels:ro``.
"""

from __future__ import annotations

import argparse
import logging
import os
import secrets
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ocr_pipeline_tests.containers.engine import HERE, Images, Stack, TrialError, require, run, size
from ocr_pipeline_tests.containers.graph import FINISHED, Graph, until

SERVICES = ("postgres", "code", "web", "daemon")
RAY = {"OCR_PIPELINE_EXECUTOR": "ray", "OCR_PIPELINE_GPUS": ""}
DATA_STAGES = "from ocr_pipeline.storage.artifacts.stages import stages_of; print(*stages_of('data'))"
PARTITIONS = ("public_admin_train", "public_admin_valid")
COLLECTION = """
from pathlib import Path
from ocr_pipeline.data.synthetic import write_collection
write_collection(Path("/share"), pages={"public_admin_train": 6, "public_admin_valid": 2}, faults=True)
"""
RECIPE = """
fast_checkpoint:
  config: narrow_demo.yaml
  options: {max_steps: 40, save_every_steps: 10, val_every_steps: 0, num_workers: 0, val_num_workers: 0, num_threads: 1}
"""
STEPS = " of 40, loss"
USER = 10001

logger = logging.getLogger("trial")


@contextmanager
def timed(what: str) -> Iterator[None]:
    logger.info("%s ...", what)
    began = time.monotonic()
    yield
    logger.info("%s: %.0f s", what, time.monotonic() - began)


def build(images: Images, base: str | None, postgres: str | None, mirror: str, folder: Path) -> dict[str, str]:
    """All images; returns what compose.yaml is told of them."""
    with timed("base"):
        base = base or images.debian(mirror, folder)
    with timed("image of the web server and the daemon"):
        web = images.build("web", "latest", base)
    with timed("image of the code"):
        code = images.build("code", "cpu", base)
    with timed("PostgreSQL"):
        postgres = postgres or images.postgres(base)
    for image in (base, web, code, postgres):
        logger.info("%s: %s", image, size(image))
    return {"IMAGES": images.name, "VARIANT": "cpu", "POSTGRES_IMAGE": postgres}


def share(image: str, folder: Path) -> dict[str, str]:
    """A small collection and a recipe; returns what compose.yaml is told of them, and of the rest."""
    for name in ("share", "recipes"):
        (folder / name).mkdir()
        os.chown(folder / name, USER, USER)
    (folder / "recipes/recipe.yaml").write_text(RECIPE)
    with timed("a small collection"):
        run("podman", "run", "--rm", "--volume", f"{folder}/share:/share", image, "python", "-c", COLLECTION)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    return {
        "DAGSTER_POSTGRES_PASSWORD": secrets.token_hex(16),
        "SHARE_FOLDER": str(folder / "share"),
        "RECIPES_FOLDER": str(folder / "recipes"),
        "UI_ADDRESS": f"127.0.0.1:{port}",
        "SHM_SIZE": "1gb",
        "OCR_PIPELINE_RECIPE": "/recipes/recipe.yaml",
    }


def start(stack: Stack, address: str, *more: str) -> Graph:
    """``more`` and the four services, one after the other."""
    for service in (*more, *SERVICES):
        logger.info("%s is healthy after %.0f s", service, stack.up(service))
    graph = Graph(f"http://{address}")
    until("the code location is loaded", graph.is_loaded, 60)
    until("all daemons are well", graph.daemons_are_well, 90)
    return graph


def try_data(stack: Stack, graph: Graph) -> None:
    """A backfill of two partitions while the daemon is restarted."""
    data = stack.execute("code", "python", "-c", DATA_STAGES).split()
    backfill = graph.backfill(data, PARTITIONS)
    until("the backfill has begun", lambda: graph.backfill_status(backfill) == "REQUESTED", 60)
    stack.stop("daemon")
    logger.info("the daemon is restarted; it is healthy after %.0f s", stack.up("daemon"))
    until("the backfill ends", lambda: graph.backfill_status(backfill) == "COMPLETED_SUCCESS", 600)
    logger.info("%s", stack.execute("code", "ocr-pipeline", "status"))


def try_training(stack: Stack, graph: Graph) -> None:
    """A training whose container is stopped and then killed: it goes on from what was saved, launched again or anew."""
    first = graph.launch("fast_checkpoint")
    until("the training has begun", lambda: graph.says(first, STEPS), 240)
    logger.info("the code location is stopped in the midst of a training: %.0f s", stack.stop("code"))
    logger.info("%s", until("the training is saved", lambda: graph.says(first, "the training is saved"), 30))
    logger.info("it is healthy again after %.0f s", stack.up("code"))
    second = until("the daemon launches the run again", lambda: graph.retry_of(first), 120)
    logger.info("%s", until("the training goes on", lambda: graph.says(second, "going on from"), 120))
    stack.kill("code")
    logger.info("the code location is killed; it is healthy again after %.0f s", stack.up("code"))
    until("the run of the killed container is ended", lambda: graph.status(second) == "FAILURE", 60)
    third = graph.launch("fast_checkpoint")
    logger.info("%s", until("the training goes on", lambda: graph.says(third, "going on from"), 120))
    status = until("the training ends", lambda: (now := graph.status(third)) in FINISHED and now, 240)
    if status != "SUCCESS":
        raise TrialError(f"the training ended as {status}")


def try_ray(stack: Stack, graph: Graph) -> None:
    """The checkpoint becomes champion on a worker of the Ray cluster, which finds what was made before."""
    run = graph.launch("fast_checkpoint", "fast_champion")
    logger.info("%s", until("a step is a job of Ray", lambda: graph.says(run, "in Ray job"), 120))
    status = until("the run over Ray ends", lambda: (now := graph.status(run)) in FINISHED and now, 300)
    if status != "SUCCESS":
        raise TrialError(f"the run over Ray ended as {status}")
    for path in ("/output/fast/fast_champion.pth", "/output/fast/fast_champion.pth.manifest.json"):
        stack.execute("ray-worker", "test", "-s", path)


def try_all(settings: dict[str, str], folder: Path) -> None:
    stack = Stack(folder)
    settings |= share(f"{settings['IMAGES']}/code:{settings['VARIANT']}", folder)
    stack.prepare(settings)
    try:
        graph = start(stack, settings["UI_ADDRESS"])
        try_data(stack, graph)
        try_training(stack, graph)
        stack.down()
        stack.prepare(settings | RAY)
        try_ray(stack, start(stack, settings["UI_ADDRESS"], "ray-head", "ray-worker"))
    except TrialError:
        logger.error("the code location said:\n%s", stack.logs("code"))
        raise
    finally:
        stack.down("--volumes")


def main(options: Sequence[str] | None = None) -> int:
    """Everything once; what was started is removed, the images are kept for the next time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", help="an image with Python and its venv module, in place of debootstrap's")
    parser.add_argument("--postgres", help="an image of PostgreSQL, in place of Debian's")
    parser.add_argument("--mirror", default="http://deb.debian.org/debian", help="where debootstrap takes Debian from")
    parser.add_argument("--name", default="localhost/ocr-pipeline-trial", help="what the images are called")
    parser.add_argument("--option", action="append", default=[], help="one more word for `buildah build`")
    parser.add_argument("--build-only", action="store_true", help="start nothing")
    arguments = parser.parse_args(options)
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S", level=logging.INFO, stream=sys.stderr)
    os.environ.setdefault("CONTAINERS_CONF", str(HERE / "containers.conf"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)
        try:
            require("buildah", "podman", "podman-compose")
            images = Images(arguments.name, arguments.option)
            settings = build(images, arguments.base, arguments.postgres, arguments.mirror, folder)
            if not arguments.build_only:
                try_all(settings, folder)
        except TrialError as error:
            logger.error("%s", error)
            return 1
    logger.info("all is well")
    return 0


if __name__ == "__main__":
    sys.exit(main())
