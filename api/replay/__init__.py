"""Public order-by-order histories, read as what a customer would have asked for."""
