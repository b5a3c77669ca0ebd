"""Faults of the functions that records name: never called, left early, their result thrown away (TW202, TW205)."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from ..edits import Edit
from ..occurrences import Part
from ..plant import Instrument, Plant, Planter
from ..tree import Function, Tree
from ..wire_places import definition, functions_at


def call_of(tree: Tree, name: ast.AST) -> ast.Call | None:
    """Return the call whose callee a name or attribute is."""
    parent = tree.parent(name)
    return parent if isinstance(parent, ast.Call) and parent.func is name else None


_CALL_NOTHING = {
    "object",
    "ABC",
    "Generic",
    "Protocol",
    "Exception",
    "Enum",
    "StrEnum",
    "NamedTuple",
    "TypedDict",
}


class NeverCalled(Planter):
    """The only call of a function that records name is gone.

    Left out: functions that are called at several places, or that are passed on as values, overridden methods and
    entry points: another use keeps them alive. So may the framework that a method's class derives from.
    """

    fault = "call dropped"
    rules = ("TW202", "TW205", "TW204")  # TW205 and TW204 where the record's edge ends before the function
    instrument = Instrument.VERIFY

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each single call of a recorded function."""
        for function, records in functions_at(tree).items():
            name = function.qualname.rpartition(".")[2]
            uses = tree.occurrences.of_name(name, Part.NAME, Part.LOAD)
            if len(uses) != 1 or len(tree.occurrences.of_name(name, Part.DEFINITION)) != 1:
                continue
            if is_entry_point(tree, name) or _is_of_foreign_base(tree, definition(tree, function)):
                continue
            (use,) = uses
            call = call_of(tree, use.node)
            if call is None or use.path not in tree.planted:
                continue
            text = tree.texts[use.path]
            statement = tree.statement(call)
            is_whole = isinstance(statement, ast.Expr) and statement.value is call
            edit = text.drop(statement) if is_whole else text.replace(call, "None")
            yield Plant(
                {use.path: (edit,)},
                use.path,
                call.lineno,
                frozenset({name, *records}),
                f"{name}() not called",
            )


class LeftEarly(Planter):
    """A function that records name returns before it does anything."""

    fault = "early return"
    rules = ("TW211", "TW205", "TW202", "TW209")  # TW209 where the function is a consumer
    instrument = Instrument.VERIFY

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each recorded function that returns nothing: one with a result would fail at its caller."""
        for function, records in functions_at(tree).items():
            found = definition(tree, function)
            if found is None:
                continue
            path, node = found
            if not isinstance(node, Function) or any(
                isinstance(one, ast.Return | ast.Yield) and getattr(one, "value", None)
                for one in ast.walk(node)
            ):
                continue
            first = next((one for one in node.body if not _is_docstring(one)), None)
            if first is None:
                continue
            text = tree.texts[path]
            edit = text.replace(first, f"return\n{text.indent(first)}{text.of(first)}")
            name = node.name
            yield Plant({path: (edit,)}, path, first.lineno, frozenset({name, *records}), f"{name}() returns")


class SymbolRenamed(Planter):
    """A function that records name is renamed in all sources; the records name the old one.

    Left out: entry points, whose absence is refused before anything is verified.
    """

    fault = "function renamed, record not"
    rules = ("TW201",)
    instrument = Instrument.VERIFY

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each recorded function, renamed wherever its name stands."""
        for function, records in functions_at(tree).items():
            name = function.qualname.rpartition(".")[2]
            if is_entry_point(tree, name):
                continue
            renamed = rename_everywhere(tree, name, f"{name}_v2")
            found = definition(tree, function)
            if renamed is not None and found is not None:
                path, node = found
                assert isinstance(node, Function)
                yield Plant(renamed, path, node.lineno, frozenset({name, *records}), f"{name} → {name}_v2")


def _is_of_foreign_base(tree: Tree, found: tuple[str, ast.AST] | None) -> bool:
    return has_foreign_base(tree, None if found is None else tree.class_of(found[1]))


def has_foreign_base(tree: Tree, cls: ast.ClassDef | None) -> bool:
    """Whether a class, or one above it, derives from what is no class of the program.

    Left out: bases of which it is known that they call no methods but special ones.
    """
    pending = [cls]
    seen: set[ast.ClassDef] = set()
    while pending:
        cls = pending.pop()
        if cls is None or cls in seen:
            continue
        seen.add(cls)
        for base in cls.bases:
            plain = base.value if isinstance(base, ast.Subscript) else base
            name = plain.attr if isinstance(plain, ast.Attribute) else getattr(plain, "id", "")
            above = [
                one.node
                for one in tree.occurrences.of_name(name, Part.DEFINITION)
                if isinstance(one.node, ast.ClassDef)
            ]
            if not above and name not in _CALL_NOTHING:
                return True
            pending += above
    return False


def is_entry_point(tree: Tree, name: str) -> bool:
    """Whether the settings name a function or method of that name as a root."""
    return any(one.endswith((f":{name}", f".{name}")) for one in tree.entry_points)


def rename_everywhere(tree: Tree, old: str, new: str) -> dict[str, tuple[Edit, ...]] | None:
    """Return the edits that rename an identifier in all files; None where it also stands in a string."""
    edits: dict[str, list[Edit]] = {}
    for one in tree.occurrences.of_name(old):
        text = tree.texts[one.path]
        node = one.node
        match one.part:
            case Part.STRING | Part.KEY_READ | Part.KEY_WRITTEN:
                if one.path in tree.planted:
                    return None
                continue
            case Part.DEFINITION:
                start = text.content.index(old.encode(), text.offset(node.lineno, node.col_offset))  # type: ignore[attr-defined]
            case Part.LOAD | Part.STORE:
                assert isinstance(node, ast.Attribute)
                start = text.end(node) - len(old.encode())
            case Part.IMPORT:
                assert isinstance(node, ast.alias)
                start = text.content.index(old.encode(), text.offset(node.lineno, node.col_offset))
            case _:
                start = text.offset(node.lineno, node.col_offset)  # type: ignore[attr-defined]
        edits.setdefault(one.path, []).append(Edit(start, start + len(old.encode()), new))
    return {path: tuple(sorted(set(found))) for path, found in edits.items()}


def _is_docstring(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


STAGE_PLANTERS: tuple[Planter, ...] = (NeverCalled(), LeftEarly(), SymbolRenamed())
"""Faults of the functions that records name."""
