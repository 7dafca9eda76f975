"""Merged JSON and lookups of the earlier scripts."""

from __future__ import annotations

from ocr_pipeline.data.adoption.candidates import Candidate
from ocr_pipeline.data.lookup import publish_paths, read_lookup
from ocr_pipeline.data.merged_json import count_merged_json
from ocr_pipeline.page import nfc
from ocr_pipeline.storage.artifacts.publication import Publication
from ocr_pipeline.storage.artifacts.quarantine import Counts
from ocr_pipeline.storage.files.fingerprints import fingerprint_file


def adopt_merged_json(candidate: Candidate, made: Publication) -> None:
    """Count every page and word of a merged JSON in any of its shapes, then copy the file, byte for byte.

    Raises:
        PipelineError: it is damaged, or the output cannot be written.
    """
    count_merged_json(made, candidate.path, candidate.partition)
    made.copy(candidate.path)
    made.fingerprint = fingerprint_file(made.artifact)


def adopt_lookup(candidate: Candidate, made: Publication) -> None:
    """Take over a lookup that is a dict of strings and nothing else; its names become NFC.

    Each name counts as a page; of two that become the same, the last stays.

    Raises:
        PipelineError: it holds anything else, is damaged, or the output cannot be written.
    """
    paths = read_lookup(candidate.path)
    composed = {nfc(name): path for name, path in paths.items()}
    publish_paths(made, composed)
    made.counts = Counts(pages_in=len(composed), pages_out=len(composed))
    made.counts.note("names_composed", sum(nfc(name) != name for name in paths))
    made.counts.note("names_twice", len(paths) - len(composed))
    made.fingerprint = fingerprint_file(made.artifact)
