"""Reading as a service."""

from __future__ import annotations

import socket
from functools import partial
from pathlib import Path

import click

from ocr_pipeline.cli.options import settings_options
from ocr_pipeline.cli.output import say
from ocr_pipeline.errors import PipelineError
from ocr_pipeline.reading.settings import PageReading
from ocr_pipeline.serving.settings import Serving


@click.command()
@click.option("--champions", type=click.Path(path_type=Path), help="Output folder whose champions read, new ones too.")
@settings_options(Serving, called="serving")
@settings_options(PageReading, skip=("form",))
def serve(champions: Path | None, serving: Serving, settings: PageReading) -> None:
    """Read pages for other programs, over HTTP: POST a picture or a PDF to /read, and Accept chooses the form.

    /ready says who reads, /docs describes it all. It listens on this machine alone unless --host and --token say more.
    """
    if serving.is_open_to_others and not serving.token:
        raise PipelineError(
            "whoever reaches this address could have pages read",
            where=f"--host {serving.host}",
            remedy="Say a token by OCR_PIPELINE_TOKEN, or listen at 127.0.0.1.",
        )
    try:
        import fastapi  # noqa: F401
        import uvicorn
    except ImportError as error:
        raise PipelineError(
            f"serving needs packages that are not installed ({error.name})",
            where="ocr-pipeline serve",
            remedy="pip install 'ocr_pipeline[serve]'",
        ) from error
    _demand_free(serving.host, serving.port)
    from ocr_pipeline.reading import Reader
    from ocr_pipeline.serving.app import application
    from ocr_pipeline.serving.desk import Desk

    if champions:

        def load() -> Reader:
            device, at_once = settings.device, settings.batch_size
            reader = Reader.champions(champions, device=device, batch_size=at_once, limits=settings)
            return reader.ordered_by(settings.layout_model)

        desk = Desk(load, partial(_champions_of, champions), serving.most_waiting)
    else:
        desk = Desk(partial(Reader.of, settings), lambda: "those that were named", serving.most_waiting)
    say(f"reading at http://{serving.host}:{serving.port}/read by {desk.reader.fingerprint[:12]}; /docs describes it")
    uvicorn.run(application(desk, serving), host=serving.host, port=serving.port, log_level="warning")


def _demand_free(host: str, port: int) -> None:
    """Refuse an address that cannot be listened at, before any model is loaded."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            pass
    except OSError as error:
        raise PipelineError(
            f"nothing can listen there ({error.strerror})",
            where=f"{host}:{port}",
            remedy="Name another --port, from 1024 on, or end the program that has it (`ss -ltnp` tells which).",
        ) from error


def _champions_of(output: Path) -> str:
    """What is published in the champions' places now, for little: no bytes are compared."""
    from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER
    from ocr_pipeline.storage.artifacts.manifest import read_manifest
    from ocr_pipeline.storage.artifacts.workspace import Workspace

    manifests = [read_manifest(contest.champion(Workspace.at(output))) for contest in (DETECTOR, RECOGNIZER)]
    return " and ".join(manifest.fingerprint if manifest else "none" for manifest in manifests)
