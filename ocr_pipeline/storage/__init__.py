"""How artifacts are found, published, counted and set aside; knows nothing of what is in them."""
