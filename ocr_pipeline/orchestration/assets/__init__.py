"""The assets, by the step of the guide they stand for."""
