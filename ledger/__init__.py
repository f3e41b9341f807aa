"""Everything about money and record: engine, journal, read model, audit ledger, settlement."""
