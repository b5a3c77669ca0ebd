"""Finds how a program handles objects as wholes: looks through every body and every class once."""

from __future__ import annotations

from ...flow import Flow
from ...flow.names import HANDED_ON, STARTERS
from ...flow.trail import Spot, UseKind
from ...flow.types import (
    UNKNOWN,
    ClassObject,
    External,
    ExternalObject,
    FunctionObject,
    Instance,
    ModuleObject,
    Type,
    members,
)
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import CallShape, EffectKind, Kind, Node
from ...source.program import ExternalSymbol
from ..words.record_classes import shows_fields
from .audience import Audience
from .factories import factories_of, lambdas
from .handling import TURNS_INTO_OTHERS, Handed, Handling, classes_in
from .known_calls import (
    BUILDING_BASES,
    CARRIES_ON,
    CARRIES_ON_AS,
    DECODES,
    KNOWN_DECORATORS,
    LOOKS_ONLY,
    PLAIN_BASES,
    TURNS_INTO_MAPPING,
)
from .own_models import own_models

_TEXT = "a text"
_TABLE = "a table"
_CODE_FOR_ATTRIBUTES = (
    "__setattr__",
    "__getattribute__",
    "__getattr__",
    "__new__",
)
_CODE_FOR_RESTORING = ("__setstate__", "__reduce__")
_RUN_BY_THE_LANGUAGE = {
    "__enter__",
    "__aenter__",
    "__iter__",
    "__aiter__",
    "__next__",
    "__anext__",
    "__getitem__",
}
_NAMES_OF_A_CLASS = {"__name__", "__qualname__", "__module__", "__doc__"}
_READS_BY_NAME = {"getattr", "__getattribute__"}


def handling_of(flow: Flow, audience: Audience) -> Handling:
    """Look through a program."""
    handling = Handling(flow.facts, factories=frozenset(lambdas(flow.facts)))
    for function in flow.program.functions():
        _Body(handling, function, knows_callbacks=not audience.is_library).look()
    for one in flow.program.classes():
        _declared(handling, one)
    for model in list(own_models(handling, audience)):
        handling.models[model] = handling.filled_outside.pop(model)
    _export_what_they_hold(handling)
    _build_what_they_hold(handling)
    return handling


def _declared(handling: Handling, cls: ClassSymbol) -> None:
    """A class may be filled by its bases, its decorators or its own code."""
    program = handling.facts.program
    summary = program.class_(cls)
    for base in program.mro(cls):
        if isinstance(base, ExternalSymbol) and base.dotted.rpartition(".")[2] not in PLAIN_BASES:
            known = base.dotted.partition(".")[0] in BUILDING_BASES
            why = f"its base {base.dotted} fills it" if known else base.dotted
            handling.filled_outside.setdefault(cls, why)
    for decorator in summary.decorators:
        if decorator.partition("(")[0].rpartition(".")[2] not in KNOWN_DECORATORS:
            handling.filled_outside.setdefault(cls, f"decorated with @{decorator}")
    if any(name in summary.methods for name in _CODE_FOR_ATTRIBUTES) or summary.keywords:
        handling.filled_outside.setdefault(cls, "has code of its own for attributes")
    if any(name in summary.methods for name in _CODE_FOR_RESTORING):
        handling.built_outside.setdefault(cls, "is restored by code of its own")


def _export_what_they_hold(handling: Handling) -> None:
    """An object that is turned into something else as a whole takes along the objects in its fields.

    So does one whose fields are read by computed names: `{name: getattr(part, name) for name in names}`.
    """
    program, inference = handling.facts.program, handling.facts.inference
    read = handling.facts.read_by_any_name
    pending = [*handling.exported, *(cls for cls in handling.computed_names if cls in read)]
    seen = set(pending)
    while pending:
        cls = pending.pop()
        handed = handling.exported.get(cls) or handling.computed_names[cls]
        for one in (cls, *program.subclasses(cls)):
            known = [
                inference.annotated(one.module, declared.annotation, one)
                for declared in program.class_(one).fields.values()
                if declared.annotation is not None
            ]
            if cls in read:
                kept = (inference.field_type(one, name) for name in handling.attributes.get(one, ()))
                known += [found for found in kept if found is not None]
            for held in (inner for found in known for inner in classes_in(found)):
                handling.exported.setdefault(held, handed)
                if held not in seen:
                    seen.add(held)
                    pending.append(held)


