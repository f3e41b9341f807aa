"""A whole venue on one machine: chain, replicas and gateway as processes, kept by one command."""
