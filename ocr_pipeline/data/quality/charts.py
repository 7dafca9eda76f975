"""What the report's bar charts show: bins with their names."""

from __future__ import annotations

from collections.abc import Mapping

_RARITY_BINS = (1, 2, 3, 5, 10, 100, 1000)

Bins = list[tuple[int, int]]
Bars = list[tuple[str, int]]


def bars(bins: Bins) -> Bars:
    """The bins of a distribution by name, without the empty ones at its ends."""
    filled = [place for place, (_, count) in enumerate(bins) if count]
    return _named(bins)[filled[0] : filled[-1] + 1] if filled else []


def rarity(characters: Mapping[str, int]) -> Bars:
    """How many characters occur how often: the tail a recognizer hardly sees."""
    bins = dict.fromkeys(_RARITY_BINS, 0)
    for count in characters.values():
        bins[max(start for start in _RARITY_BINS if start <= count)] += 1
    return _named(list(bins.items()))


def short(count: int) -> str:
    """A count as it fits above a bar; nothing for none."""
    if count >= 1_000_000:
        return f"{count / 1e6:.1f}M"
    return f"{count / 1e3:.0f}k" if count >= 10_000 else f"{count:,}" if count else ""


def _named(bins: Bins) -> Bars:
    following = [*(start for start, _ in bins[1:]), None]
    return [(_bin_name(start, after), count) for (start, count), after in zip(bins, following, strict=True)]


def _bin_name(start: int, following: int | None) -> str:
    if following is None:
        return f"{start}+"
    return str(start) if following == start + 1 else f"{start}–{following - 1}"
