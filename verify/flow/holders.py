"""What a value is read of, beside the value itself."""

from __future__ import annotations

from collections.abc import Iterable

from .carriers import Constant, Hop


def without_holders(hops: Iterable[Hop]) -> list[Hop]:
    """Leave out the hop from an object at a place where the part of it that is read moves as itself.

    A literal there is no part of anything, unless all parts of the object are known.
    """
    hops = list(hops)
    parts = {(hop.site, hop.target) for hop in hops if not hop.partial}
    carried = {
        (hop.site, hop.target) for hop in hops if not hop.partial and not isinstance(hop.source, Constant)
    }
    return [
        hop
        for hop in hops
        if not hop.partial or (hop.site, hop.target) not in (parts if hop.through else carried)
    ]
