"""The web in front of the desk: one address to read at, and two that tell how it is.

curl --data-binary @page.jpg -H 'Accept: text/plain' http://127.0.0.1:8300/read
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.reading.input import document_of
from ocr_pipeline.serving.answers import KINDS, chosen_kind
from ocr_pipeline.serving.desk import BusyError, Content, Desk, Job
from ocr_pipeline.serving.settings import Serving

READER = "X-Reader-Fingerprint"
_AS_IT_IS = "send a picture or a PDF, as it is (curl --data-binary @page.jpg)"
_CONTENT: dict[str, dict[str, object]] = {kind: {} for kind in KINDS}


def application(desk: Desk, settings: Serving) -> FastAPI:
    """The service as an ASGI application; when it ends, what waits at the desk is read first."""

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        await asyncio.to_thread(desk.close)

    app = FastAPI(title="ocr_pipeline", description="Korean pages in, text out.", lifespan=life)

    def known(request: Request) -> None:
        said = request.headers.get("authorization", "")
        if settings.token and not hmac.compare_digest(said.encode(), f"Bearer {settings.token}".encode()):
            raise HTTPException(401, "a token is needed", {"WWW-Authenticate": "Bearer"})

    @app.post("/read", response_class=Response, responses={200: {"content": _CONTENT}}, dependencies=[Depends(known)])
    async def read(request: Request) -> Response:
        """Read the picture or PDF in the body; Accept chooses the form."""
        if (kind := chosen_kind(request.headers.get("accept", ""))) is None:
            raise HTTPException(406, f"there are {', '.join(KINDS)}")
        if request.headers.get("content-type", "").lower().startswith("multipart/"):
            raise HTTPException(415, f"this is a form around the file: {_AS_IT_IS}")
        data = await _body(request, settings.most_megabytes)
        content = await _content(desk, data, kind, settings)
        return Response(content.data, media_type=kind, headers={READER: content.reader})

    @app.get("/health")
    def health() -> dict[str, str]:
        """Whether the process answers."""
        return {"status": "alive"}

    @app.get("/ready")
    def ready() -> JSONResponse:
        """Whether pages are read, and by whom."""
        state = {"status": "ready" if desk.is_working else "ended", "reader": desk.reader.fingerprint}
        return JSONResponse(state, 200 if desk.is_working else 503)

    @app.exception_handler(PipelineError)
    def refused(_: Request, error: PipelineError) -> JSONResponse:
        return JSONResponse({"detail": str(error)}, 422)

    return app


async def _body(request: Request, most_megabytes: int) -> bytes:
    """What was sent, refused as soon as it is too much."""
    data, most = bytearray(), most_megabytes << 20
    try:
        async for piece in request.stream():
            data += piece
            if len(data) > most:
                raise HTTPException(413, f"the file is larger than {most_megabytes} MB")
    except ClientDisconnect:
        raise HTTPException(400, "the file did not come whole") from None  # nobody hears it
    if not data:
        raise HTTPException(422, f"the body is empty: {_AS_IT_IS}")
    return bytes(data)


async def _content(desk: Desk, data: bytes, kind: str, settings: Serving) -> Content:
    document = await asyncio.to_thread(document_of, data, Path("page"), desk.reader.limits)
    try:
        answer = desk.hand_in(Job(document, kind))
    except BusyError:
        raise HTTPException(503, f"{settings.most_waiting} requests wait already", {"Retry-After": "5"}) from None
    try:
        return await asyncio.wait_for(asyncio.wrap_future(answer), settings.most_seconds)
    except asyncio.TimeoutError:
        raise HTTPException(504, f"not read within {settings.most_seconds:g} s; send fewer pages at once") from None
