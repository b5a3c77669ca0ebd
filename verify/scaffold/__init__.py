"""Draft records: emitter, transport, schema and consumers of a metric, filled in from its wire.

`find_chain` reads the wire, `draft_record` turns it into YAML, and `proved` says how much of the draft holds.
"""

from .chain import Chain, NoSchemaError, find_chain
from .draft import Draft, draft_record, proved
from .numbering import NumberingError, next_id

__all__ = [
    "Chain",
    "Draft",
    "NoSchemaError",
    "NumberingError",
    "draft_record",
    "find_chain",
    "next_id",
    "proved",
]
