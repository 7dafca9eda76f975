"""Finished work of the guide's scripts -> artifacts of this workspace, checked and counted; never a change to it."""

from ocr_pipeline.data.adoption.recognition import Found, Unknown, recognise
from ocr_pipeline.data.adoption.stage import Outcome, adopt

__all__ = ["Found", "Outcome", "Unknown", "adopt", "recognise"]
