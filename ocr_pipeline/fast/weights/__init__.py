"""Reading weights, whoever wrote them."""
