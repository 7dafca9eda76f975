"""The detector's speed as ratios in one run, each against a named peer: ``python -m benchmarks.fast [NAME ...]``."""
