"""What a JPEG's markers and its decoder's warnings tell: whether all of the picture is there.

A decoder that meets a hole goes on with what it invents (grey, or blocks in wrong places) and only warns. Warnings that
invent nothing are few, and named here; all others are damage.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

SIGNATURE = b"\xff\xd8\xff"
END_OF_IMAGE = b"\xff\xd9"

STRAY_BYTES = 32
"""So many bytes may stand unused before the end marker: encoders pad, to 32 at most. More were part of the picture."""

_HARMLESS = re.compile(".*(unknown JFIF revision|Adobe color transform|Invalid SOS parameters|bad ICC marker)")
_STRAY = re.compile(r"Corrupt JPEG data: (\d+) extraneous bytes before marker 0x([0-9a-f]{2})")
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # not what stands within a scan: stuffing, fill, restarts
_PROGRESSIVE, _START_OF_SCAN, _END = (0xC2, 0xCA), 0xDA, 0xD9
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_COEFFICIENTS = 64


class _Segment(NamedTuple):
    marker: int
    start: int
    end: int


def jpeg_fault(data: bytes) -> str | None:
    """Why the markers of a JPEG cannot be those of a whole picture; None if they can."""
    header = list(_header(data))
    # An embedded thumbnail's own end marker lies before the first scan; the picture's is found at once from the end.
    if not header or header[-1].marker != _START_OF_SCAN or data.rfind(END_OF_IMAGE, header[-1].end) < 0:
        return "the picture is truncated (JPEG without its end marker)"
    if any(segment.marker in _PROGRESSIVE for segment in header) and not _has_all_scans(data, header):
        return "the picture is truncated (a progressive JPEG without its later scans)"
    return None


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height by the frame's header; None for what is no JPEG."""
    if not data.startswith(SIGNATURE):
        return None
    frame = next((segment for segment in _header(data) if segment.marker in _FRAMES), None)
    if frame is None or frame.end < frame.start + 9:
        return None
    height, width = (int.from_bytes(data[frame.start + at : frame.start + at + 2], "big") for at in (5, 7))
    return width, height


def sound_jpeg(data: bytes, warning: str) -> bytes:
    """The JPEG to decode although the decoder gave a warning: without bytes between its segments that belong to none.

    Raises:
        ValueError: what was warned of is damage.
        MemoryError: there was not enough.
    """
    if "Insufficient memory" in warning:
        raise MemoryError(warning)
    if _HARMLESS.match(warning):
        return data
    stray = _STRAY.match(warning)
    if stray is None:
        raise ValueError(f"the picture is damaged ({warning})")
    joined = _without_stray(data)
    if joined != data:
        return joined
    number, marker = int(stray[1]), int(stray[2], 16)
    if number > STRAY_BYTES or marker != _END:
        raise ValueError(f"the picture is damaged ({warning}, which the decoder has found no place for)")
    return data


def _without_stray(data: bytes) -> bytes:
    """The same JPEG, its segments up to the first scan one directly behind the other."""
    header = list(_header(data))
    return data[:2] + b"".join(data[start:end] for _, start, end in header) + data[header[-1].end :] if header else data


def _header(data: bytes) -> Iterator[_Segment]:
    """The segments up to the first scan's header; what stands between two of them is passed over."""
    at = 2
    while True:
        at = data.find(b"\xff", at)
        while 0 <= at < len(data) - 1 and data[at + 1] == 0xFF:
            at += 1  # fill bytes
        if at < 0 or at + 4 > len(data):
            return
        marker = data[at + 1]
        if marker == 0 or marker in _WITHOUT_LENGTH:
            at += 2
            continue
        if marker == _END:
            return
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if end > len(data):
            return
        yield _Segment(marker, at, end)
        if marker == _START_OF_SCAN:
            return
        at = end


def _has_all_scans(data: bytes, header: list[_Segment]) -> bool:
    """Whether each coefficient of each component came down to its last bit."""
    frame = next(segment for segment in header if segment.marker in _PROGRESSIVE)
    count = data[frame.start + 9]
    missing = {data[place] for place in range(frame.start + 10, frame.start + 10 + 3 * count, 3)}
    last_bit = {component: [_COEFFICIENTS] * _COEFFICIENTS for component in missing}
    for start, end in _scans(data, header[-1]):
        components = data[start + 5 : end - 3 : 2]
        first, last, low = data[end - 3], data[end - 2], data[end - 1] & 15
        for component in components:
            last_bit.get(component, [])[first : last + 1] = [low] * (last + 1 - first)
    return all(not any(bits) for bits in last_bit.values())


def _scans(data: bytes, first: _Segment) -> Iterator[tuple[int, int]]:
    """Start and end of each scan's header."""
    start, end = first.start, first.end
    while end <= len(data):
        if data[start + 1] == _START_OF_SCAN:
            yield start, end
        found = _NEXT_MARKER.search(data, end)
        if found is None or data[found.start() + 1] == _END:
            return
        start = found.start()
        end = start + 2 + int.from_bytes(data[start + 2 : start + 4], "big")
