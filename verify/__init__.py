"""Is it wired? Sources are read, records laid over them, every promised edge proved or diagnosed.

`analysis.verify` runs it all; `source` and `flow` know no record, `wiring` lays records over the flow, `rules` turn
what is broken into findings, `report` shows them. Nothing of the target is imported or executed.
"""
