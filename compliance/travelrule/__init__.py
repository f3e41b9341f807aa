"""The travel rule: IVMS101 payloads read strictly, checked against every constraint, committed to."""
