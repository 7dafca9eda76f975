"""The sensor that sees new pages in the inbox and has them read: a scanner's folder becomes a folder of text."""

from __future__ import annotations

import dagster as dg
import msgspec

from ocr_pipeline.errors import PipelineError
from ocr_pipeline.orchestration.automation.settings import AutomationSettings
from ocr_pipeline.orchestration.jobs import INBOX_JOB
from ocr_pipeline.orchestration.resources import Locations
from ocr_pipeline.reading.input import readable_in
from ocr_pipeline.release.contest import DETECTOR, RECOGNIZER
from ocr_pipeline.storage.artifacts.workspace import Workspace
from ocr_pipeline.storage.files.fingerprints import fingerprint_of
from ocr_pipeline.storage.files.walking import state_of


class InboxWatch(msgspec.Struct):
    """The sensor's cursor: fingerprints of the inbox as it was last seen, and as it was when its reading began."""

    seen: str = ""
    read: str = ""


def inbox_sensor(settings: AutomationSettings) -> dg.SensorDefinition:
    """Takes one look at the inbox at each tick; what still changes between two ticks is still being copied."""

    @dg.sensor(
        job_name=INBOX_JOB,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING if settings.watch_inbox else dg.DefaultSensorStatus.STOPPED,
        description="New pages in the inbox are read (OCR_PIPELINE_WATCH_INBOX=1).",
    )
    def inbox_watch(context: dg.SensorEvaluationContext, locations: Locations) -> dg.SensorResult | dg.SkipReason:
        watch = _read_cursor(context.cursor)
        now = inbox_fingerprint(locations.workspace)
        reason = _why_not(locations.workspace, watch, now)
        watch.seen = now
        if not reason:
            watch.read = now
        context.update_cursor(msgspec.json.encode(watch).decode())
        return dg.SkipReason(reason) if reason else dg.SensorResult([dg.RunRequest(run_key=f"inbox:{now}")])

    return inbox_watch


def _read_cursor(cursor: str | None) -> InboxWatch:
    """The cursor; a new one where it is not to be understood."""
    try:
        return msgspec.json.decode(cursor, type=InboxWatch) if cursor else InboxWatch()
    except msgspec.DecodeError:  # of another release
        return InboxWatch()


def _why_not(workspace: Workspace, watch: InboxWatch, now: str) -> str:
    """Why the inbox is not read now; nothing if it is."""
    if not now:
        return f"There are no pages in {workspace.inbox / 'pages'}."
    if now == watch.read:
        return "Nothing has changed since the inbox was last read."
    if now != watch.seen:
        return "Pages have come; they are read when the inbox stays as it is."
    try:
        for contest in (DETECTOR, RECOGNIZER):
            contest.in_use(workspace)
    except PipelineError as error:
        return f"There is nothing to read with: {error}"
    return ""


def inbox_fingerprint(workspace: Workspace) -> str:
    """Of the names, sizes and times of the pages in the inbox; nothing where there are none."""
    pages = workspace.inbox / "pages"
    try:
        return fingerprint_of(state_of(path) for path, _ in readable_in([pages])) if pages.is_dir() else ""
    except PipelineError:  # there are none
        return ""
