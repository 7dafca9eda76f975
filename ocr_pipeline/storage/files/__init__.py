"""Bytes on a disk, whatever is in them."""
