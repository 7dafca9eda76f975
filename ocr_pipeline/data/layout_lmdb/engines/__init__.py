"""The layout models, and the processes that run them."""
