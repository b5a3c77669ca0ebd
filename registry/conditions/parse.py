"""Parsing: the text of a condition becomes a tree of exact sets. Nothing of it is ever executed."""

from __future__ import annotations

import ast
import difflib
import math
import sys
from dataclasses import dataclass, field
from fractions import Fraction

from ..value_types import Kind, Shape
from .arithmetic import exact, fold, linear
from .errors import ConditionError
from .sets import ChoiceSet, NumberSet
from .subject import AGGREGATES, Subject
from .syntax import parse_expression
from .terms import MIRRORED, Term, TermError
from .tree import Leaf, Tree, combine, negate

MAX_DEPTH = 40

_OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_TESTS = ("isnan", "isinf", "isfinite")
_FUNCTIONS = (*_TESTS, "abs", *AGGREGATES)


@dataclass(frozen=True, slots=True)
class Cut:
    """A constant that a condition compares `name` with, and where in the text it does."""

    name: str
    value: Fraction
    offset: int


@dataclass(frozen=True, slots=True)
class Parsed:
    """What one parse gives: the tree, and every cut in the order of the text."""

    tree: Tree
    cuts: tuple[Cut, ...]


@dataclass(frozen=True, slots=True)
class _Choice:
    """A name of kind bool or str as the side of a comparison."""

    name: str
    kind: Kind


_Operand = Term | int | float | str | _Choice
"""One side of a comparison; a bool is an int and is told apart by type."""


def parse(text: str, subject: Subject) -> Parsed:
    """Parse a condition about `subject`. Raises ConditionError with the position of the fault."""
    return _Parser(text, subject).run()


