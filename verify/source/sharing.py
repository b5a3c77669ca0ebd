"""The files of a large program are summarised by several processes, each of which takes the next when it is done.

Only summaries come back from another process. A file that it could not summarise, or did not get to, is left to
this one: what is said of a file does not depend on who looks at it.
"""

from __future__ import annotations

import contextlib
import marshal
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence

from ..forked import Forked, cores
from ..tickets import handed_out
from .files import SourceFile
from .model import ModuleSummary
from .plain import dumped, loaded
from .summarise import SourceError, summarise

_FEWEST_BYTES = 700_000  # some 20,000 lines: below, a copy costs what it saves
_MOST = 8
"""Processes at most, unless more are asked for: one takes a tenth of the time for what the others give it."""


def processes_for(texts: Iterable[bytes], jobs: int | None) -> int:
    """Return how many processes are to summarise texts: `jobs`, where that is said."""
    if jobs is not None:
        return jobs
    return min(cores(), _MOST) if sum(map(len, texts)) >= _FEWEST_BYTES else 1


def own_share(
    files: Sequence[SourceFile],
    texts: Mapping[int, bytes],
    found: dict[int, ModuleSummary],
    *,
    processes: int,
) -> Generator[int, None, None]:
    """Yield the numbers of the files that this process is to summarise; what others make goes into `found`.

    It ends when every file of `texts` has been yielded or found.
    """
    order = sorted(texts, key=lambda number: -len(texts[number]))  # the longest first: all end together
    own: set[int] = set()
    with contextlib.ExitStack() as opened:
        numbers = opened.enter_context(handed_out(order))

        def work() -> bytes:
            return marshal.dumps(dict(_summarised(files, texts, numbers)))

        copies: list[Forked] = []
        while len(copies) < min(processes, len(order)) - 1:
            copy = Forked.start(work)
            if copy is None:
                break
            opened.callback(copy.stop)
            copies.append(copy)
        for number in numbers:
            own.add(number)
            yield number
        for copy in copies:
            found.update(_received(copy))
    yield from [number for number in order if number not in own and number not in found]


def _received(copy: Forked) -> Iterator[tuple[int, ModuleSummary]]:
    """Yield what a copy of this process has summarised; nothing where it did not end well."""
    content = copy.result()
    received: dict[int, bytes] = {} if content is None else marshal.loads(content)
    del content  # of a large program all this is large
    while received:
        number, one = received.popitem()
        yield number, loaded(one)


def _summarised(
    files: Sequence[SourceFile], texts: Mapping[int, bytes], numbers: Iterable[int]
) -> Iterator[tuple[int, bytes]]:
    for number in numbers:
        with contextlib.suppress(SourceError):
            yield number, dumped(summarise(files[number], texts[number]))
