"""The engine's kernels: one file a family of commands, one dispatcher over the batch."""
