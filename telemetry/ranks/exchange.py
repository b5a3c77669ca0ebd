"""Gathers the rows of all ranks: one collective per collection, in a process group of the telemetry's own.

The group has a timeout of its own, so that a rank that died or hangs cannot hold the others for ever. When an
exchange fails, the ranks call the roll, once, to find out who is silent; after that nothing is exchanged any more
and each rank has only its own values.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import time
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor

from .reduction import ReducedStatistics, reduce_statistics
from .row import RowError, RowLayout
from .statistics import RankStatistics

__all__ = ["RankExchange", "RankState"]

_logger = logging.getLogger(__name__)

DEFAULT_TIMEOUT = timedelta(seconds=60)
LONGEST_ROLL_CALL = timedelta(seconds=5)
"""How long after the timeout of an exchange the ranks wait for each other's sign of life, at most."""
SHORTEST_WAIT = 0.01
"""Seconds in which a sign of life that has arrived already is read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankState:
    """Whether the ranks still exchange statistics."""

    is_on: bool
    """Whether the next collection will be exchanged: not in a training of one process, nor after a failure or
    `RankExchange.close`."""
    unanswered_ranks: tuple[int, ...]
    """Ranks that did not answer when an exchange failed; empty while all goes well."""
    failure: str | None
    """What the failed exchange said; None while all goes well."""


@dataclass(frozen=True, slots=True)
class _SignOfLife:
    """A byte that is received from another rank when it calls the roll."""

    rank: int
    work: dist.Work
    received: Tensor


class RankExchange:
    """Gathers one row from each rank of the default process group, and makes one picture of them.

    To be made by every rank at the same point of the program (it makes process groups), after
    ``torch.distributed.init_process_group``; without an initialised process group it stands for a training in
    one process, and exchanges nothing. From then on every rank calls `reduce` once per collection, whatever its
    telemetry level: a rank that has collected nothing says so.

    Args:
        layout: what a row holds; the same on all ranks.
        timeout: how long a rank waits for the others. A rank may be late by this much, no more.

    Raises:
        RowError: the ranks have different layouts.
    """

    def __init__(self, layout: RowLayout | None = None, *, timeout: timedelta = DEFAULT_TIMEOUT) -> None:
        self._layout: RowLayout = RowLayout() if layout is None else layout
        self._timeout: timedelta = timeout
        self._patience: timedelta = timeout + min(timeout, LONGEST_ROLL_CALL)
        self._unanswered: tuple[int, ...] = ()
        self._failure: str | None = None
        self._rank: int = 0
        self._world_size: int = 1
        self._group: dist.ProcessGroup | None = None
        self._roll_group: dist.ProcessGroup | None = None
        self._awaited: list[_SignOfLife] = []
        if dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1:
            self._rank = dist.get_rank()
            self._world_size = dist.get_world_size()
            # Gloo whatever the training uses: rows lie in the host's memory, and its operations time out.
            self._group = dist.new_group(backend="gloo", timeout=timeout)
            self._roll_group = dist.new_group(backend="gloo", timeout=self._patience)
            # Awaited from the beginning: a sign that arrives before anybody waits for it is lost when its sender
            # leaves, as one may that has heard enough.
            self._awaited = _await_signs(self._roll_group, self._rank, self._world_size)
            self._compare_layouts(self._group)
            # A process group that lives until the interpreter is taken down ends threads in no order.
            atexit.register(self.close)

    @property
    def rank(self) -> int:
        """The rank of this process, from 0; rank 0 emits."""
        return self._rank

    @property
    def world_size(self) -> int:
        """Number of ranks; 1 for a training in one process."""
        return self._world_size

    @property
    def state(self) -> RankState:
        """Whether the ranks still exchange statistics, and who is silent if not."""
        return RankState(
            is_on=self._group is not None, unanswered_ranks=self._unanswered, failure=self._failure
        )

    def reduce(self, own: RankStatistics) -> ReducedStatistics:
        """Exchange this rank's statistics for those of all: one collective, the same result on every rank.

        Waits for the slowest rank, at most for the timeout. When a rank does not answer, a warning says so
        once, and from then on each rank's result holds its own statistics only, with the others missing.

        Raises:
            RowError: the scalars are not those of the layout.
        """
        row = self._layout.pack(own)
        rows = None if self._group is None else self._gather(row, self._group)
        if rows is None:
            answers = [own if rank == self._rank else None for rank in range(self._world_size)]
            return reduce_statistics(answers, unanswered=self._unanswered)
        return reduce_statistics([self._layout.unpack(other) for other in rows])

    def close(self) -> None:
        """Give the process groups back; nothing is exchanged afterwards. At interpreter exit it happens by itself."""
        atexit.unregister(self.close)
        self._awaited = []
        for group in (self._group, self._roll_group):
            # `torch.distributed.destroy_process_group()` may have ended all groups before.
            with contextlib.suppress(ValueError):
                if group is not None and dist.is_initialized():
                    dist.destroy_process_group(group)
        self._group = self._roll_group = None

    def _gather(self, row: bytes, group: dist.ProcessGroup) -> list[bytes] | None:
        """The rows of all ranks; None when a rank did not answer."""
        started = time.monotonic()
        own = torch.frombuffer(bytearray(row), dtype=torch.uint8)
        gathered = torch.empty((self._world_size, len(row)), dtype=torch.uint8, device="cpu")
        try:
            dist.all_gather(list(gathered.unbind()), own, group=group)
        except RuntimeError as error:
            # A peer's death shows at once to its neighbours and to the others only by the timeout: those who
            # know early wait for those who do not.
            self._switch_off(error, deadline=started + self._patience.total_seconds())
            return None
        return [rank_row.tobytes() for rank_row in gathered.numpy()]

    def _switch_off(self, error: RuntimeError, *, deadline: float) -> None:
        """Exchange nothing from now on; find out who is silent, and say so once."""
        self._failure = str(error)
        self._unanswered = self._call_roll(deadline)
        self.close()
        silent = ", ".join(str(rank) for rank in self._unanswered)
        _logger.warning(
            "telemetry across ranks is switched off: %s. From now on rank %d reports its own values only, and "
            "the others as missing. The exchange failed with: %s",
            f"rank {silent} did not answer" if silent else "an exchange failed although every rank is alive",
            self._rank,
            self._failure,
        )

    def _call_roll(self, deadline: float) -> tuple[int, ...]:
        """The ranks that give no sign of life until the deadline (of `time.monotonic`)."""
        sign = torch.ones(1, dtype=torch.uint8, device="cpu")
        sent: list[dist.Work | None] = []
        for sign_of_life in self._awaited:
            try:
                sent.append(dist.isend(sign, dst=sign_of_life.rank, group=self._roll_group))
            except RuntimeError:
                continue  # Gone: waiting for its sign fails at once.
        silent: list[int] = []
        for sign_of_life in self._awaited:
            remaining = max(deadline - time.monotonic(), SHORTEST_WAIT)
            try:
                sign_of_life.work.wait(timedelta(seconds=remaining))
            except RuntimeError:
                silent.append(sign_of_life.rank)
        return tuple(silent)

    def _compare_layouts(self, group: dist.ProcessGroup) -> None:
        own = torch.frombuffer(bytearray(self._layout.digest.to_bytes(8, "little")), dtype=torch.uint8)
        digests = torch.empty((self._world_size, 8), dtype=torch.uint8, device="cpu")
        dist.all_gather(list(digests.unbind()), own, group=group)
        others = [rank for rank, digest in enumerate(digests) if not torch.equal(digest, own)]
        if others:
            raise RowError(
                f"rank {self._rank} lays out its rows as {self._layout}, otherwise than ranks {others}: "
                "give every rank the same scalars and text size"
            )


def _await_signs(group: dist.ProcessGroup, own_rank: int, world_size: int) -> list[_SignOfLife]:
    signs: list[_SignOfLife] = []
    for rank in range(world_size):
        if rank != own_rank:
            received = torch.zeros(1, dtype=torch.uint8, device="cpu")
            work = dist.irecv(received, src=rank, group=group)
            if work is not None:
                signs.append(_SignOfLife(rank, work, received))
    return signs
