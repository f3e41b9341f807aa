"""The composition root of one venue: every stage, plugged into the next."""
