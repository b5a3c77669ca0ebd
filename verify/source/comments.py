"""The comments of a file that speak to this program: `# telewire: …`."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator

from ..source_text import MARK
from .model import Comment, Span


def own_comments(text: str | bytes) -> tuple[Comment, ...]:
    """Return the comments of valid Python that name this program; a file without its name is not looked through."""
    content = text.encode(errors="replace") if isinstance(text, str) else text
    return tuple(_comments(content)) if MARK.encode() in content else ()


def _comments(text: bytes) -> Iterator[Comment]:
    try:
        for token in tokenize.tokenize(io.BytesIO(text).readline):
            if token.type == tokenize.COMMENT and MARK in token.string:
                line, column = token.start
                span = Span(line, column + 1, line, column + len(token.string) + 1)
                yield Comment(token.string, span, is_alone=not token.line[:column].strip())
    except (SyntaxError, tokenize.TokenError):
        return  # what the parser takes and the tokenizer does not has no comments
