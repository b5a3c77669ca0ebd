"""Numbers that several processes take, each number by one of them only."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

_MOST_TICKETS = 1024  # of four bytes each: as much as every pipe takes at once
_SIZE = 4


@contextlib.contextmanager
def handed_out(numbers: Sequence[int]) -> Iterator[Iterator[int]]:
    """Give out numbers in their order to this process, and to the copies of it that are made meanwhile.

    Where there are very many, a few that follow each other are given out together.
    """
    together = len(numbers) // _MOST_TICKETS + 1
    reading, writing = os.pipe()

    def taken() -> Iterator[int]:
        while ticket := os.read(reading, _SIZE):
            start = int.from_bytes(ticket, "big")
            yield from numbers[start : start + together]

    try:
        try:
            tickets = [start.to_bytes(_SIZE, "big") for start in range(0, len(numbers), together)]
            os.write(writing, b"".join(tickets))
        finally:
            os.close(writing)
        yield taken()
    finally:
        os.close(reading)
