"""Ratios against named peers, each measured in one run on one machine: absolute numbers say little, ratios say much."""
