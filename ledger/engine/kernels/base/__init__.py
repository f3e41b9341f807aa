"""What families of commands share: postings, events, timers, prices, bounds of an account."""
