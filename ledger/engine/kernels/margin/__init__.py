"""Positions and what they need: reservations, an account judged, marks and funding."""
