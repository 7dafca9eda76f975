"""What is trained on what, and what may be used."""
