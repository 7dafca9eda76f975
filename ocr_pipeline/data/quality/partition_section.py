"""One partition of the report: tables, charts, and the pictures that the numbers point at."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from html import escape
from itertools import islice

from ocr_pipeline.data.quality.charts import columns, figure, histogram, rarity, rows
from ocr_pipeline.data.quality.labels import KINDS
from ocr_pipeline.data.quality.record import Alike, Quality, SamplePicture

_FREQUENT = 40
_TAGS = {
    "matches": ("good", "as known"),
    "differs": ("warn", "differs"),
    "sample": ("", "a sample"),
    "unknown": ("", ""),
}
_PICTURES = {
    "rare": ("The rarest characters", "each where it was seen first; what it stands in is the label"),
    "largest": ("The largest boxes", ""),
    "smallest": ("The smallest boxes", ""),
    "leak": ("Pages in training and validation data at once", ""),
    "duplicate": ("Equal pictures", ""),
}


def partition_section(quality: Quality) -> str:
    """The section of a partition with pages."""
    return (
        f'<section id="{escape(quality.partition)}"><h2>{escape(quality.partition)}'
        f'<small lang="ko">{escape(quality.title)}</small></h2>{_counts(quality)}{_charts(quality)}'
        f"{_frequent(quality)}{''.join(_pictures(quality))}{_alike(quality)}</section>"
    )


def link(partition: str) -> str:
    return f'<a href="#{escape(partition)}">{escape(partition)}</a>'


def state_tag(state: str) -> str:
    kind, text = _TAGS[state]
    return f'<span class="tag {kind}">{text}</span>' if text else ""


def shown_number(number: int, kind: str = "") -> str:
    if not number:
        return '<span class="zero">0</span>'
    return f'<span class="tag {kind}">{number:,}</span>' if kind else f"{number:,}"


def _counts(quality: Quality) -> str:
    parts = [f"{count:,} pages in {split}" for split, count in quality.pages.items()]
    parts += [f"{quality.word_count:,} words, {quality.words_ignored:,} of them without legible text"]
    parts += [f"{count:,} crops in {name}" for name, count in quality.crops.items()]
    known = "".join(
        f" {each.found:,} {escape(each.what)} came in, {each.published:,} are known {state_tag(each.state)}"
        for each in quality.published
        if each.published is not None
    )
    return f'<p class="lead">{escape(" · ".join(parts))}.{known}</p>'


def _charts(quality: Quality) -> str:
    boxes, hanja = quality.boxes, quality.groups.get("Hanja", 0)
    outside = f"{boxes.partly_outside:,} leave their page, {boxes.wholly_outside:,} lie beyond it"
    return "".join(
        [
            '<div class="charts">',
            histogram("Length of a text", "characters", quality.text_lengths),
            histogram("Words of a page", "words", quality.words_per_page),
            histogram("Height of a box", "pixels", boxes.heights),
            histogram("Width of a box", "pixels", boxes.widths),
            figure("Scripts", f"{hanja:,} Hanja", rows(quality.groups)),
            figure("How often a character occurs", "number of characters", columns(rarity(quality.characters))),
            "</div>",
            f'<p class="lead">Boxes: {escape(outside)}.</p>',
        ]
    )


def _frequent(quality: Quality) -> str:
    shown = "".join(
        f"<span>{escape(_visible(character))}<small>{count:,}</small></span>"
        for character, count in islice(quality.characters.items(), _FREQUENT)
    )
    return f'<h3>The most frequent characters</h3><div class="glyphs">{shown}</div>'


def _pictures(quality: Quality) -> Iterator[str]:
    for kind, (title, note) in _PICTURES.items():
        yield _samples(title, note, (sample for sample in quality.samples if sample.kind == kind))
    for kind, what in KINDS.items():
        count = quality.suspicious(kind)
        if count:
            title = f"{kind.replace('_', ' ')}: {count:,} labels"
            pictures = [sample for sample in quality.samples if sample.kind == kind]
            yield _samples(title, what, pictures) or _examples(title, what, quality, kind)


def _samples(title: str, note: str, samples: Iterable[SamplePicture]) -> str:
    shown = "".join(map(_sample, samples))
    heading = f"<h3>{escape(title)}<small>{escape(note)}</small></h3>"
    return f'{heading}<div class="samples">{shown}</div>' if shown else ""


def _sample(sample: SamplePicture) -> str:
    code = f"U+{ord(sample.caption):04X}" if len(sample.caption) == 1 else ""
    note = " · ".join(part for part in (code, sample.note) if part)
    return (
        f'<div class="sample"><div class="frame"><img alt="" src="data:image/jpeg;base64,'
        f'{base64.b64encode(sample.jpeg).decode()}"></div>'
        f"<div><b>{escape(_visible(sample.caption))}</b><small>{escape(_visible(note))}</small></div></div>"
    )


def _visible(text: str) -> str:
    """Text in which characters without a shape of their own stand as their code."""
    if text.isspace():
        return "␣"
    return "".join(character if character.isprintable() else f"⟨U+{ord(character):04X}⟩" for character in text)


def _examples(title: str, note: str, quality: Quality, kind: str) -> str:
    texts = "".join(f"<span>{escape(_visible(place.text))}</span>" for place in quality.suspicions[kind].examples)
    return f'<h3>{escape(title)}<small>{escape(note)}</small></h3><div class="glyphs">{texts}</div>'


def _alike(quality: Quality) -> str:
    found = quality.comparison
    tables = (
        _groups("Leaks: pages in training and validation data at once", found.leaks),
        _groups("Pictures with the same bytes", found.duplicates),
        _groups("Pages whose names differ only by case or a copy mark", found.near_names),
    )
    left = f'<p class="none">{found.not_compared:,} pictures were not compared.</p>' if found.not_compared else ""
    return "".join(tables) + left


def _groups(title: str, alike: Alike) -> str:
    if not alike.groups:
        return ""
    lines = (
        f'<tr><td>{number}</td><td class="text">{escape(group.by)}</td><td class="text">{escape(page.partition)}</td>'
        f'<td class="text">{escape(page.split)}</td><td class="text">{escape(page.path or page.image)}</td></tr>'
        for number, group in enumerate(alike.examples, start=1)
        for page in group.pages
    )
    head = "<thead><tr><th>group</th><th>same</th><th>partition</th><th>split</th><th>page</th></tr></thead>"
    note = f"{alike.groups:,} groups, {alike.pages:,} pages"
    heading = f"<h3>{escape(title)}<small>{note}</small></h3>"
    return f"{heading}<table>{head}<tbody>{''.join(lines)}</tbody></table>"
