"""What executors, pools, event loops and task groups give back: results, or tasks and futures that hold one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .given import Given
from .types import UNKNOWN, External, Type, each

if TYPE_CHECKING:
    from .inference import Inference

_EXECUTORS = {"Executor", "ThreadPoolExecutor", "ProcessPoolExecutor", "InterpreterPoolExecutor"}
_POOLS = {"Pool", "ThreadPool"}
_LOOPS = {"AbstractEventLoop", "get_event_loop", "get_running_loop", "new_event_loop"}
_TASK = "asyncio.Task"
_FUTURE = "concurrent.futures.Future"
_ASYNC_RESULT = "multiprocessing.pool.AsyncResult"
_HOLD_A_RESULT = {_TASK, _FUTURE, _ASYNC_RESULT, "asyncio.Future"}


def pool_result(inference: Inference, receiver: External, name: str, given: Given) -> Type | None:
    """Return what a method of an executor, pool, loop or task group gives; None for another receiver or method."""
    kind = receiver.dotted.rpartition(".")[2]
    if kind in _EXECUTORS:
        rule = _OF_EXECUTORS.get(name)
    elif kind in _POOLS:
        rule = _OF_POOLS.get(name)
    elif kind in _LOOPS:
        rule = _OF_LOOPS.get(name)
    else:
        rule = _task if kind == "TaskGroup" and name == "create_task" else None
    return None if rule is None else rule(inference, given)


def awaited(value: Type) -> Type:
    """Return what waiting for a value gives: of a task or future what it holds, else itself."""

    def part(one: Type) -> Type:
        return one.arguments[0] if isinstance(one, External) and holds_a_result(one) else one

    return each(value, part)


def holds_a_result(value: Type) -> bool:
    """Whether a value is a task or future whose result is known."""
    return isinstance(value, External) and value.dotted in _HOLD_A_RESULT and bool(value.arguments)


# -- one function each ------------------------------------------------------------------------------------------------

_Rule = Callable[["Inference", Given], Type]


def _argument(inference: Inference, given: Given, position: int, keyword: str = "") -> Type:
    if position < len(given.positional):
        return inference.type_of(given.function, given.positional[position])
    return (
        inference.type_of(given.function, given.keywords[keyword]) if keyword in given.keywords else UNKNOWN
    )


def _of(position: int, keyword: str = "func") -> _Rule:
    """The result of the function that is given at a position."""
    return lambda inference, given: each(_argument(inference, given, position, keyword), inference.called)


def _held(dotted: str, rule: _Rule) -> _Rule:
    return lambda inference, given: External(dotted, (rule(inference, given),))


_LIST = "builtins.list"
_called = _of(0)


def _completed(inference: Inference, given: Given) -> Type:
    """`loop.run_until_complete(coroutine)`."""
    return awaited(_argument(inference, given, 0, "future"))


def _task(inference: Inference, given: Given) -> Type:
    """`group.create_task(coroutine)`."""
    return External(_TASK, (_argument(inference, given, 0, "coro"),))


_OF_EXECUTORS: dict[str, _Rule] = {"submit": _held(_FUTURE, _called), "map": _held(_LIST, _called)}
_OF_POOLS: dict[str, _Rule] = {
    "apply": _called,
    "apply_async": _held(_ASYNC_RESULT, _called),
    **dict.fromkeys(("map", "imap", "imap_unordered", "starmap"), _held(_LIST, _called)),
    **dict.fromkeys(("map_async", "starmap_async"), _held(_ASYNC_RESULT, _held(_LIST, _called))),
}
_OF_LOOPS: dict[str, _Rule] = {
    "create_task": _task,
    "run_in_executor": _of(1),
    "run_until_complete": _completed,
}
