"""What an annotation means, as it is written in a module."""

from __future__ import annotations

import ast

from ..source import ClassSymbol, ConstantSymbol, FunctionSymbol, ModuleSymbol, Program
from ..source.program import ExternalSymbol
from .types import NONE, UNKNOWN, ClassObject, External, Instance, Type, TypeVariable, members, union

_TRANSPARENT = {
    "Annotated",
    "Final",
    "ClassVar",
    "Required",
    "NotRequired",
    "ReadOnly",
    "Awaitable",
    "InitVar",
}
_CONTAINERS = {
    "list": "builtins.list",
    "List": "builtins.list",
    "set": "builtins.set",
    "frozenset": "builtins.frozenset",
    "tuple": "builtins.tuple",
    "Tuple": "builtins.tuple",
    "dict": "builtins.dict",
    "Dict": "builtins.dict",
}


def annotated_type(
    program: Program, module: str, annotation: str, *, owner: ClassSymbol | None = None
) -> Type:
    """Return what an annotation, as written in a module, means. `owner` is what `Self` stands for."""
    try:
        tree = ast.parse(annotation.strip(), mode="eval").body
    except SyntaxError:
        return UNKNOWN
    return _Annotation(program, module, owner).type(tree)


class _Annotation:
    def __init__(self, program: Program, module: str, owner: ClassSymbol | None, depth: int = 0) -> None:
        self._program = program
        self._module = module
        self._owner = owner
        self._depth = depth

    def type(self, node: ast.expr) -> Type:
        match node:
            case ast.Constant(value=None):
                return NONE
            case ast.Constant(value=str() as text):
                try:
                    return self.type(ast.parse(text.strip(), mode="eval").body)
                except SyntaxError:
                    return UNKNOWN
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return union(self.type(left), self.type(right))
            case ast.Tuple(elts=elements):  # of `isinstance(x, (A, B))`
                return union(*(self.type(one) for one in elements))
            case ast.Call(func=ast.Name(id="type"), args=[ast.Constant(value=None)]):
                return NONE
            case (
                ast.Call(func=ast.Name(id="type"), args=[ast.Name(id="self")])
                | ast.Attribute(value=ast.Name(id="self"), attr="__class__")
            ):
                return UNKNOWN if self._owner is None else Instance(self._owner)
            case ast.Name() | ast.Attribute():
                return self._named(ast.unparse(node), ())
            case ast.Subscript(value=base, slice=arguments):
                return self._subscript(ast.unparse(base), arguments)
            case _:
                return UNKNOWN

    def _subscript(self, base: str, arguments: ast.expr) -> Type:
        last = base.rpartition(".")[2]
        parts = arguments.elts if isinstance(arguments, ast.Tuple) else [arguments]
        if last == "Optional":
            return union(self.type(parts[0]), NONE)
        if last == "Union":
            return union(*(self.type(part) for part in parts))
        if last in _TRANSPARENT:
            return self.type(parts[0])
        if last == "Coroutine":
            return self.type(parts[-1])
        if last == "Literal":
            return UNKNOWN
        if last in {"type", "Type"}:
            inner = self.type(parts[0])
            if isinstance(inner, TypeVariable):
                return External("builtins.type", (inner,))
            return union(*(ClassObject(one.cls) for one in members(inner) if isinstance(one, Instance)))
        if last == "Callable":
            returned = self.type(parts[-1]) if len(parts) > 1 else UNKNOWN
            taken = parts[0].elts if len(parts) > 1 and isinstance(parts[0], ast.List) else []
            return External("collections.abc.Callable", (returned, *(self.type(one) for one in taken)))
        elements = [part for part in parts if not (isinstance(part, ast.Constant) and part.value is ...)]
        return self._named(base, tuple(self.type(part) for part in elements))

    def _named(self, name: str, arguments: tuple[Type, ...]) -> Type:
        if name in _CONTAINERS:
            return External(_CONTAINERS[name], arguments)
        if name.rpartition(".")[2] == "Self" and self._owner is not None:
            return Instance(self._owner)
        if name.rpartition(".")[2] in _TRANSPARENT:
            return UNKNOWN  # a bare `Final` says nothing of the type
        symbol = self._program.resolve(self._module, name)
        match symbol:
            case ClassSymbol():
                return Instance(symbol, arguments)
            case ExternalSymbol(dotted="typing.Any" | "builtins.object"):
                return UNKNOWN
            case ExternalSymbol(dotted=dotted):
                return External(dotted, arguments)
            case ConstantSymbol(module=module, name=alias) if self._depth < 8:
                return self._alias(module, alias)
            case FunctionSymbol() | ModuleSymbol() | None:
                if self._owner is not None and symbol is None:
                    nested = self._program.member(self._owner, name)
                    if isinstance(nested, ClassSymbol):
                        return Instance(nested)
                return UNKNOWN if symbol is not None else self._local(name)
            case _:
                return UNKNOWN

    def _local(self, name: str) -> Type:
        """A name that the module does not know is of a class inside a function, if only one is called so."""
        module = self._program.modules.get(self._module)
        if module is None or module.star_imports:
            return UNKNOWN
        found = [qualname for qualname in module.classes if qualname.endswith(f".<locals>.{name}")]
        return Instance(ClassSymbol(self._module, found[0])) if len(found) == 1 else UNKNOWN

    def _alias(self, module: str, name: str) -> Type:
        variable = self._program.modules[module].variables[name]
        if variable.default is None:
            return UNKNOWN
        try:
            tree = ast.parse(variable.default.text, mode="eval").body
        except SyntaxError:
            return UNKNOWN
        inner = _Annotation(self._program, module, self._owner, self._depth + 1)
        match tree:
            case ast.Call(
                func=ast.Name(id="TypeVar") | ast.Attribute(attr="TypeVar"), args=[_, *constraints]
            ):
                bounds = [one.value for one in tree.keywords if one.arg == "bound"] or constraints
                return TypeVariable(module, name, union(*(inner.type(one) for one in bounds)))
            case ast.Call(func=ast.Name(id="NewType") | ast.Attribute(attr="NewType"), args=[_, base]):
                return inner.type(base)
            case _:
                return inner.type(tree)
