"""Seeded streams of commands that benchmarks and tests feed to an engine; none is a venue's."""