@dataclass
class _Parser:
    text: str
    subject: Subject
    cuts: list[Cut] = field(default_factory=list)
    depth: int = 0

    def run(self) -> Parsed:
        if self.subject.shape is Shape.OPAQUE:
            raise ConditionError(
                self.text,
                "this type of value cannot be graded",
                expected="declare its `fields`, or a type of int, float, bool, str or a deque of one of them",
            )
        tree = self.truth(parse_expression(self.text))
        return Parsed(tree, tuple(self.cuts))

    # positions and refusals

    def offset_of(self, node: ast.expr) -> int:
        body = self.text.lstrip()
        indent = len(self.text) - len(body)
        return indent + len(body.encode()[: node.col_offset].decode(errors="replace"))

    def refuse(self, node: ast.expr, message: str, expected: str) -> ConditionError:
        start = self.offset_of(node)
        body = self.text.lstrip().encode()
        length = len(body[node.col_offset : node.end_col_offset].decode(errors="replace"))
        return ConditionError(self.text, message, expected=expected, offset=start, length=max(length, 1))

    def descend(self, node: ast.expr) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.refuse(node, "too deeply nested", f"write it with at most {MAX_DEPTH} levels")

    # truth values

    def truth(self, node: ast.expr) -> Tree:
        self.descend(node)
        tree = self._truth(node)
        self.depth -= 1
        return tree

    def _truth(self, node: ast.expr) -> Tree:
        if isinstance(node, ast.BoolOp):
            operands = [self.truth(value) for value in node.values]
            return combine(operands, every=isinstance(node.op, ast.And))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return negate(self.truth(node.operand))
        if isinstance(node, ast.Compare):
            return self.comparison(node)
        if isinstance(node, ast.Name):
            name, kind = self.name(node)
            if kind is Kind.BOOL:
                return Leaf(name, ChoiceSet(frozenset({True})))
            expected = f"compare it: {node.id} != 0" if kind.is_number else f'compare it: {node.id} == "..."'
            raise self.refuse(node, f"`{node.id}` is a {kind}, not a condition", expected)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _TESTS:
            return self.test(node, node.func.id)
        if isinstance(node, ast.Constant):
            raise self.refuse(node, f"`{node.value!r}` is the same for every value", "name what is compared")
        raise self.refuse(
            node, "this is not a condition", "write comparisons joined by and, or, not: 0 < value <= 5"
        )

    def test(self, node: ast.Call, function: str) -> Tree:
        argument = self.argument(node, function)
        operand = self.operand(argument)
        if not isinstance(operand, Term) or operand.breaks or operand != Term.variable(operand.name):
            raise self.refuse(argument, f"{function}() takes a name of a number", f"write {function}(value)")
        nan, infinite = function == "isnan", function == "isinf"
        finite = function == "isfinite"
        return Leaf(operand.name, NumberSet((), (finite,), below=infinite, above=infinite, nan=nan))

    def comparison(self, node: ast.Compare) -> Tree:
        sides = [node.left, *node.comparators]
        parts: list[Tree] = []
        for left, comparator, right in zip(sides, node.ops, sides[1:], strict=False):
            if isinstance(comparator, (ast.In, ast.NotIn)):
                tree = self.membership(left, right)
                parts.append(tree if isinstance(comparator, ast.In) else negate(tree))
            elif isinstance(comparator, (ast.Is, ast.IsNot)):
                sign = "==" if isinstance(comparator, ast.Is) else "!="
                raise self.refuse(left, "`is` compares objects, not values", f"write {sign}")
            else:
                parts.append(self.pair(left, _OPERATORS[type(comparator)], right))
        return combine(parts, every=True)

    def membership(self, left: ast.expr, right: ast.expr) -> Tree:
        if not isinstance(right, (ast.Tuple, ast.List, ast.Set)) or not right.elts:
            raise self.refuse(right, "`in` needs a list of constants", 'write value in ("a", "b")')
        return combine([self.pair(left, "==", element) for element in right.elts], every=False)

    def pair(self, left_node: ast.expr, comparison: str, right_node: ast.expr) -> Tree:
        left, right = self.operand(left_node), self.operand(right_node)
        if not isinstance(left, (Term, _Choice)):
            if not isinstance(right, (Term, _Choice)):
                raise self.refuse(left_node, "two constants are compared", "name what is compared")
            left, right, comparison = right, left, MIRRORED[comparison]
            left_node, right_node = right_node, left_node
        if isinstance(left, _Choice):
            return self.choice(left, left_node, comparison, right, right_node)
        return self.numbers(left, left_node, comparison, right, right_node)

    def choice(
        self, left: _Choice, left_node: ast.expr, comparison: str, right: _Operand, right_node: ast.expr
    ) -> Tree:
        wanted: type = bool if left.kind is Kind.BOOL else str
        if isinstance(right, (Term, _Choice)):
            raise self.refuse(right_node, "two names are compared", "compare each with constants")
        if type(right) is not wanted or not isinstance(right, (bool, str)):
            example = "True" if wanted is bool else '"text"'
            raise self.refuse(
                right_node, f"`{left.name}` is a {left.kind}", f"compare it with a constant such as {example}"
            )
        if comparison not in ("==", "!="):
            raise self.refuse(left_node, f"a {left.kind} has no order", "compare it with == or !=")
        members = ChoiceSet(frozenset({right}))
        return Leaf(left.name, members if comparison == "==" else ~members)

    def numbers(
        self, left: Term, left_node: ast.expr, comparison: str, right: _Operand, right_node: ast.expr
    ) -> Tree:
        if isinstance(right, (str, bool, _Choice)):
            raise self.refuse(right_node, f"`{left.name}` is a number", "compare it with a number")
        if isinstance(right, Term) and right.name != left.name:
            raise self.refuse(
                right_node,
                f"`{left.name}` and `{right.name}` are compared with each other",
                "compare each name with constants, so that the levels can be proved",
            )
        try:
            members = left.compare(comparison, right if isinstance(right, Term) else exact(right))
        except TermError as error:
            raise self.refuse(left_node, str(error), "write it plainer") from None
        except ValueError:
            raise self.refuse(
                right_node, "nothing is equal to nan, not even nan", f"write isnan({left.name})"
            ) from None
        place = self.offset_of(right_node)
        self.cuts += [Cut(left.name, cut, place) for cut in members.cuts]
        return Leaf(left.name, members)

    # sides of comparisons

    def operand(self, node: ast.expr) -> _Operand:
        self.descend(node)
        operand = self._operand(node)
        self.depth -= 1
        return operand

    def _operand(self, node: ast.expr) -> _Operand:
        if isinstance(node, ast.Constant):
            if isinstance(node.value, int) and abs(node.value) > sys.float_info.max:
                raise self.refuse(node, "the constant is larger than any float", "write inf if you mean it")
            if isinstance(node.value, (bool, int, float, str)):
                return node.value
            raise self.refuse(
                node, f"`{node.value!r}` is no constant of a condition", "write a number or a text"
            )
        if isinstance(node, ast.Name):
            if node.id in ("inf", "nan") and self.subject.resolve(node.id) is None:
                return math.inf if node.id == "inf" else math.nan
            name, kind = self.name(node)
            return Term.variable(name) if kind.is_number else _Choice(name, kind)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
            operand = self.number(node.operand)
            if isinstance(node.op, ast.UAdd):
                return operand
            return operand.scaled(Fraction(-1)) if isinstance(operand, Term) else -operand
        if isinstance(node, ast.BinOp):
            return self.arithmetic(node)
        if isinstance(node, ast.Call):
            return self.call(node)
        if isinstance(node, ast.Attribute):
            raise self.refuse(node, "a dotted name is not read here", "write the name of the field alone")
        raise self.refuse(node, "this cannot be compared", "compare a name with a constant")

    def number(self, node: ast.expr) -> Term | int | float:
        operand = self.operand(node)
        if isinstance(operand, (bool, str, _Choice)):
            raise self.refuse(node, "this is not a number", "calculate with numbers only")
        return operand

    def arithmetic(self, node: ast.BinOp) -> Term | int | float:
        left, right = self.number(node.left), self.number(node.right)
        try:
            if not isinstance(left, Term) and not isinstance(right, Term):
                return fold(node.op, left, right)
            return linear(node.op, left, right)
        except TermError as error:
            raise self.refuse(
                node, str(error), "write sums, differences and multiples by constants"
            ) from None
        except ZeroDivisionError:
            raise self.refuse(node, "division by zero", "divide by another constant") from None
        except (OverflowError, ValueError):
            raise self.refuse(node, "the constant is not finite", "calculate with finite constants") from None

    def call(self, node: ast.Call) -> Term | int | float:
        if not isinstance(node.func, ast.Name):
            raise self.refuse(
                node, "a dotted function is not called here", "write isnan(value), not math.isnan"
            )
        function = node.func.id
        if function == "abs":
            operand = self.number(self.argument(node, function))
            try:
                return operand.absolute() if isinstance(operand, Term) else abs(operand)
            except TermError as error:
                raise self.refuse(node, str(error), "write it plainer") from None
        if function in AGGREGATES:
            return self.aggregate(node, function)
        if function in _TESTS:
            raise self.refuse(
                node, f"{function}() is true or false, not a number", "join it with and, or, not"
            )
        raise self.refuse(
            node.func,
            f"`{function}` is not a function of conditions",
            _did_you_mean(function, _FUNCTIONS) or f"use one of {', '.join(_FUNCTIONS)}",
        )

    def aggregate(self, node: ast.Call, function: str) -> Term:
        argument = self.argument(node, function)
        if self.subject.shape is not Shape.SEQUENCE:
            raise self.refuse(
                node, f"{function}() sees a window, and this value has none", "compare the value itself"
            )
        if not (isinstance(argument, ast.Name) and argument.id == "values"):
            raise self.refuse(argument, f"{function}() takes the whole window", f"write {function}(values)")
        name = f"{function}(values)"
        if name not in self.subject.domains:
            raise self.refuse(
                node, f"the window holds no numbers, so it has no {function}", "use len(values)"
            )
        return Term.variable(name)

    def argument(self, node: ast.Call, function: str) -> ast.expr:
        if len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
            raise self.refuse(node, f"{function}() takes one argument", f"write {function}(value)")
        return node.args[0]

    def name(self, node: ast.Name) -> tuple[str, Kind]:
        name = self.subject.resolve(node.id)
        if name is not None:
            return name, self.subject.domains[name].kind
        readable = self.subject.readable_names
        if node.id == "values":
            raise self.refuse(
                node, "`values` is a window, not a number", "write mean(values), min, max or len"
            )
        if node.id in ("true", "false"):
            raise self.refuse(node, f"`{node.id}` is not a constant", f"write {node.id.capitalize()}")
        raise self.refuse(
            node,
            f"`{node.id}` is not a name of this record",
            _did_you_mean(node.id, readable) or f"use one of {', '.join(readable)}",
        )


def _did_you_mean(word: str, known: tuple[str, ...]) -> str | None:
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}?" if close else None
