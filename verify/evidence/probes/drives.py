"""Calls a record's drive with a value, and lets what it shows be looked at while it is there.

A drive is a function whose first parameter is the value; the others are fixtures. What it returns is on display. A
generator yields it, once, and goes on afterwards: it may be within `with` then. Both may be async.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from dataclasses import dataclass

Look = Callable[[object], None]


class DriveError(Exception):
    """A drive cannot be used; the message says why, and what is expected."""


_EXPECTED = "expected a function whose first parameter is the value, or a fixture that gives one"


@dataclass(frozen=True, slots=True)
class Drive:
    """A drive that was found.

    Attributes:
        function: What is called with the value; None where a fixture gives it.
        fixture: The name of that fixture.
        signature: The parameters that are fixtures.
    """

    function: Callable[..., object] | None
    fixture: str | None
    signature: inspect.Signature


def found_in(module: object, qualname: str) -> Drive:
    """Return the drive of that name.

    Raises:
        DriveError: There is none, or it is no drive.
    """
    found: object = module
    for name in qualname.split("."):
        if not hasattr(found, name):
            said = getattr(found, "__name__", "the module")
            raise DriveError(f"{said} has no {name!r}; {_EXPECTED}")
        found = getattr(found, name)
    mark = getattr(found, "_fixture_function_marker", None)
    if mark is not None:
        name = getattr(mark, "name", None) or qualname.rpartition(".")[2]
        return Drive(None, name, inspect.Signature([_fixture(name)]))
    if isinstance(found, type) or not callable(found):
        raise DriveError(f"{qualname} is {_kind(found)}, no function; {_EXPECTED}")
    return Drive(found, None, _without_value(found, qualname))


def called(drive: Callable[..., object], value: object, fixtures: dict[str, object], look: Look) -> None:
    """Call a drive with a value and look at what it shows.

    Raises:
        DriveError: It yields more than once, or never.
    """
    __tracebackhide__ = True
    made = drive(value, **fixtures)
    if isinstance(made, AsyncGenerator):
        asyncio.run(_async_generated(made, look))
    elif isinstance(made, Generator):
        _generated(made, look)
    elif isinstance(made, Awaitable):
        look(asyncio.run(_awaited(made)))
    else:
        look(made)


def _generated(made: Generator[object, None, object], look: Look) -> None:
    __tracebackhide__ = True
    try:
        try:
            shown = next(made)
        except StopIteration:
            raise DriveError(_YIELDS.format("never")) from None
        look(shown)
        for _ in made:
            raise DriveError(_YIELDS.format("more than once"))
    finally:
        made.close()


async def _async_generated(made: AsyncGenerator[object, None], look: Look) -> None:
    __tracebackhide__ = True
    try:
        try:
            shown = await anext(made)
        except StopAsyncIteration:
            raise DriveError(_YIELDS.format("never")) from None
        look(shown)
        async for _ in made:
            raise DriveError(_YIELDS.format("more than once"))
    finally:
        await made.aclose()


async def _awaited(made: Awaitable[object]) -> object:
    return await made


_YIELDS = "the drive yields {}; expected once, with what is on display, or None"


def _without_value(drive: Callable[..., object], qualname: str) -> inspect.Signature:
    """Return what a drive asks for beside the value."""
    try:
        signature = inspect.signature(drive)
    except (TypeError, ValueError):
        raise DriveError(f"{qualname} does not say what it takes; {_EXPECTED}") from None
    parameters = list(signature.parameters.values())
    positional = {inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD}
    if not parameters or parameters[0].kind not in positional:
        raise DriveError(f"{qualname}{signature} takes no value; {_EXPECTED}")
    rest = [one for one in parameters[1:] if one.default is one.empty]
    odd = next((one for one in rest if one.kind is inspect.Parameter.POSITIONAL_ONLY), None)
    if odd is not None:
        raise DriveError(
            f"{qualname}{signature}: {odd.name!r} is positional only, and no fixture can be given for it"
        )
    named = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
    return inspect.Signature([_fixture(one.name) for one in rest if one.kind in named])


def _fixture(name: str) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY)


def _kind(found: object) -> str:
    return "a class" if isinstance(found, type) else f"of type {type(found).__name__}"
