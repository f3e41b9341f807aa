"""Stage 6, settle on chain: certified withdrawals leave in batches that each signer derived."""
