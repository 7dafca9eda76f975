"""Raw AI-Hub labels to a trained Korean text detector and recognizer, as one Dagster asset graph."""

__version__ = "0.1.0"
