"""Receiver types: whose field is it that `x.name` reads?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..source import ClassSymbol, ConstantSymbol, FunctionSymbol, ModuleSymbol, Program
from ..source.model import CallShape, ClassSummary, EffectKind, FunctionSummary, Kind, Narrowing, Node
from ..source.program import ExternalSymbol
from .types import (
    MAPPINGS,
    NONE,
    UNKNOWN,
    ClassObject,
    External,
    ExternalObject,
    FunctionObject,
    Instance,
    ModuleObject,
    SuperObject,
    Type,
    annotated_type,
    members,
    union,
    without,
)

_STEP = 100
_PASSES_ELEMENTS = {"list", "tuple", "set", "frozenset", "sorted", "reversed", "iter", "deque", "filter"}
_SAME_TYPE = {"copy", "deepcopy", "replace", "__copy__", "__enter__"}
_LITERALS = {bool: "bool", int: "int", float: "float", str: "str", bytes: "bytes", complex: "complex"}


@dataclass(frozen=True, slots=True)
class StoredField:
    """A store into a field: which function, which node is stored."""

    function: FunctionSymbol
    value: int


class Inference:
    """Answers what type a node of a value graph has; every answer is computed once."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._types: dict[tuple[FunctionSymbol, int], Type] = {}
        self._through: dict[FunctionSymbol, int] = {}  # up to which node a body's types were asked for
        self._returns: dict[FunctionSymbol, Type] = {}
        self._stored: dict[tuple[ClassSymbol, str], list[StoredField]] = {}
        self._globals: dict[tuple[str, str], list[StoredField]] = {}
        self._implementers: dict[ClassSymbol, tuple[ClassSymbol, ...]] = {}
        self._collect_self_stores()

    def _collect_self_stores(self) -> None:
        for function in self.program.functions():
            summary = self.program.function(function)
            nodes = summary.graph.nodes
            receiver = self._receiver_name(summary)
            for effect in summary.graph.effects:
                if effect.kind is EffectKind.STORE_GLOBAL and effect.name is not None:
                    self._globals.setdefault((function.module, effect.name), []).append(
                        StoredField(function, effect.value)
                    )
                if effect.kind is not EffectKind.STORE_ATTR or summary.owner is None or effect.name is None:
                    continue
                base = nodes[effect.base]
                if base.kind is Kind.PARAM and base.data == receiver:
                    owner = ClassSymbol(function.module, summary.owner)
                    self._stored.setdefault((owner, effect.name), []).append(
                        StoredField(function, effect.value)
                    )

    @staticmethod
    def _receiver_name(summary: FunctionSummary) -> str | None:
        if summary.owner is None or not summary.parameters or "staticmethod" in summary.decorators:
            return None
        return summary.parameters[0].name

    # -- questions ------------------------------------------------------------------------------------------

    def type_of(self, function: FunctionSymbol, index: int) -> Type:
        """Return the type of a node."""
        known = self._types.get((function, index))
        if known is not None:
            return known
        through = self._through.get(function, 0)
        if (
            index > through + _STEP
        ):  # a long body, from its start: what a node is made of mostly stands before it
            self._through[function] = index
            for earlier in range(through, index):
                self._settle(function, earlier)
        return self._settle(function, index)

    def _settle(self, function: FunctionSymbol, index: int) -> Type:
        key = (function, index)
        known = self._types.get(key)
        if known is None:
            self._types[key] = UNKNOWN  # a value that feeds itself
            try:
                known = self._types[key] = self._infer(function, self.program.function(function), index)
            except RecursionError:
                del self._types[key]
                raise
        return known

    def owner_of_field(self, cls: ClassSymbol, name: str) -> ClassSymbol | None:
        """Return the class in the line of `cls` that declares or first stores a field."""
        declared = self.program.field(cls, name)
        if declared is not None:
            return declared[0]
        for one in reversed(self.program.mro(cls)):
            if isinstance(one, ClassSymbol) and (one, name) in self._stored:
                return one
        return None

    def field_stores(self, cls: ClassSymbol, name: str) -> list[StoredField]:
        """Return every store into a field through `self`."""
        return self._stored.get((cls, name), [])

    def global_stores(self, module: str, name: str) -> list[StoredField]:
        """Return every store into a module-level name."""
        return self._globals.get((module, name), [])

    def field_type(self, cls: ClassSymbol, name: str) -> Type | None:
        """Return a field's type, or None where the class has no such field."""
        declared = self.program.field(cls, name)
        if declared is not None and declared[1].annotation is not None:
            return annotated_type(self.program, declared[0].module, declared[1].annotation, owner=cls)
        stores: list[StoredField] = []
        for one in self.program.mro(cls):
            if isinstance(one, ClassSymbol):
                stores += self._stored.get((one, name), [])
        if stores:
            return union(*(self.type_of(store.function, store.value) for store in stores))
        return UNKNOWN if declared is not None else None

    def return_type(self, function: FunctionSymbol) -> Type:
        """Return what a function returns: as annotated, else as its returns show."""
        if function not in self._returns:
            self._returns[function] = UNKNOWN
            summary = self.program.function(function)
            owner = ClassSymbol(function.module, summary.owner) if summary.owner else None
            if summary.returns is not None:
                found = annotated_type(self.program, function.module, summary.returns, owner=owner)
            else:
                returned = [e.value for e in summary.graph.effects if e.kind is EffectKind.RETURN]
                try:
                    found = (
                        union(*(self.type_of(function, value) for value in returned)) if returned else NONE
                    )
                except RecursionError:
                    del self._returns[function]
                    raise
            self._returns[function] = found
        return self._returns[function]

    def constructor(self, cls: ClassSymbol) -> FunctionSymbol | None:
        """Return a class's own or inherited `__init__`, where the program has one."""
        return self.program.method(cls, "__init__")

    def constructor_fields(self, cls: ClassSymbol) -> list[str]:
        """Return the fields that a class without `__init__` takes, in order of declaration, its bases' first."""
        names: dict[str, None] = {}
        for one in reversed(self.program.mro(cls)):
            if isinstance(one, ClassSymbol):
                summary: ClassSummary = self.program.class_(one)
                names.update(
                    (name, None)
                    for name, declared in summary.fields.items()
                    if declared.annotation is not None
                    and "ClassVar" not in declared.annotation
                    and (declared.default is None or declared.default.in_constructor)
                )
        return list(names)

    def positional_fields(self, cls: ClassSymbol) -> list[str]:
        """Return the fields that a class without `__init__` takes by position, in order."""
        keyword_only: set[str] = set()
        for one in self.program.mro(cls):
            if isinstance(one, ClassSymbol):
                summary = self.program.class_(one)
                names = list(summary.fields)
                if any("kw_only=True" in decorator for decorator in summary.decorators):
                    keyword_only.update(names)
                elif "_" in names and "KW_ONLY" in str(summary.fields["_"].annotation):
                    keyword_only.update(names[names.index("_") :])
        return [name for name in self.constructor_fields(cls) if name not in keyword_only]

    def field_at(self, cls: ClassSymbol, position: int) -> str | None:
        """Return the field at a position of a NamedTuple or of a class pattern; None for what iterates itself."""
        names = self.positional_fields(cls)
        special = ("__iter__", "__getitem__", "__init__")
        inside = -len(names) <= position < len(names)
        return names[position] if inside and not any(self.program.method(cls, s) for s in special) else None

    def dispatch(self, function: FunctionSymbol, receiver: Type | None) -> tuple[FunctionSymbol, ...]:
        """Return what a method call may reach: the method, its overrides below, a protocol's implementers."""
        if receiver is None:
            return (function,)
        found = {function: None}
        for one in members(receiver):
            if isinstance(one, Instance):
                below = self.program.subclasses(one.cls)
                if self.program.is_protocol(one.cls):
                    below = [*below, *self.implementers(one.cls)]
                for cls in below:
                    override = self.program.method(cls, function.name)
                    if override is not None:
                        found.setdefault(override)
        return tuple(found)

    def implementers(self, protocol: ClassSymbol) -> tuple[ClassSymbol, ...]:
        """Return the classes that have all methods of a protocol."""
        if protocol not in self._implementers:
            wanted = {name for name in self.program.class_(protocol).methods if name != "__init__"}
            self._implementers[protocol] = tuple(
                cls
                for cls in self.program.classes()
                if cls != protocol and wanted and all(self._offers(cls, protocol, name) for name in wanted)
            )
        return self._implementers[protocol]

    def _offers(self, cls: ClassSymbol, protocol: ClassSymbol, name: str) -> bool:
        """Whether a class has what a protocol asks for: a method, or for a property a field as well."""
        if self.program.method(cls, name) is not None:
            return True
        asked = self.program.method(protocol, name)
        is_readable = asked is not None and is_property(self.program.function(asked))
        return is_readable and self.owner_of_field(cls, name) is not None

    # -- inference ------------------------------------------------------------------------------------------

    def _infer(self, function: FunctionSymbol, summary: FunctionSummary, index: int) -> Type:
        node = summary.graph.nodes[index]
        match node.kind:
            case Kind.CONST:
                name = _LITERALS.get(type(node.data))
                return NONE if name is None else External(f"builtins.{name}")
            case Kind.PARAM:
                return self._parameter(function, summary, name_of(node))
            case Kind.GLOBAL:
                return self._global(function.module, name_of(node))
            case Kind.FREE:
                return self._free(function, name_of(node))
            case Kind.REBOUND:
                setter, values = self.rebound(function, node)
                return union(*(self.type_of(setter, value) for value in values))
            case Kind.FUNCTION:
                qualname = name_of(node)
                if qualname in self.program.modules[function.module].classes:
                    return ClassObject(ClassSymbol(function.module, qualname))
                return FunctionObject(FunctionSymbol(function.module, qualname))
            case Kind.ATTR:
                base = self.type_of(function, node.operands[0])
                return union(*(self.attribute(one, name_of(node)) for one in members(base)))
            case Kind.CALL:
                return self._call(function, node)
            case Kind.PHI:
                return union(*(self.type_of(function, operand) for operand in node.operands))
            case Kind.NARROW:
                return self._narrow(function, summary, node)
            case Kind.ELEMENT:
                return union(
                    *(
                        element(self._iterated(one))
                        for one in members(self.type_of(function, node.operands[0]))
                    )
                )
            case Kind.UNPACK:
                return self._unpack(function, summary, node)
            case Kind.ITEM:
                base = self.type_of(function, node.operands[0])
                position = summary.graph.nodes[node.operands[1]]
                return union(*(self._item(one, position) for one in members(base)))
            case Kind.SEQUENCE:
                inner = union(*(self.type_of(function, operand) for operand in node.operands))
                if node.data == "tuple":
                    return External(
                        "builtins.tuple", tuple(self.type_of(function, operand) for operand in node.operands)
                    )
                return External(f"builtins.{name_of(node)}", (inner,))
            case Kind.DICT:
                inner = union(*(self.type_of(function, operand) for operand in node.operands))
                return External("builtins.dict", (External("builtins.str"), inner))
            case Kind.ENTER:
                return self._enter(self.type_of(function, node.operands[0]))
            case Kind.COMPARE:
                return External("builtins.bool")
            case Kind.OP:
                if node.data in {"f-string", "format"}:
                    return External("builtins.str")
                if node.data == "Not":
                    return External("builtins.bool")
                types = {self.type_of(function, operand) for operand in node.operands}
                return next(iter(types)) if len(types) == 1 else UNKNOWN

    def _parameter(self, function: FunctionSymbol, summary: FunctionSummary, name: str) -> Type:
        if name == self._receiver_name(summary) and summary.owner is not None:
            owner = ClassSymbol(function.module, summary.owner)
            return ClassObject(owner) if "classmethod" in summary.decorators else Instance(owner)
        for parameter in summary.parameters:
            if parameter.name == name and parameter.annotation is not None:
                owner_class = ClassSymbol(function.module, summary.owner) if summary.owner else None
                found = annotated_type(self.program, function.module, parameter.annotation, owner=owner_class)
                if parameter.kind == "args":
                    return External("builtins.tuple", (found,))
                return (
                    External("builtins.dict", (External("builtins.str"), found))
                    if parameter.kind == "kwargs"
                    else found
                )
            if parameter.name == name and parameter.default is not None and parameter.default.is_literal:
                literal = _LITERALS.get(type(parameter.default.literal))
                return External(f"builtins.{literal}") if literal else UNKNOWN
        return UNKNOWN

    def _free(self, function: FunctionSymbol, name: str) -> Type:
        enclosing = self.enclosing_binding(function, name)
        if enclosing is None:
            return UNKNOWN
        outer, values = enclosing
        return union(*(self.type_of(outer, value) for value in values))

    def enclosing_binding(
        self, function: FunctionSymbol, name: str
    ) -> tuple[FunctionSymbol, list[int]] | None:
        """Return the enclosing function that binds a free name, with every value it was given there."""
        summary = self.program.function(function)
        while summary.enclosing is not None:
            outer = FunctionSymbol(function.module, summary.enclosing)
            summary = self.program.function(outer)
            if name in summary.graph.bindings:
                return outer, summary.graph.bindings[name]
        return None

    def rebound(self, function: FunctionSymbol, node: Node) -> tuple[FunctionSymbol, list[int]]:
        """Return a nested function and every value that it gives a name of `function` by `nonlocal`."""
        assert isinstance(node.data, tuple)
        qualname, name = node.data
        inner = FunctionSymbol(function.module, str(qualname))
        return inner, self.program.function(inner).graph.bindings.get(str(name), [])

    def _global(self, module: str, name: str) -> Type:
        return self._symbol_type(self.program.resolve(module, name))

    def _symbol_type(self, symbol: object) -> Type:
        match symbol:
            case ClassSymbol():
                return ClassObject(symbol)
            case FunctionSymbol():
                return FunctionObject(symbol)
            case ModuleSymbol(name=name):
                return ModuleObject(name)
            case ConstantSymbol(module=module, name=name):
                variable = self.program.modules[module].variables.get(name)
                if variable is not None and variable.annotation is not None:
                    return annotated_type(self.program, module, variable.annotation)
                stores = self._globals.get((module, name), [])
                return union(*(self.type_of(store.function, store.value) for store in stores))
            case ExternalSymbol(dotted=dotted):
                return ExternalObject(dotted)
            case _:
                return UNKNOWN

    def attribute(self, base: Type, name: str) -> Type:
        """Return the type of `base.name` for one alternative of a receiver."""
        match base:
            case Instance(cls=cls):
                method = self.program.method(cls, name)
                if method is not None:
                    if is_property(self.program.function(method)):
                        return self.return_type(method)
                    return FunctionObject(method, base)
                found = self.field_type(cls, name)
                if found is not None:
                    return found
                if any(isinstance(one, ExternalSymbol) for one in self.program.mro(cls)):
                    return ExternalObject(f"?.{name}", base)
                return UNKNOWN
            case ClassObject(cls=cls):
                member = self.program.member(cls, name)
                if isinstance(member, FunctionSymbol):
                    return FunctionObject(
                        member, base if "classmethod" in self.program.function(member).decorators else None
                    )
                if isinstance(member, ClassSymbol):
                    return ClassObject(member)
                if self.program.field(cls, name) is not None:
                    enum_like = any(
                        isinstance(one, ExternalSymbol) and "Enum" in one.dotted
                        for one in self.program.mro(cls)
                    )
                    found = self.field_type(cls, name)
                    return Instance(cls) if enum_like or found is None else found
                return UNKNOWN
            case ModuleObject(name=module):
                return self._symbol_type(self.program.member(ModuleSymbol(module), name))
            case SuperObject(cls=cls):
                return self._above(cls, name)
            case ExternalObject(dotted=dotted, receiver=receiver):
                return ExternalObject(f"{dotted}.{name}", None if receiver is None else base)
            case External():
                return ExternalObject(f"{base.dotted}.{name}", base)
            case _:
                return UNKNOWN

    def method_above(self, cls: ClassSymbol, name: str) -> FunctionSymbol | None:
        """Return what `super().name` is: the next definition above, which no override below replaces."""
        for one in self.program.mro(cls)[1:]:
            if isinstance(one, ClassSymbol) and name in self.program.class_(one).methods:
                return FunctionSymbol(one.module, self.program.class_(one).methods[name])
        return None

    def _above(self, cls: ClassSymbol, name: str) -> Type:
        method = self.method_above(cls, name)
        if method is None:
            foreign = any(isinstance(one, ExternalSymbol) for one in self.program.mro(cls)[1:])
            return ExternalObject(f"?.{name}", Instance(cls)) if foreign else UNKNOWN
        if is_property(self.program.function(method)):
            return self.return_type(method)
        return FunctionObject(method, ClassObject(cls))

    def _super(self, function: FunctionSymbol, arguments: Sequence[int]) -> Type:
        if arguments:
            first = self.type_of(function, arguments[0])
            return SuperObject(first.cls) if isinstance(first, ClassObject) else UNKNOWN
        summary = self.program.function(function)
        while summary.owner is None and summary.enclosing is not None:
            summary = self.program.function(FunctionSymbol(function.module, summary.enclosing))
        return UNKNOWN if summary.owner is None else SuperObject(ClassSymbol(function.module, summary.owner))

    def _call(self, function: FunctionSymbol, node: Node) -> Type:
        callee = self.type_of(function, node.operands[0])
        shape = node.data
        assert isinstance(shape, CallShape)
        arguments = node.operands[1 : 1 + shape.positional]
        return union(*(self._called(function, one, arguments) for one in members(callee)))

    def _called(self, function: FunctionSymbol, callee: Type, arguments: Sequence[int]) -> Type:
        match callee:
            case ClassObject(cls=cls):
                return Instance(cls)
            case FunctionObject(function=called, receiver=receiver):
                summary = self.program.function(called)
                if summary.returns is not None and summary.returns.strip("'\"").endswith("Self"):
                    one = next(iter(members(receiver)), UNKNOWN) if receiver is not None else UNKNOWN
                    return Instance(one.cls) if isinstance(one, ClassObject) else one
                return self.return_type(called)
            case Instance(cls=cls):
                method = self.program.method(cls, "__call__")
                return self.return_type(method) if method else UNKNOWN
            case External(dotted="collections.abc.Callable", arguments=(returned, *_)):
                return returned
            case ExternalObject(dotted=dotted, receiver=receiver):
                return self._external_call(function, dotted, receiver, arguments)
            case _:
                return UNKNOWN

    def _external_call(
        self, function: FunctionSymbol, dotted: str, receiver: Type | None, arguments: Sequence[int]
    ) -> Type:
        name = dotted.rpartition(".")[2]
        if isinstance(receiver, External):
            return _method_result(receiver, name)
        if dotted == "builtins.super":
            return self._super(function, arguments)
        if not arguments:
            return External(dotted)
        first = self.type_of(function, arguments[0])
        if name == "cast":
            return self._cast(function, arguments[0])
        if name in _SAME_TYPE:
            return first
        inner = union(*(element(self._iterated(one)) for one in members(first)))
        if name in _PASSES_ELEMENTS:
            return External(dotted, (inner,))
        if name in {"next", "min", "max"} and len(arguments) == 1:
            return inner
        if name == "enumerate":
            return External("builtins.list", (External("builtins.tuple", (External("builtins.int"), inner)),))
        if name == "zip":
            inners = tuple(
                union(*(element(self._iterated(one)) for one in members(self.type_of(function, argument))))
                for argument in arguments
            )
            return External("builtins.list", (External("builtins.tuple", inners),))
        if dotted.startswith("?."):
            return UNKNOWN
        return External(dotted)

    def _cast(self, function: FunctionSymbol, index: int) -> Type:
        node = self.program.function(function).graph.nodes[index]
        if node.kind is Kind.CONST and isinstance(node.data, str):
            return annotated_type(self.program, function.module, node.data)
        found = self.type_of(function, index)
        return Instance(found.cls) if isinstance(found, ClassObject) else UNKNOWN

    def _narrow(self, function: FunctionSymbol, summary: FunctionSummary, node: Node) -> Type:
        narrowing = node.data
        assert isinstance(narrowing, Narrowing)
        value = self.type_of(function, node.operands[0])
        owner = ClassSymbol(function.module, summary.owner) if summary.owner else None
        named = union(
            *(
                annotated_type(self.program, function.module, written.removeprefix(": "), owner=owner)
                for written in narrowing.types
            )
        )
        if not narrowing.holds:
            return without(value, named)
        return value if named is UNKNOWN else named

    def _unpack(self, function: FunctionSymbol, summary: FunctionSummary, node: Node) -> Type:
        position = node.data
        found: list[Type] = []
        for one in members(self.type_of(function, node.operands[0])):
            if isinstance(one, Instance) and isinstance(position, int):
                name = self.field_at(one.cls, position)
                known = None if name is None else self.field_type(one.cls, name)
                found.append(element(self._iterated(one)) if known is None else known)
            elif isinstance(one, External) and one.dotted == "builtins.tuple" and isinstance(position, int):
                if position < len(one.arguments):
                    found.append(one.arguments[position])
                else:
                    found.append(one.arguments[0] if one.arguments else UNKNOWN)
            else:
                found.append(element(self._iterated(one)))
        return union(*found)

    def _item(self, base: Type, position: Node) -> Type:
        if isinstance(base, External):
            if (
                base.dotted == "builtins.tuple"
                and isinstance(position.data, int)
                and not isinstance(position.data, bool)
            ):
                inside = -len(base.arguments) <= position.data < len(base.arguments)
                return base.arguments[position.data] if inside else element(base)
            if base.dotted.rpartition(".")[2] in MAPPINGS:
                return base.arguments[1] if len(base.arguments) > 1 else UNKNOWN
            return element(base)
        if isinstance(base, Instance):
            getter = self.program.method(base.cls, "__getitem__")
            if getter is not None:
                return self.return_type(getter)
            if isinstance(position.data, int) and position.kind is Kind.CONST:
                name = self.field_at(base.cls, position.data)
                known = None if name is None else self.field_type(base.cls, name)
                return UNKNOWN if known is None else known
        return UNKNOWN

    def _iterated(self, base: Type) -> Type:
        if isinstance(base, Instance):
            iterate = self.program.method(base.cls, "__iter__")
            return self.return_type(iterate) if iterate else UNKNOWN
        return base

    def _enter(self, manager: Type) -> Type:
        found: list[Type] = []
        for one in members(manager):
            enter = self.program.method(one.cls, "__enter__") if isinstance(one, Instance) else None
            if enter is not None:
                returned = self.return_type(enter)
                found.append(one if returned is UNKNOWN else returned)
            elif isinstance(one, External) and one.arguments:
                found.append(one.arguments[0])  # @contextmanager: Iterator[T]
            else:
                found.append(one)
        return union(*found)


