"""The paddle engine's two halves speak over a pipe: ``runner.py`` is run by another Python, in another environment."""
