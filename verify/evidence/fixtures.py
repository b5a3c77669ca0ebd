"""Which fixtures a test has asked for, by itself or through others, and what each of a wider scope let pass.

Names say too little: `request.getfixturevalue` asks for any fixture at any time, and a fixture may replace another of
its name. So every request notes what it was given, whoever made that, and when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from _pytest.fixtures import FixtureDef, SubRequest

    Definition = FixtureDef[Any]

_ASKED = "telewire_asked"
"""Where a request, and the fixture that it made, keep what was asked for."""

_ASKING = "_get_active_fixturedef"


class Requests:
    """Lets every request of pytest's note what it was given, as long as this is installed."""

    def __init__(self) -> None:
        self._real: Callable[[pytest.FixtureRequest, str], Definition] | None = None

    def install(self) -> None:
        """Begin."""
        real: Callable[[pytest.FixtureRequest, str], Definition] = getattr(pytest.FixtureRequest, _ASKING)

        def asking(request: pytest.FixtureRequest, argname: str) -> Definition:
            found = real(request, argname)
            if argname != "request":  # which is no fixture that anybody made
                _asked(request)[found] = None
            return found

        self._real = real

        setattr(pytest.FixtureRequest, _ASKING, asking)

    def remove(self) -> None:
        """Leave everything as it was."""
        if self._real is not None:
            setattr(pytest.FixtureRequest, _ASKING, self._real)
            self._real = None


def note_made(definition: Definition, request: SubRequest) -> None:
    """Note that a request makes a fixture: what it asks for, before and from now on, is what the fixture asks for."""
    setattr(definition, _ASKED, _asked(request))


def fixtures_of(item: pytest.Item) -> list[Definition]:
    """Return the fixtures that a test has asked for until now, and those that these have asked for."""
    request = getattr(item, "_request", None)
    found: dict[Definition, None] = {}
    pending = [iter(_asked(request))] if request else []
    while pending:
        definition = next(pending[-1], None)
        if definition is None:
            pending.pop()
        elif definition not in found:
            found[definition] = None
            pending.append(_asked_by(definition))
    return list(found)


def _asked(request: pytest.FixtureRequest) -> dict[Definition, None]:
    found: dict[Definition, None] = request.__dict__.setdefault(_ASKED, {})
    return found


def _asked_by(definition: Definition) -> Iterator[Definition]:
    asked: dict[Definition, None] = getattr(definition, _ASKED, {})
    return iter(asked)
