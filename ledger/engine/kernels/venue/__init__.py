"""Commands of the venue and of accounts: listings, terms, modes, money in and out."""
