"""The regulator's routes: facts with their proofs, under a credential of their own."""