def name_of(node: Node) -> str:
    """Return the name that a node holds: of a parameter, a global, an attribute, a function."""
    assert isinstance(node.data, str)
    return node.data


def is_property(summary: FunctionSummary) -> bool:
    """Whether a method is read like a field."""
    return any(
        decorator.rpartition(".")[2] in {"property", "cached_property"} for decorator in summary.decorators
    )


def element(container: Type) -> Type:
    """Return what iterating over a container gives."""
    if not isinstance(container, External) or not container.arguments:
        return UNKNOWN
    if container.dotted == "builtins.tuple":
        return union(*container.arguments)
    return container.arguments[0]


def _method_result(receiver: External, name: str) -> Type:
    arguments = receiver.arguments
    kind = receiver.dotted.rpartition(".")[2]
    if name in {"copy", "__copy__"}:
        return receiver
    if kind in MAPPINGS and len(arguments) > 1:
        key, value = arguments[0], arguments[1]
        results: dict[str, Type] = {
            "get": union(value, NONE),
            "pop": value,
            "setdefault": value,
            "values": External("builtins.list", (value,)),
            "keys": External("builtins.list", (key,)),
            "items": External("builtins.list", (External("builtins.tuple", (key, value)),)),
        }
        return results.get(name, UNKNOWN)
    if arguments and name in {"pop", "popleft", "get", "get_nowait", "popitem", "result"}:
        return arguments[0]
    if receiver.dotted == "builtins.str":
        return External("builtins.str")
    return UNKNOWN
