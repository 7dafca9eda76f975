"""Pre-training of a Korean recognizer on words drawn to order, from random weights."""
