"""The data stages: labels, lookup, crops."""
