"""Stage 2, sequence: one writer numbers commands and makes them durable before an answer."""
