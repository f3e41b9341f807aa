"""Reports: built from certified records, byte for byte reproducible, hashed into the ledger."""
