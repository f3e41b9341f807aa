"""Stage 5, certify: replicas re-execute each block and countersign the roots they computed."""
