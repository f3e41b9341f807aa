"""What a TICK does: phases, loans, liquidation, the fund, deleveraging."""
