"""Stage 7, account for it: screening, travel rule, rule packs, reports, the regulator's proofs."""
