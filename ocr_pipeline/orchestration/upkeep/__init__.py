"""What keeps a code location and its runs in order."""
