"""Stage 5, certify: replicas re-execute each block and countersign the roots they computed.

Read in this order: `ports` (what is executed), `messages` (what is signed), `core` (the protocol's
transition table), `ledger` (certified blocks on disk), `replica` and `certifier` (the two drivers),
`receipt` and `verify` (what anyone checks offline). Normative: docs/spec/consensus.md, log.md.
"""
