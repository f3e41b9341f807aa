"""Stage 1 in the Binance dialect: a documented subset of its REST operations, as a façade."""
