"""What the user chooses about serving (no torch here)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ocr_pipeline.settings import Setting, Settings

LOCAL = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class Serving(Settings):
    """Where a service listens, and what it takes on."""

    host: Annotated[str, Setting("Address to listen at; any but this machine's own needs a token.")] = LOCAL[0]
    port: Annotated[int, Setting("Port to listen at.", least=1, most=65535)] = 8300
    token: Annotated[
        str | None,
        Setting("Requests must bring it: `Authorization: Bearer TOKEN`.", env="OCR_PIPELINE_TOKEN"),
    ] = None
    most_megabytes: Annotated[int, Setting("Larger files are refused.", least=1)] = 64
    most_waiting: Annotated[int, Setting("Requests that may wait; one more is told to come again.", least=1)] = 64
    most_seconds: Annotated[float, Setting("A request that takes longer is given up.", above=0)] = 120.0

    @property
    def is_open_to_others(self) -> bool:
        return self.host not in LOCAL
