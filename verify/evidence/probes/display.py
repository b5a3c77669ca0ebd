"""What a consumer shows: the text on the real widget, and the style of each part of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from .expected import spelt
from .wires import DisplayPlan, EdgePlan

ATTRIBUTES = {
    "bold": "bold",
    "b": "bold",
    "dim": "dim",
    "d": "dim",
    "italic": "italic",
    "i": "italic",
    "underline": "underline",
    "u": "underline",
    "reverse": "reverse",
    "r": "reverse",
    "strike": "strike",
    "s": "strike",
    "blink": "blink",
}
"""Words of a style that are no colours, with the attribute of rich's Style."""

_LONGEST = 400


class Piece(NamedTuple):
    """A piece of what is displayed: its text, and its style, None where it is plain text that has none."""

    text: str
    style: Any | None


Line = list[Piece]


@dataclass(frozen=True, slots=True)
class Displayed:
    """What is on display of a consumer: its lines, and the theme that says how the colours with a name look there."""

    lines: list[Line]
    theme: Any | None = None

    @property
    def text(self) -> str:
        """The text, without the white space around it."""
        return "\n".join("".join(piece.text for piece in line).rstrip() for line in self.lines).strip()


@dataclass(frozen=True, slots=True)
class Shown:
    """What a consumer had to show, and what is wrong with it; None where it shows it."""

    consumer: str
    display: DisplayPlan
    problem: str | None

    def to_data(self) -> dict[str, object]:
        """Return it as plain data."""
        return {
            "consumer": self.consumer,
            "text": self.display.text,
            "absent": self.display.absent,
            "style": self.display.style,
            "problem": self.problem,
        }


class NothingShown(Exception):  # noqa: N818 - it says what it is
    """Nothing of the consumer is on display; the message says why."""


def look(shown: object, edge: EdgePlan, display: DisplayPlan) -> Shown:
    """Look at a consumer for what it has to show of a value."""
    return Shown(edge.stage, display, _problem(shown, edge, display))


def _problem(shown: object, edge: EdgePlan, display: DisplayPlan) -> str | None:
    said = f"{edge.stage} has to show {_wanted(display)} for {spelt(display.value)} ({edge.at})"
    try:
        displayed = displayed_of(shown, edge.consumer, edge.stage)
    except NothingShown as error:
        return f"{said}: {error}"
    found = displayed.text
    if display.absent is not None and display.absent in found:
        return f"{said}: {display.absent!r} is there:\n{_indented(found)}"
    if display.text is None:
        return None
    places = [pieces for line in displayed.lines for pieces in _places(line, display.text)]
    if not places:
        return f"{said}: it is not there:\n{_indented(found)}" if found else f"{said}: it is empty"
    if display.style is None:
        return None
    wrong = [_style_problem(pieces, display.style, displayed.theme) for pieces in places]
    return None if None in wrong else f"{said}: {wrong[0]}"


def displayed_of(shown: object, consumer: str, stage: str) -> Displayed:
    """Return what is on display of a consumer.

    `shown` is a Textual app, pilot or widget, something that rich can render, a text, or a mapping from the names of
    consumers to one of these.

    Raises:
        NothingShown: The consumer is not there.
    """
    if isinstance(shown, Mapping):
        name = next((one for one in (stage, consumer) if one in shown), None)
        if name is None:
            raise NothingShown(
                f"nothing is on display of it, only of {', '.join(map(str, shown)) or 'nobody'}"
            )
        return displayed_of(shown[name], consumer, stage)
    if shown is None:
        raise NothingShown("nothing is on display: the drive returns None")
    if isinstance(shown, str):
        return Displayed([[Piece(line, None)] for line in shown.splitlines()])
    app = getattr(shown, "app", shown) if hasattr(shown, "press") else shown
    if hasattr(app, "query") and hasattr(app, "screen") and not hasattr(app, "render_line"):
        return _widget_shows(_widget_in(app, consumer))
    if hasattr(app, "render_line"):
        return _widget_shows(app if type(app).__name__ == consumer else _widget_in(app, consumer))
    return Displayed(_rich_lines(shown))


