"""Summarises one file: its imports, classes, functions and the value graphs of their bodies."""

from __future__ import annotations

import ast
import gc
import sys
import warnings
from collections.abc import Collection
from dataclasses import dataclass

from ..source_text import count_lines
from .body import BodyBuilder
from .branches import may_remain, top_level_statements
from .columns import count_characters
from .comments import own_comments
from .constants import ModuleNames
from .declared import default_of, last_name, parameters_of
from .field_names import other_names
from .files import SourceFile
from .model import (
    ClassSummary,
    Default,
    FieldSummary,
    ForeignStore,
    FunctionSummary,
    ModuleSummary,
    Overload,
)
from .packed import packed_parts
from .scope import Scope
from .syntax import FunctionNode, place_of, statements_in
from .written import as_written

TOP_LEVEL = "<module>"
_VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"  # what its parser can read


@dataclass(eq=False)  # not frozen: contextlib sets the traceback of an exception that passes through
class SourceError(Exception):
    """A file that cannot be analysed: where, and why. The rest of the program still can be."""

    path: str
    line: int
    column: int
    reason: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}: {self.reason}"

    @property
    def warning(self) -> str:
        """What a report says of it."""
        return f"warning: {self}; the rest was analysed"


def summarise(file: SourceFile, text: str | bytes, varying: Collection[str] = ()) -> ModuleSummary:
    """Summarise a file's text. The module's names in `varying` are not taken for constants, whatever it looks like.

    Raises:
        SourceError: The text is not Python that this interpreter can parse.
    """
    paused = gc.isenabled()
    gc.disable()  # a syntax tree is millions of objects without a cycle
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what the compiler thinks of the text is not our business
            tree = ast.parse(text, filename=file.shown)
        count_characters(tree, text)
        return _Summariser(file, tree, text, varying).summary()
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise invalid(file, error) from None
    finally:
        if paused:
            gc.enable()


def invalid(file: SourceFile, error: SyntaxError | ValueError | RecursionError | MemoryError) -> SourceError:
    """Return why a file cannot be analysed, from what its parsing raised."""
    match error:
        case SyntaxError():
            line, column = max(error.lineno or 1, 1), max(error.offset or 1, 1)  # 0 and -1: of no line
            return SourceError(file.shown, line, column, f"not valid Python {_VERSION}: {error.msg}")
        case ValueError():
            return SourceError(file.shown, 1, 1, f"not readable as Python: {error}")
        case _:
            return SourceError(file.shown, 1, 1, "nested too deeply to be analysed")


def unreadable(file: SourceFile, error: OSError) -> SourceError:
    """Return why a file cannot be analysed that cannot be read."""
    return SourceError(file.shown, 1, 1, f"cannot be read: {error.strerror}")


