"""The wire of any carrier, in any tree of sources: where its values begin, and who reads them.

`find_subject` turns a name into a carrier, `trace_wire` follows it; `text`, `data` and `diagram` show it.
"""

from .model import Branch, Reader, Side, State, Subject, Trace
from .names import AmbiguousNameError, Named, UnknownNameError, find_subject
from .program import ReadProgram, read_program
from .walk import Limits, trace_wire

__all__ = [
    "AmbiguousNameError",
    "Branch",
    "Limits",
    "Named",
    "ReadProgram",
    "Reader",
    "Side",
    "State",
    "Subject",
    "Trace",
    "UnknownNameError",
    "find_subject",
    "read_program",
    "trace_wire",
]
