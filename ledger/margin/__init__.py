"""Stage 3, the mathematics of margin: pure integer functions that the engine's kernels call.

Normative text: docs/spec/margin.md. Nothing here holds state; what changes enters and leaves as
numbers or as columns of preallocated arrays.
"""
