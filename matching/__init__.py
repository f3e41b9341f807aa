"""Order books: price-time priority over lots and ticks. No money, no accounts' balances."""
