"""The whole way once, on made-up data."""
