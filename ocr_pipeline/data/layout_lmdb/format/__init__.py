"""The records of a layout LMDB: written, read, drawn."""
