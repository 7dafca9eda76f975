"""Suspects in the files of other programs, and their decisions back: one crop a suspect, never a whole page."""
