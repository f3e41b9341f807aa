"""The life of an order: checks, entering, matching, leaving, triggers, auctions."""
