"""The travel rule: IVMS101 payloads, read strictly, validated whole, committed to."""
