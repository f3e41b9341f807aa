"""The engine's kernels, in layers: the dispatchers, then clock, orders, venue, margin, base.

`run` is entered for most commands, `run_margin` for settings, `clock.tick` for a TICK, and
`queries` for what reads ask.
"""
