"""Syntax: the text of a condition as Python's own syntax tree, with errors that say what to write instead."""

from __future__ import annotations

import ast
import re
import warnings

from .errors import ConditionError

MAX_LENGTH = 2_000


def parse_expression(text: str) -> ast.expr:
    """Python's own parse of the text, or ConditionError. Says nothing yet about names and kinds."""
    if len(text) > MAX_LENGTH:
        raise ConditionError(
            text[:60],
            f"a condition of {len(text)} characters",
            expected=f"write at most {MAX_LENGTH}",
            offset=0,
        )
    flat = text.replace("\n", " ").replace("\r", " ").replace("\t", " ")
    body = flat.lstrip()
    indent = len(flat) - len(body)
    if not body:
        raise ConditionError(text, "an empty condition", expected="write when the level applies: value > 5")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # `5 is value` and the like: refused below
            return ast.parse(body, mode="eval").body
    except SyntaxError as error:
        reason = error.msg
        hint = "write Python comparisons with and, or, not"
        for wrong, right in (
            ("&&", "and"),
            ("||", "or"),
            ("!", "not"),
            ("≤", "<="),
            ("≥", ">="),
            ("∞", "inf"),
        ):
            place = text.find(wrong)
            if place >= 0 and not (wrong == "!" and text[place : place + 2] == "!="):
                raise ConditionError(
                    text,
                    f"{wrong!r} is not an operator here",
                    expected=f"write {right!r}",
                    offset=place,
                    length=len(wrong),
                ) from None
        single = re.search(r"(?<![=!<>:])=(?!=)", text)
        if single is not None:
            raise ConditionError(
                text, "'=' does not compare", expected="write '=='", offset=single.start()
            ) from None
        offset = indent + max((error.offset or 1) - 1, 0)
        raise ConditionError(text, reason, expected=hint, offset=min(offset, len(text))) from None
    except (ValueError, RecursionError, MemoryError):
        raise ConditionError(text, "too deeply nested or not text", expected="write it plainer") from None
