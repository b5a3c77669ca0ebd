"""What a change did to the wiring: two revisions of a repository, each read through git, compared.

`diff_revisions` is the whole of it; `compare` needs two snapshots and no repository.
"""

from .compare import Comparison, compare
from .model import Loss, LostWire, WiringDiff
from .run import NothingToCompareError, diff_revisions
from .snapshot import Snapshot

__all__ = [
    "Comparison",
    "Loss",
    "LostWire",
    "NothingToCompareError",
    "Snapshot",
    "WiringDiff",
    "compare",
    "diff_revisions",
]