class _Summariser:
    def __init__(
        self, file: SourceFile, tree: ast.Module, text: str | bytes, varying: Collection[str]
    ) -> None:
        self._file = file
        self._tree = tree
        self._text = text
        self._varying = varying
        self._sets: set[ForeignStore] = set()
        self._alternatives: dict[str, list[str]] = {}
        self._overloads: dict[str, list[Overload]] = {}
        self._classes: dict[str, ClassSummary] = {}
        self._functions: dict[str, FunctionSummary] = {}
        self._variables: dict[str, FieldSummary] = {}
        self._lambdas = 0
        self._names = ModuleNames({}, {}, frozenset())

    def summary(self) -> ModuleSummary:
        imports: dict[str, str] = {}
        others: dict[str, None] = {}
        stars: list[str] = []

        def bind(name: str, target: str) -> None:
            # On another branch, or in another function: the last one is taken to be meant.
            if imports.get(name, target) != target:
                others[imports[name]] = None
            imports[name] = target

        for node in statements_in(self._tree.body, nested=True):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.asname:
                        bind(alias.asname, alias.name)
                    else:
                        top = alias.name.split(".")[0]
                        imports.setdefault(top, top)
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node)
                for alias in node.names:
                    if alias.name == "*":
                        stars.append(base)
                    else:
                        bind(alias.asname or alias.name, sys.intern(f"{base}.{alias.name}"))
        self._names = ModuleNames.of(
            self._tree, imports, text=self._text, has_star_import=bool(stars), varying=self._varying
        )
        builder = BodyBuilder(TOP_LEVEL, self, module_level=True, enclosing=None)
        builder.body(self._tree.body)
        for statement in top_level_statements(self._tree.body):
            self._define(statement, builder)
        end = packed_parts(1, 1, max(1, _last_line(self._tree)), 1)
        self._functions[TOP_LEVEL] = FunctionSummary(TOP_LEVEL, (), None, (), end, builder.graph())
        return ModuleSummary(
            name=self._file.module,
            path=self._file.shown,
            is_package=self._file.is_package,
            imports=imports,
            star_imports=tuple(stars),
            classes=self._classes,
            functions=self._functions,
            variables=self._variables,
            source_lines=count_lines(self._text),
            alternatives=self._alternatives,
            taken_as_fixed=self._names.taken_as_fixed(self._tree),
            sets=tuple(sorted(self._sets, key=str)),
            comments=own_comments(self._text),
            other_imports=tuple(others),
        )

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self._file.module.split(".")
        drop = node.level - (1 if self._file.is_package else 0)
        kept = package[: len(package) - drop] if drop else package
        return ".".join([*kept, *([node.module] if node.module else [])])

    # -- definitions ----------------------------------------------------------------------------------------

    def _define(self, statement: ast.stmt, top: BodyBuilder) -> None:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._defined(statement, statement.name, self._tree.body, owner=None, enclosing=None)
            case ast.ClassDef():
                self._class(statement, statement.name, enclosing=None)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                self._variables[name] = FieldSummary(
                    name, as_written(annotation), default_of(value), place_of(statement)
                )
            case ast.Assign(targets=targets, value=value):
                for target in targets:
                    if isinstance(target, ast.Name):
                        self._variables[target.id] = FieldSummary(
                            target.id, None, default_of(value), place_of(statement)
                        )
                    elif isinstance(target, ast.Tuple | ast.List):
                        for element in target.elts:
                            if isinstance(element, ast.Name):
                                self._variables[element.id] = FieldSummary(
                                    element.id, None, None, place_of(statement)
                                )
            case _ if isinstance(alias := getattr(statement, "name", None), ast.Name):  # `type Event = A | B`
                self._type_parameters(statement)
                value = getattr(statement, "value", None)
                self._variables[alias.id] = FieldSummary(
                    alias.id, None, default_of(value), place_of(statement)
                )
            case _:
                pass  # defines no name

    @property
    def names(self) -> ModuleNames:
        """What the names of the module are known to be."""
        return self._names

    def sets(self, receiver: str | None, name: str | None) -> None:
        """Take note that an attribute of something other than `self` is set."""
        self._sets.add(ForeignStore(receiver, name))

    def nested_function(self, node: FunctionNode, enclosing: Scope) -> str:
        """Summarise a function or lambda that stands in another body."""
        if isinstance(node, ast.Lambda):
            self._lambdas += 1
            name = f"<lambda:{node.lineno}:{self._lambdas}>"
        else:
            name = node.name
        outer = enclosing.qualname
        qualname = name if outer == TOP_LEVEL else f"{outer}.<locals>.{name}"
        if qualname in self._functions:  # defined in each branch of an `if`: both are there
            qualname = f"{qualname}:{node.lineno}"
        self._function(node, qualname, owner=None, enclosing=enclosing)
        return qualname

    def nested_class(self, node: ast.ClassDef, enclosing: Scope) -> str:
        """Summarise a class that stands in a function."""
        qualname = f"{enclosing.qualname}.<locals>.{node.name}"
        self._class(node, qualname, enclosing=enclosing)
        return qualname

    def _defined(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef,
        qualname: str,
        body: list[ast.stmt],
        *,
        owner: str | None,
        enclosing: Scope | None,
    ) -> None:
        """Summarise a function of a module or a class. What another branch has defined before it stays there too."""
        if qualname in self._functions and may_remain(body, node):
            other = f"{qualname}:{node.lineno}"
            self._alternatives.setdefault(qualname, []).append(other)
            qualname = other
        if any(last_name(decorator) == "overload" for decorator in node.decorator_list):
            declared = tuple(
                (one.name, one.annotation, one.kind, one.default is not None)
                for one in parameters_of(node.args)
            )
            returns = None if node.returns is None else as_written(node.returns)
            self._overloads.setdefault(qualname, []).append((declared, returns))
        self._function(node, qualname, owner=owner, enclosing=enclosing)

    def _function(
        self, node: FunctionNode, qualname: str, *, owner: str | None, enclosing: Scope | None
    ) -> None:
        self._type_parameters(node)
        parameters = tuple(parameters_of(node.args))
        builder = BodyBuilder(qualname, self, module_level=False, enclosing=enclosing)
        builder.parameters(node.args, place_of(node))
        if isinstance(node, ast.Lambda):
            builder.result(node.body)
            decorators: tuple[str, ...] = ()
            returns = None
        else:
            builder.body(node.body)
            decorators = tuple(as_written(decorator) for decorator in node.decorator_list)
            returns = None if node.returns is None else as_written(node.returns)
        if owner is not None and parameters:
            for path, annotation in builder.annotated.items():
                receiver, _, field_name = path.partition(".")
                if receiver == parameters[0].name and "." not in field_name:
                    self._classes[owner].annotated.setdefault(field_name, annotation)
        self._functions[qualname] = FunctionSummary(
            qualname=qualname,
            parameters=parameters,
            returns=returns,
            decorators=decorators,
            place=place_of(node),
            graph=builder.graph(),
            owner=owner,
            enclosing=None if enclosing is None or enclosing.qualname == TOP_LEVEL else enclosing.qualname,
            is_async=isinstance(node, ast.AsyncFunctionDef),
            is_generator=builder.is_generator,
            overloads=tuple(self._overloads.get(qualname, ())),
        )

    def _type_parameters(self, node: ast.AST) -> tuple[str, ...]:
        """Define the type variables of `class Box[T]`, `def f[T]` as a module that spells them out would."""
        names = []
        for one in getattr(node, "type_params", ()):
            bound = getattr(one, "bound", None)
            bounds = bound.elts if isinstance(bound, ast.Tuple) else [] if bound is None else [bound]
            written = ", ".join([repr(one.name), *map(as_written, bounds)])
            kind = type(one).__name__  # a ParamSpec or TypeVarTuple stands for no type
            variable = FieldSummary(one.name, None, Default(f"{kind}({written})", None, False), place_of(one))
            self._variables.setdefault(one.name, variable)
            names.append(one.name)
        return tuple(names)

    def _class(self, node: ast.ClassDef, qualname: str, *, enclosing: Scope | None) -> None:
        fields: dict[str, FieldSummary] = {}
        methods: dict[str, str] = {}
        summary = ClassSummary(
            qualname=qualname,
            bases=tuple(as_written(base) for base in node.bases),
            decorators=tuple(as_written(decorator) for decorator in node.decorator_list),
            fields=fields,
            methods=methods,
            place=place_of(node),
            keywords=tuple((k.arg, as_written(k.value)) for k in node.keywords if k.arg is not None),
            type_parameters=self._type_parameters(node),
        )
        self._classes[qualname] = summary
        for statement in top_level_statements(node.body):
            match statement:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    accessor = _accessor(statement)
                    if accessor is None:
                        methods[name] = f"{qualname}.{name}"
                    elif accessor == "setter":
                        summary.setters[name] = f"{qualname}.{name}.setter"
                    defined = f"{qualname}.{name}{f'.{accessor}' if accessor else ''}"
                    self._defined(statement, defined, node.body, owner=qualname, enclosing=enclosing)
                case ast.ClassDef(name=name):
                    self._class(statement, f"{qualname}.{name}", enclosing=enclosing)
                case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                    written, place = as_written(annotation), place_of(statement)
                    names = other_names(annotation, value)
                    fields[name] = FieldSummary(name, written, default_of(value), place, *names)
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        if isinstance(target, ast.Name):
                            fields[target.id] = FieldSummary(
                                target.id, None, default_of(value), place_of(statement)
                            )
                case _:
                    pass  # docstrings and the like


def _accessor(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    """Return "setter" or "deleter" for a property's second and third function, None for all others."""
    for decorator in node.decorator_list:
        match decorator:
            case ast.Attribute(value=ast.Name(id=name), attr="setter" | "deleter" as kind) if (
                name == node.name
            ):
                return kind
            case _:
                pass  # decorates the function as it is
    return None


def _last_line(tree: ast.Module) -> int:
    return max((getattr(node, "end_lineno", 1) for node in tree.body), default=1)
