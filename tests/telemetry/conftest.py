"""What the tests of the telemetry share: a counter of device-to-host transfers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import pytest

# `tolist` and its like read the memory of a CPU tensor without an operator, so they are counted as calls;
# everything else that needs values on the host (item, bool, float, a mask as an index) shows as an operator.
READING_CALLS = frozenset({"tolist", "numpy", "cpu", "__array__"})
READING_OPERATORS = frozenset(
    {"_local_scalar_dense", "nonzero", "equal", "index", "masked_select", "_unique2"}
)


@dataclass
class Tally:
    """How often values came to the host."""

    transfers: int = 0


@pytest.fixture
def count_host_transfers() -> Callable[[], AbstractContextManager[Tally]]:
    """A context manager that counts every way in which tensor values come to the host."""
    # Imported here, since tests beside these run without torch.
    from torch.overrides import TorchFunctionMode
    from torch.utils._python_dispatch import TorchDispatchMode

    @contextmanager
    def count() -> Iterator[Tally]:
        tally = Tally()

        class CallCounter(TorchFunctionMode):
            def __torch_function__(self, func, types, args=(), kwargs=None):
                tally.transfers += func.__name__ in READING_CALLS
                return func(*args, **({} if kwargs is None else kwargs))

        class OperatorCounter(TorchDispatchMode):
            def __torch_dispatch__(self, func, types, args=(), kwargs=None):
                tally.transfers += func.overloadpacket.__name__ in READING_OPERATORS
                return func(*args, **({} if kwargs is None else kwargs))

        with OperatorCounter(), CallCounter():
            yield tally

    return count
