"""Arithmetic in conditions: constants as Python calculates them, terms as long as they stay linear."""

from __future__ import annotations

import ast
import math
from fractions import Fraction

from .terms import Term, TermError


def exact(number: int | float) -> Fraction | float:
    """A finite number exactly, an infinity as itself. Raises ValueError for NaN."""
    if isinstance(number, float) and not math.isfinite(number):
        if math.isnan(number):
            raise ValueError("NaN")
        return number
    return Fraction(number)


def finite(number: int | float) -> Fraction:
    """A finite number exactly. Raises OverflowError or ValueError for the others."""
    return Fraction(number)


def fold(operator: ast.operator, left: int | float, right: int | float) -> int | float:
    """Arithmetic of two constants, as Python does it."""
    if isinstance(operator, ast.Add):
        return left + right
    if isinstance(operator, ast.Sub):
        return left - right
    if isinstance(operator, ast.Mult):
        return left * right
    if isinstance(operator, ast.Div):
        return left / right
    raise TermError(f"`{type(operator).__name__}` is not arithmetic of conditions")


def linear(operator: ast.operator, left: Term | int | float, right: Term | int | float) -> Term:
    """Arithmetic with at least one term. Raises TermError where the result is not linear."""
    if isinstance(left, Term) and isinstance(right, Term):
        if not isinstance(operator, (ast.Add, ast.Sub)):
            raise TermError("two names are multiplied or divided, which is not linear")
        if left.name != right.name:
            raise TermError(f"`{left.name}` and `{right.name}` are mixed in one expression")
        return left.plus(right.scaled(Fraction(-1)) if isinstance(operator, ast.Sub) else right)
    if isinstance(left, Term):
        assert not isinstance(right, Term)
        constant = finite(right)
        if isinstance(operator, ast.Add):
            return left.shifted(constant)
        if isinstance(operator, ast.Sub):
            return left.shifted(-constant)
        if isinstance(operator, (ast.Mult, ast.Div)):
            factor = constant if isinstance(operator, ast.Mult) else 1 / constant
            if factor == 0:
                raise TermError("a multiple of 0 is always 0")
            return left.scaled(factor)
    elif isinstance(right, Term):
        constant = finite(left)
        if isinstance(operator, ast.Add):
            return right.shifted(constant)
        if isinstance(operator, ast.Sub):
            return right.scaled(Fraction(-1)).shifted(constant)
        if isinstance(operator, ast.Mult):
            if constant == 0:
                raise TermError("a multiple of 0 is always 0")
            return right.scaled(constant)
        if isinstance(operator, ast.Div):
            raise TermError("a constant is divided by a name, which is not linear")
    raise TermError(f"`{type(operator).__name__}` is not arithmetic of conditions")
