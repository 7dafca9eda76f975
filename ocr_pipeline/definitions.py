"""The Dagster code location: ``dagster dev`` and workspace.yaml load this module."""

from ocr_pipeline.orchestration.definitions import build_definitions

defs = build_definitions()