def _build_what_they_hold(handling: Handling) -> None:
    """Who makes an object out of data makes the objects in its fields as well."""
    program, inference = handling.facts.program, handling.facts.inference
    pending = [*handling.built_outside]
    pending += [cls for cls in handling.filled_outside if _is_built_by_base(handling, cls)]
    while pending:
        cls = pending.pop()
        for declared in program.class_(cls).fields.values():
            if declared.annotation is None:
                continue
            for held in classes_in(inference.annotated(cls.module, declared.annotation, cls)):
                if held not in handling.built_outside:
                    handling.built_outside[held] = f"held by {cls.qualname}"
                    pending.append(held)


def _is_built_by_base(handling: Handling, cls: ClassSymbol) -> bool:
    outside = (one for one in handling.facts.program.mro(cls) if isinstance(one, ExternalSymbol))
    return any(one.dotted.partition(".")[0] in BUILDING_BASES for one in outside)


def _is_callback(one: Type) -> bool:
    """Whether a type says no more than that something can be called."""
    return isinstance(one, External) and one.dotted.rpartition(".")[2] == "Callable"


class _Body:
    """Looks through one function. Who uses an application hands it no callbacks that it does not know."""

    def __init__(self, handling: Handling, function: FunctionSymbol, *, knows_callbacks: bool) -> None:
        self._handling = handling
        self._knows_callbacks = knows_callbacks
        self._facts = handling.facts
        self._function = function
        self._program = handling.facts.program
        self._nodes = self._program.function(function).graph.nodes

    def look(self) -> None:
        strings: set[int] = set()
        keys: set[int] = set()
        for index, node in enumerate(self._nodes):
            kind = node.kind
            if kind is Kind.CALL:
                self._call(index, node, keys)
            elif kind is Kind.CONST:
                if isinstance(node.data, str) and node.data.isidentifier():
                    strings.add(index)
            elif kind is Kind.ITEM:
                keys.add(node.operands[1])
            elif kind is Kind.OP and node.data in {"f-string", "format", "repr"}:
                for operand in node.operands:
                    self._hand_over(operand, index, _TEXT)
            elif kind is Kind.ATTR and node.data in {"__dict__", "__slots__"}:
                self._hand_over(node.operands[0], index, str(node.data), computed=True, is_store=True)
        self._handling.strings.update(str(self._nodes[index].data) for index in strings - keys)
        graph = self._program.function(self._function).graph
        for effect in graph.effects:
            if effect.kind is EffectKind.STORE_ATTR:
                self._handling.stores.setdefault(str(effect.name), []).append((self._function, effect))
                owner = self._types(effect.base)
                if owner and all(isinstance(one, External | ExternalObject) for one in owner):
                    self._hand_over(effect.value, effect.value, str(effect.name))
            elif effect.kind in {EffectKind.RETURN, EffectKind.YIELD} and self._is_called_by_others():
                caller = f"whoever calls {self._function.qualname}"
                self._hand_over(effect.value, effect.value, caller, into=self._handling.given_back)
        self._class_objects()

    def _is_called_by_others(self) -> bool:
        """Whether no call of the function is seen, and it is no `lambda` that is a factory.

        What the language calls in an application is no method for others: who gets its result is followed by type.
        """
        is_factory = self._function in self._handling.factories
        is_ours = self._knows_callbacks and self._function.name in _RUN_BY_THE_LANGUAGE
        return not is_factory and not is_ours and not self._facts.call_sites.get(self._function)

    def _types(self, index: int) -> tuple[Type, ...]:
        return members(self._facts.inference.type_of(self._function, index))

    # -- calls ------------------------------------------------------------------------------------------------------

    def _call(self, index: int, node: Node, keys: set[int]) -> None:
        callee = self._nodes[node.operands[0]]
        name = str(callee.data) if callee.kind in {Kind.GLOBAL, Kind.ATTR} else ""
        shape = node.data
        assert isinstance(shape, CallShape)
        if name in {"get", "pop", "setdefault"} and callee.kind is Kind.ATTR and len(node.operands) > 1:
            keys.add(node.operands[1])
        types = self._types(node.operands[0])
        outside = not types
        for one in types:
            if isinstance(one, ClassObject):
                for cls in self._facts.inference.own_class.made_by(self._function, one):
                    self._handling.constructions.setdefault(cls, []).append((self._function, index))
                    if shape.starred:
                        self._handling.built_outside.setdefault(cls, "built from a sequence")
            elif not self._is_own_call(one):
                outside = True
        if not outside:
            return
        if not types or UNKNOWN in types or name in {"replace", "_replace", "evolve", "copy", "partial"}:
            self._handling.keywords.update(keyword for keyword in shape.keywords if keyword is not None)
        if name in {"setattr", "getattr", "delattr", "__setattr__", "__getattribute__"}:
            self._by_name(index, node, callee)
            return
        if name in LOOKS_ONLY or name in CARRIES_ON or self._runs_own(node, shape, name):
            return
        if types and all(isinstance(one, ExternalObject) and one.dotted in CARRIES_ON_AS for one in types):
            return
        if self._calls_own(types, node.operands[0]):
            return
        for operand in node.operands[1:]:
            self._hand_over(
                operand, index, name, computed=name in {"fields", "vars"}, is_store=name == "vars"
            )
        if callee.kind is Kind.ATTR and name in TURNS_INTO_MAPPING:
            self._hand_over(callee.operands[0], index, name)

    def _is_own_call(self, one: Type) -> bool:
        """Whether calling something runs a function of the program: a method of an object that is called, too."""
        if isinstance(one, Instance):
            return self._program.method(one.cls, "__call__") is not None
        return isinstance(one, FunctionObject) and not self._is_brought(one)

    def _runs_own(self, node: Node, shape: CallShape, name: str) -> bool:
        """Whether what is called has a function of the program run: what it hands on stays inside.

        `Thread(target=work, args=(config,))`, `loop.call_soon_threadsafe(self._dispatch, message)`.
        """
        target: int | None = None
        if name in STARTERS and "target" in shape.keywords:
            target = node.operands[1 + shape.positional + shape.keywords.index("target")]
        elif name in HANDED_ON and name != "partial" and shape.positional > HANDED_ON[name]:
            target = node.operands[1 + HANDED_ON[name]]
        return target is not None and bool(self._facts.sources.callables.of(self._function, target))

    def _calls_own(self, types: tuple[Type, ...], called: int) -> bool:
        """Whether what is called are functions that the program brings: `for hook in self._hooks: hook(state)`."""
        is_callback = self._knows_callbacks and all(map(_is_callback, types))
        return is_callback and bool(self._facts.sources.callables.of(self._function, called))

    def _is_brought(self, called: FunctionObject) -> bool:
        """Whether a method is one of a protocol that no class of the program fits: users bring the object."""
        owner = self._program.function(called.function).owner
        if owner is None or not self._program.is_protocol(ClassSymbol(called.function.module, owner)):
            return False
        return {*self._facts.inference.dispatch(called.function, called.receiver)} <= {called.function}

    def _by_name(self, index: int, node: Node, callee: Node) -> None:
        """`setattr(x, name, value)`: of `object.__setattr__(self, name, value)` as well."""
        if len(node.operands) < 3:
            if callee.kind is Kind.ATTR and len(node.operands) == 2:
                self._handling.computes_any_name = True
            return
        is_store = callee.data not in _READS_BY_NAME
        name = self._nodes[node.operands[2]]
        if name.kind is Kind.CONST and isinstance(name.data, str):
            if callee.kind is Kind.ATTR:
                self._handling.keywords.add(name.data)
            return
        if callee.kind is Kind.GLOBAL and self._lists_names(node, is_store=is_store):
            return
        if callee.data == "getattr" and self._is_only_called(index):
            return  # what has that name is a method, and no field
        self._hand_over(node.operands[1], index, "a computed name", computed=True, is_store=is_store)

    def _lists_names(self, node: Node, *, is_store: bool) -> bool:
        """Whether a name is one of a few that are known, of objects that are: `for name in ("loss", "kl"): ...`."""
        rounds, is_all = self._facts.sources.keys.rounds(self._function, node.operands[2])
        types = self._types(node.operands[1])
        if not is_all or not types or not all(isinstance(one, Instance) for one in types):
            return False
        for one in types:
            if isinstance(one, Instance):
                names = {name for _, name in rounds}
                self._handling.listed_names.setdefault(one.cls, set()).update(names)
                if is_store:
                    self._handling.stored_listed_names.setdefault(one.cls, set()).update(names)
        return True

    def _is_only_called(self, start: int) -> bool:
        """Whether a value is called, and beside that only asked whether it can be."""
        users, effects = self._facts.whereabouts.users(self._function)
        pending, seen, is_called = [start], {start}, False
        while pending:
            current = pending.pop()
            if effects.get(current):
                return False
            for index in users.get(current, ()):
                user = self._nodes[index]
                if user.kind is Kind.CALL and user.operands[0] == current:
                    is_called = True
                elif user.kind is Kind.CALL and self._nodes[user.operands[0]].data == "callable":
                    continue
                elif user.kind is Kind.NARROW:
                    if index not in seen:
                        seen.add(index)
                        pending.append(index)
                else:
                    return False
        return is_called

    def _hand_over(
        self,
        operand: int,
        index: int,
        name: str,
        *,
        computed: bool = False,
        is_store: bool = False,
        into: dict[ClassSymbol, Handed] | None = None,
    ) -> None:
        kind = self._nodes[operand].kind
        if kind in {Kind.CONST, Kind.COMPARE, Kind.FUNCTION, Kind.GLOBAL} and not computed:
            return
        if into is None:
            into = self._handling.computed_names if computed else self._handling.exported
        types = self._types(operand)
        if computed and (not types or UNKNOWN in types):
            self._handling.computes_any_name = True
            self._handling.stores_any_name |= is_store
        for one in types:
            pending = [one]
            depth = 0
            while pending and depth < 12:
                depth += 1
                current = pending.pop()
                if isinstance(current, Instance | ClassObject) and (
                    computed or isinstance(current, Instance)
                ):
                    if name == _TEXT and not shows_fields(self._program, current.cls):
                        continue
                    if is_store:
                        self._handling.stored_by_names.add(current.cls)
                    handed = Handed(self._function, index, name)
                    if name in TURNS_INTO_OTHERS:
                        into[current.cls] = handed
                    else:
                        into.setdefault(current.cls, handed)
                elif isinstance(current, External):
                    pending.extend(inner for argument in current.arguments for inner in members(argument))

    # -- classes as values --------------------------------------------------------------------------------------------

    def _class_objects(self) -> None:
        """A class that is handed on may be built by whoever gets it."""
        used = self._facts.used_classes.get(self._function)
        if not used:
            return
        users, effects = self._facts.whereabouts.users(self._function)
        for index, node in enumerate(self._nodes):
            if node.kind not in {Kind.GLOBAL, Kind.ATTR, Kind.FREE, Kind.FUNCTION}:
                continue
            classes = [one.cls for one in self._types(index) if isinstance(one, ClassObject)]
            if not classes:
                continue
            if any(self._is_factory(self._nodes[user], index) for user in users.get(index, ())):
                for cls in classes:
                    self._handling.made_bare.setdefault(cls, []).append(self._function)
            taker = self._taker(index, users)
            if taker is None and any(
                effect.kind is EffectKind.STORE_ITEM for effect in effects.get(index, ())
            ):
                taker = _TABLE
            if taker == _TABLE and self._is_only_told_apart(index):
                continue
            if taker is not None:
                for cls in classes:
                    self._handling.built_outside.setdefault(cls, f"handed to {taker}")
                    if taker not in DECODES:
                        self._handling.exported.setdefault(cls, Handed(self._function, index, taker))

    def _is_only_told_apart(self, index: int) -> bool:
        """Whether a class that stands in a table is known wherever it gets to, and nobody there makes an object."""
        trail = self._facts.whereabouts.follow([Spot(self._function, index)])
        return not trail.of_kind(UseKind.LEAVES, UseKind.UNCALLED, UseKind.CALLED) and all(
            use.kind is not UseKind.ATTRIBUTE or use.name in _NAMES_OF_A_CLASS for use in trail.uses
        )

    def _is_factory(self, user: Node, value: int) -> bool:
        """Whether a call takes a value as the factory of a default: `field(default_factory=Stats)`."""
        return user.kind is Kind.CALL and value in factories_of(self._facts, self._function, user)

    def _taker(self, start: int, users: dict[int, tuple[int, ...]]) -> str | None:
        """Return who takes a class as a value, None where it is only called, asked or compared."""
        pending = [start]
        seen: set[int] = set()
        while pending:
            current = pending.pop()
            if current in seen:
                continue
            seen.add(current)
            for index in users.get(current, ()):
                user = self._nodes[index]
                match user.kind:
                    case Kind.CALL if self._is_factory(user, current):
                        continue  # called without arguments
                    case Kind.CALL if user.operands[0] != current:
                        callee = self._nodes[user.operands[0]]
                        name = str(callee.data)
                        types = self._types(user.operands[0])
                        if name in LOOKS_ONLY or name in {"super", "TypeVar", "NewType", "register"}:
                            continue
                        if types and all(isinstance(one, FunctionObject | ModuleObject) for one in types):
                            continue  # followed by type
                        return name
                    case Kind.DICT:
                        return _TABLE
                    case Kind.SEQUENCE | Kind.PHI | Kind.ITEM | Kind.NARROW:
                        pending.append(index)
                    case Kind.OP if user.data == "BitOr":
                        pending.append(index)
                    case _:
                        pass  # called, compared, a member of it is read
        return None
