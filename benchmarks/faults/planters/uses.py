"""Faults of uses with no record: functions, classes, parameters, flags and handlers that nobody needs any more."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from telewire.verify.audit.words.flags import is_config_class, is_flag_name

from ..occurrences import Occurrence, Part
from ..plant import FOREIGN_BASE, OFFERED, Plant, Planter
from ..tree import Function, Tree
from .audited import NAMES, AuditPlanter, last_name, plant, planted_only
from .stages import call_of, has_foreign_base

_USES = (Part.NAME, Part.LOAD, Part.STRING, Part.KEY_READ, Part.KEY_WRITTEN)


def only_use(tree: Tree, definition: Occurrence, name: str) -> Occurrence | None:
    """Return the one place that uses a function or class, annotations and exports left out; None if not one.

    Left out: names that are defined twice (an override, an overload), or decorated: others may call those.
    """
    if len(tree.occurrences.of_name(name, Part.DEFINITION)) != 1 or getattr(
        definition.node, "decorator_list", []
    ):
        return None
    uses = [one for one in tree.occurrences.of_name(name, *_USES) if not is_idle(tree, one)]
    return uses[0] if len(uses) == 1 and planted_only(tree, uses[0]) else None


def why_undecidable(tree: Tree, function: Function) -> str:
    """Return who beside the program may call a function; empty where nobody does."""
    owner = tree.class_of(function)
    if tree.offers(function.name, *(() if owner is None else (owner.name,))):
        return OFFERED
    return FOREIGN_BASE if has_foreign_base(tree, owner) else ""


def is_idle(tree: Tree, use: Occurrence) -> bool:
    """Whether a place only names something: an annotation, or an entry of `__all__`."""
    node = use.node
    for above in tree.ancestors(node):
        match above:
            case ast.Assign(targets=[ast.Name(id="__all__")]):
                return True
            case ast.arg(annotation=annotation) if annotation is not None:
                return True
            case ast.AnnAssign(annotation=annotation) if _holds(annotation, node):
                return True
            case ast.FunctionDef(returns=returns) | ast.AsyncFunctionDef(returns=returns) if (
                returns is not None
            ):
                return _holds(returns, node)
            case ast.stmt():
                return False
            case _:
                pass
    return False


def _holds(tree: ast.AST, node: ast.AST) -> bool:
    return any(one is node for one in ast.walk(tree))


class FunctionUnused(AuditPlanter):
    """The only call of a function that makes, checks or sends telemetry is gone."""

    fault = "telemetry function never called"
    rules = ("TW509",)

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each telemetry function with one call."""
        for path in tree.planted:
            for node in ast.walk(tree.modules[path]):
                if not isinstance(node, Function) or not NAMES.is_function(node.name):
                    continue
                use = only_use(tree, Occurrence(path, Part.DEFINITION, node), node.name)
                call = None if use is None else call_of(tree, use.node)
                if use is None or call is None or tree.function(call) is node:
                    continue
                text = tree.texts[use.path]
                statement = tree.statement(call)
                whole = isinstance(statement, ast.Expr) and statement.value in {call, tree.parent(call)}
                edit = text.drop(statement) if whole else text.replace(call, "None")
                why = why_undecidable(tree, node)
                yield plant(text, call, {node.name}, f"{node.name}()", edit, undecidable=why)


class ClassUnused(AuditPlanter):
    """The only construction of a telemetry class is gone.

    Left out: classes with subclasses, or that are named anywhere else.
    """

    fault = "telemetry class never constructed"
    rules = ("TW510", "TW509", "TW511")  # TW511 where it is an event that handlers wait for

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each telemetry class that is constructed at one place."""
        for path in tree.planted:
            for node in ast.walk(tree.modules[path]):
                if not isinstance(node, ast.ClassDef) or not NAMES.is_class(node.name):
                    continue
                uses = [
                    one
                    for one in tree.occurrences.of_name(node.name, *_USES)
                    if not is_idle(tree, one) and not _is_checked(tree, one)
                ]
                if len(uses) != 1 or not planted_only(tree, *uses):
                    continue
                call = call_of(tree, uses[0].node)
                if call is not None:
                    text = tree.texts[uses[0].path]
                    why = OFFERED if tree.offers(node.name) else ""
                    edit = text.replace(call, "None")
                    yield plant(text, call, {node.name}, f"{node.name}(…)", edit, undecidable=why)


def _is_checked(tree: Tree, use: Occurrence) -> bool:
    """Whether a class is only compared with: `isinstance(x, Class)`."""
    return any(
        isinstance(above, ast.Call) and last_name(above.func) in {"isinstance", "issubclass"}
        for above in tree.ancestors(use.node)
        if not isinstance(above, ast.stmt)
    )


class HandlerUnhooked(AuditPlanter):
    """The only place that registers a handler is gone: it is passed to nobody, and nobody calls it."""

    fault = "handler never registered"
    rules = ("TW509", "TW511")

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each handler (`on_…`, `handle_…`, `…_callback`, telemetry) that one call statement is given."""
        for path in tree.planted:
            for node in ast.walk(tree.modules[path]):
                if not isinstance(node, Function) or not _handles(node.name):
                    continue
                use = only_use(tree, Occurrence(path, Part.DEFINITION, node), node.name)
                if use is None or call_of(tree, use.node) is not None:
                    continue
                statement = tree.statement(use.node)
                if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
                    text = tree.texts[use.path]
                    why = why_undecidable(tree, node)
                    edit = text.drop(statement)
                    yield plant(text, statement, {node.name}, node.name, edit, undecidable=why)


