"""Stage 1, the gate, and the composition root that plugs every stage into the next."""
