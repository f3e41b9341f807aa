"""Stage 3, hold, match, settle: the deterministic core. Same commands, same outcomes, same root."""
