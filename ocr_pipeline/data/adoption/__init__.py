"""Finished work of the guide's scripts -> artifacts of this workspace, checked and counted; never a change to it."""

from ocr_pipeline.data.adoption.candidates import Candidate, Skipped, find_candidates
from ocr_pipeline.data.adoption.stage import Outcome, adopt

__all__ = ["Candidate", "Outcome", "Skipped", "adopt", "find_candidates"]
