"""What a linter is told in a function's header: that a parameter is left alone on purpose."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator
from itertools import islice

from ...source import FunctionSymbol, Program
from .commented_out import CommentedOut

_ACCEPTS = re.compile(
    r"(?i:noqa):[\w\s,]*\bARG00\d\b|pylint:\s*disable(?:-next)?\s*=[\w\s,-]*\b(?:unused-argument|W0613)\b"
)


def accepts_unused(program: Program, comments: CommentedOut, function: FunctionSymbol, name: str) -> bool:
    """Whether a comment for `ruff` or `pylint` accepts that a function does not use a parameter.

    One beside parameters speaks of these; one on a line without any, and one that the body begins with, of all.
    """
    names = {parameter.name for parameter in program.function(function).parameters}
    text = comments.text(function.module)
    if _ACCEPTS.search(text) is None:
        return False
    beside: dict[int, set[str]] = {}
    accepting: list[int] = []
    for token in _header(text, program.place(function).span.line):
        line = token.start[0]
        if token.type == tokenize.NAME and token.string in names:
            beside.setdefault(line, set()).add(token.string)
        elif token.type == tokenize.COMMENT and _ACCEPTS.search(token.string):
            accepting.append(line)
    return any(name in beside.get(line, {name}) for line in accepting)


def _header(text: str, line: int) -> Iterator[tokenize.TokenInfo]:
    """Yield what stands from the line of a `def` to the first statement of its body."""
    lines = islice(io.StringIO(text, newline=None), line - 1, None)
    ends_with_colon = is_in_body = False
    try:
        for token in tokenize.generate_tokens(lines.__next__):
            if is_in_body and token.type not in {tokenize.COMMENT, tokenize.NL}:
                return
            yield token
            if token.type == tokenize.NEWLINE:
                if not ends_with_colon:
                    return  # the body stands on the line of the header
                is_in_body = True
            elif token.type != tokenize.COMMENT:
                ends_with_colon = token.string == ":"
    except (tokenize.TokenError, SyntaxError):
        return
