"""Raw AI-Hub labels to a trained Korean text detector and recogniser, as one Dagster asset graph."""

__version__ = "0.1.0"
