"""Answers about the nodes of a program, one row for each function."""

from __future__ import annotations

from typing import TypeVar

from ..source import FunctionSymbol, Program

Answer = TypeVar("Answer")

Place = tuple[FunctionSymbol, int]
"""A node of a function's value graph."""

RESULT = -1
"""In the place of a node: the function itself, what it gives to whoever calls it."""


class Rows(dict[FunctionSymbol, list[Answer | None]]):
    """One answer to each node of a function, and one at `RESULT`; None where there is none yet.

    A row is made when it is first asked for. A list takes a fifth of what a table by function and node does, and
    `rows[function][index]` makes no key.
    """

    def __init__(self, program: Program) -> None:
        super().__init__()
        self._program = program

    def __missing__(self, function: FunctionSymbol) -> list[Answer | None]:
        row: list[Answer | None] = [None] * (len(self._program.function(function).graph.nodes) + 1)
        self[function] = row
        return row
