"""Plants faults one at a time in real code, and counts what `verify` and `audit` find. See README.md."""
