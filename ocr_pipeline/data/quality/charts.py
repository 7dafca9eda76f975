"""Small bar charts as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from ocr_pipeline.data.quality.record import Distribution

_WIDTH, _HEIGHT, _BASE, _HEAD = 340, 128, 18, 16
_WIDEST_BAR = 48
_RARITY_BINS = (1, 2, 3, 5, 10, 100, 1000)


def histogram(title: str, unit: str, values: Distribution) -> str:
    """A figure of the bins of a distribution, with its median and extremes."""
    bars = _without_empty_ends(_named(values.bins))
    note = f"median {values.median:,} · {values.smallest:,} to {values.largest:,} {unit}" if values.count else "none"
    return figure(title, note, columns(bars))


def figure(title: str, note: str, content: str) -> str:
    return f"<figure><figcaption><b>{escape(title)}</b><span>{escape(note)}</span></figcaption>{content}</figure>"


def columns(bars: Sequence[tuple[str, int]]) -> str:
    """Upright bars with their names below and their counts above."""
    if not bars:
        return '<p class="none">nothing to show</p>'
    highest, step = max(count for _, count in bars) or 1, min(_WIDTH / len(bars), _WIDEST_BAR)
    start = (_WIDTH - step * len(bars)) / 2
    parts = []
    for place, (name, count) in enumerate(bars):
        tall = (_HEIGHT - _BASE - _HEAD) * count / highest
        left, top = start + place * step, _HEIGHT - _BASE - tall
        middle = left + step / 2
        parts.append(
            f"<g><title>{escape(name)}: {count:,}</title>"
            f'<rect x="{left + 1.5:.1f}" y="{top:.1f}" width="{step - 3:.1f}" height="{max(tall, 0.5):.1f}" rx="1.5"/>'
            f'<text x="{middle:.1f}" y="{_HEIGHT - 5}">{escape(name)}</text>'
            f'<text class="count" x="{middle:.1f}" y="{top - 3:.1f}">{_short(count)}</text></g>'
        )
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{"".join(parts)}</svg>'


def rows(counts: Mapping[str, int]) -> str:
    """Level bars with their names before and their counts behind."""
    total, highest = sum(counts.values()) or 1, max(counts.values(), default=0) or 1
    lines = (
        f'<tr><th>{escape(name)}</th><td class="bar"><i style="width:{100 * count / highest:.1f}%"></i></td>'
        f"<td>{count:,}</td><td>{count / total:.1%}</td></tr>"
        for name, count in counts.items()
    )
    return f'<table class="bars">{"".join(lines)}</table>'


def rarity(characters: Mapping[str, int]) -> list[tuple[str, int]]:
    """How many characters occur how often: the tail a recognizer hardly sees."""
    bars = dict.fromkeys(_RARITY_BINS, 0)
    for count in characters.values():
        bars[max(start for start in _RARITY_BINS if start <= count)] += 1
    return _named(list(bars.items()))


def _named(bins: list[tuple[int, int]]) -> list[tuple[str, int]]:
    following = [*(start for start, _ in bins[1:]), None]
    return [(_bin_name(start, after), count) for (start, count), after in zip(bins, following, strict=True)]


def _bin_name(start: int, following: int | None) -> str:
    if following is None:
        return f"{start}+"
    return str(start) if following == start + 1 else f"{start}–{following - 1}"


def _without_empty_ends(bars: list[tuple[str, int]]) -> list[tuple[str, int]]:
    filled = [place for place, (_, count) in enumerate(bars) if count]
    return bars[filled[0] : filled[-1] + 1] if filled else []


def _short(count: int) -> str:
    if count >= 1_000_000:
        return f"{count / 1e6:.1f}M"
    return f"{count / 1e3:.0f}k" if count >= 10_000 else f"{count:,}" if count else ""