def _handles(name: str) -> bool:
    bare = name.lstrip("_")
    return (
        bare.startswith(("on_", "handle_"))
        or bare.endswith(("_callback", "_handler"))
        or NAMES.is_function(name)
    )


class ParameterUnused(AuditPlanter):
    """A parameter is no longer passed to the object that is built inside, which has a field of its name."""

    fault = "parameter not passed on"
    rules = ("TW507", "TW506")

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each parameter whose only use is `Class(name=name)`, where `Class` is of this program.

        Left out: fields with no default, whose omission fails at once, and decorated functions: a framework may
        decide what they take.
        """
        for path in tree.planted:
            text = tree.texts[path]
            for node in ast.walk(tree.modules[path]):
                match node:
                    case ast.keyword(arg=str(arg), value=ast.Name(id=name)) if arg == name:
                        call = tree.parent(node)
                        function = tree.function(node)
                        if function is None or not isinstance(call, ast.Call):
                            continue
                        if (
                            function.decorator_list
                            or not _has_parameter(function, name)
                            or not _defaults(tree, call, name)
                        ):
                            continue
                        uses = [
                            one for one in ast.walk(function) if isinstance(one, ast.Name) and one.id == name
                        ]
                        if len(uses) == 1:
                            what = f"{function.name}({name})"
                            yield plant(text, node, {name}, what, text.drop_keyword(node))


def _has_parameter(function: Function, name: str) -> bool:
    arguments = function.args
    return any(one.arg == name for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs))


def _defaults(tree: Tree, call: ast.Call, name: str) -> bool:
    """Whether a call constructs a class of the program that declares the field with a default."""
    if not isinstance(call.func, ast.Name):
        return False  # `nn.Transformer(…)` is not the program's own `Transformer`
    called = call.func.id
    for one in tree.occurrences.of_name(called, Part.DEFINITION):
        if not isinstance(one.node, ast.ClassDef):
            continue
        for statement in one.node.body:
            match statement:
                case ast.AnnAssign(target=ast.Name(id=declared), value=value) if declared == name:
                    return value is not None
                case ast.FunctionDef(name="__init__", args=arguments):
                    optional = [
                        *arguments.args[len(arguments.args) - len(arguments.defaults) :],
                        *(
                            argument
                            for argument, default in zip(
                                arguments.kwonlyargs, arguments.kw_defaults, strict=True
                            )
                            if default is not None
                        ),
                    ]
                    if any(argument.arg == name for argument in optional):
                        return True
                case _:
                    pass
    return False


class FlagIgnored(AuditPlanter):
    """A setting that was consulted once is consulted no more: its branch is always taken.

    A setting is what the audit takes for one: true or false, in a configuration class or named as a switch.
    """

    fault = "flag never consulted"
    rules = ("TW514", "TW503")

    def plants(self, tree: Tree) -> Iterator[Plant]:
        """Yield each boolean field (`self.x = x` with `x: bool`, or `x: bool = …`) that one test reads."""
        for path in tree.planted:
            for node in ast.walk(tree.modules[path]):
                match node:
                    case ast.Attribute(attr=name, ctx=ast.Load()) if self._is_flag(tree, name):
                        reads = tree.occurrences.of_name(name, Part.LOAD, Part.STRING, Part.KEY_READ)
                        if len(reads) == 1 and _is_test(tree, node):
                            text = tree.texts[path]
                            yield plant(text, node, {name}, name, text.replace(node, "True"))
                    case _:
                        pass

    def _is_flag(self, tree: Tree, name: str) -> bool:
        for one in tree.occurrences.of_name(name, Part.DECLARATION, Part.PARAMETER):
            annotation = getattr(one.node, "annotation", None)
            if not isinstance(annotation, ast.Name) or annotation.id != "bool":
                continue
            owner = tree.class_of(one.node)
            if is_flag_name(name) or (owner is not None and is_config_class(owner.name)):
                return bool(tree.occurrences.of_name(name, Part.STORE, Part.DECLARATION))
        return False


def _is_test(tree: Tree, node: ast.AST) -> bool:
    below = node
    for above in tree.ancestors(node):
        match above:
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
                return test is below
            case ast.BoolOp() | ast.UnaryOp(op=ast.Not()):
                below = above
            case _:
                return False
    return False


USE_PLANTERS: tuple[Planter, ...] = (
    FunctionUnused(),
    ClassUnused(),
    HandlerUnhooked(),
    ParameterUnused(),
    FlagIgnored(),
)
"""Faults of uses, found with no record."""
