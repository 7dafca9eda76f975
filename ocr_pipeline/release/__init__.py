"""What is trained on what, what may be used, and what is handed on."""