def _widget_in(holder: Any, consumer: str) -> Any:
    """Return the widget of a class among those below an app or another widget."""
    found = [one for one in holder.query("*") if any(base.__name__ == consumer for base in type(one).__mro__)]
    if not found and hasattr(holder, "screen_stack"):
        found = [one for one in holder.screen_stack if type(one).__name__ == consumer]
    if not found:
        raise NothingShown(f"no {consumer} is mounted in {type(holder).__name__}")
    if not any(one.display and one.size.height and one.size.width for one in found):
        raise NothingShown("it is mounted, and takes no place on the screen")
    return next(one for one in found if one.display and one.size.height and one.size.width)


def _widget_shows(widget: Any) -> Displayed:
    region = type(widget.region)(0, 0, widget.outer_size.width, widget.outer_size.height)
    strips = widget.render_lines(region)
    lines = [[Piece(segment.text, segment.style) for segment in strip] for strip in strips]
    return Displayed(lines, getattr(widget.app, "ansi_theme", None))


def _rich_lines(shown: object) -> list[Line]:
    from rich.console import Console
    from rich.protocol import is_renderable

    if not is_renderable(shown):
        raise NothingShown(
            f"a {type(shown).__name__} cannot be looked at; expected a Textual app or widget, what rich renders, "
            "a text, or a mapping from consumers to these"
        )
    console = Console(width=_LONGEST, color_system="truecolor", force_terminal=True, legacy_windows=False)
    return [
        [Piece(segment.text, segment.style) for segment in line]
        for line in console.render_lines(shown, pad=False)  # type: ignore[arg-type] # it is renderable
    ]


_NUMBER_BEGINS = r"(?<!\w)(?<!\d[.,])(?<!(?<!\w)[-\u2212.])"
"""Neither within a word or another number, nor behind the sign or the point that it begins with."""


def _places(line: Line, text: str) -> Iterable[Line]:
    """Yield, for each time that a text stands on a line, the pieces that it consists of.

    Any white space is as good as another, and a number or a word does not stand where it goes on or has begun before:
    no `Inf:7` in `Inf:70`, and no `7` in `0.7` or `-7`.
    """
    pattern = r"\s+".join(map(re.escape, text.split()))
    begin = text.strip()[0]
    before = _NUMBER_BEGINS if begin.isdigit() else r"(?<!\w)" if begin.isalnum() else ""
    after = r"(?!\w|[.,]\d)" if text.strip()[-1].isalnum() else ""
    for match in re.finditer(f"{before}{pattern}{after}", "".join(piece.text for piece in line)):
        position, found = 0, []
        for piece in line:
            part = piece.text[max(0, match.start() - position) : max(0, match.end() - position)]
            if part.strip():
                found.append(Piece(part, piece.style))
            position += len(piece.text)
        yield found


def _style_problem(pieces: Line, wanted: str, theme: Any | None) -> str | None:
    """Say which word of a style does not hold for a piece; None where all do."""
    for piece in pieces:
        if piece.style is None:
            return "a plain text has no style; let the drive return the widget, or what rich renders"
        on_back = False
        for word in wanted.lower().split():
            if word == "on":
                on_back = True
            elif word in ATTRIBUTES:
                if not getattr(piece.style, ATTRIBUTES[word]):
                    return f"{piece.text!r} is not {word}: its style is {piece.style}"
            elif not _is_colour(piece.style.bgcolor if on_back else piece.style.color, word, theme):
                return f"{piece.text!r} is not {'on ' if on_back else ''}{word}: its style is {piece.style}"
    return None


def _is_colour(found: Any | None, word: str, theme: Any | None) -> bool:
    """Whether a colour is that of a name, as itself or as it looks in a theme."""
    from rich.color import Color, ColorParseError

    if found is None:
        return word == "default"
    try:
        wanted = Color.parse(word)
    except ColorParseError:
        return bool(found.name == word)
    return bool(found.name == wanted.name or found.get_truecolor(theme) == wanted.get_truecolor(theme))


def _wanted(display: DisplayPlan) -> str:
    parts = [] if display.text is None else [repr(display.text)]
    parts += [] if display.style is None else [f"in {display.style}"]
    parts += [] if display.absent is None else [f"no {display.absent!r}"]
    return " ".join(parts)


def _indented(text: str) -> str:
    return "\n".join(f"    {line.rstrip()}" for line in text.splitlines())
