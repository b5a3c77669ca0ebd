"""Telemetry of a training that runs in several processes: one row per rank, one collective per collection.

`statistics` holds what a rank says, `row` packs it, `exchange` gathers the rows, `reduction` makes one picture
of them. Only `exchange` needs torch.
"""
