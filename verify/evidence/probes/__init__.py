"""Probes: a record's drive is called with one value after another, and each has to arrive at every carrier.

`drawing` puts the records' probes into the plan of a run, with `wires` as the data that it consists of, `files` says
where a drive is, and `sentinels` chooses a number for each record that no other has. Under pytest `items` collects one
test for each value, `drives` calls the drive, `arrival` looks how far the value came (`expected` what it has become by
then), `crossings` whether it came out at another record's wire, and `display` what the consumers show. `probed` says
what the evidence of all this comes to. What is imported while tests run imports nothing else of telewire.
"""
