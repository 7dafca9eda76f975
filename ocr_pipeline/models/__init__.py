"""The weights that come with the package."""

from pathlib import Path

TINY_KOREAN = Path(__file__).with_name("tiny_korean")
"""Folder of a small base model that reads clean print; made by ``ocr_pipeline.demo.tiny_base``."""
