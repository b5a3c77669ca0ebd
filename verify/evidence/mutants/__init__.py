"""Wiring mutants: would any test notice if a wire were cut?

At each point of the proved edges the value is replaced in the ways in which telemetry breaks, one at a time, and the
tests that pass the point are run. `operators` says which mutants there are, `edits` and `switch` put one into a running
program, `session` runs the tests of each in a copy of one pytest process, `document` is the file that is left, and
`mutated` lays it over the wires.
"""
