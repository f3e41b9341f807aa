"""The oracle of the engine: the same rules in plain Python."""
