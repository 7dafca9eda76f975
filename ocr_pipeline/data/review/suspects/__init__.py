"""Which labels are probably wrong, and how probably: what was read set beside what is labelled."""
