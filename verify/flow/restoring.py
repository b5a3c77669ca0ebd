"""What calls of well-known libraries do with whole objects: copy, export and restore them.

`Cls.model_validate(mapping)`, `msgspec.json.decode(data, type=Cls)`, `state.model_copy(update={...})`,
`json.dumps(state)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..source import ClassSymbol, FunctionSymbol
from ..source.model import CallShape, Kind, Node
from ..source.packed import packed
from .carriers import Carrier, FieldCarrier, How, OutsideCarrier, Role, UseCarrier
from .drawn import Source
from .facts import Facts, Restored
from .types import ClassObject, External, ExternalObject, Instance, Type, members

_COPIES = {"model_copy", "copy", "replace", "_replace", "evolve"}
_FROM_MAPPING = {"model_validate", "parse_obj", "from_orm", "model_construct"}
_FROM_BYTES = {"model_validate_json", "parse_raw"}
_CONVERTS = {"msgspec.convert", "dacite.from_dict", "cattrs.structure", "cattr.structure"}
_DECODES = {
    "msgspec.json.decode",
    "msgspec.msgpack.decode",
    "msgspec.yaml.decode",
    "msgspec.toml.decode",
    "msgspec.json.Decoder.decode",
    "msgspec.msgpack.Decoder.decode",
}
_ENCODES = {
    "msgspec.json.encode",
    "msgspec.msgpack.encode",
    "msgspec.json.Encoder.encode",
    "msgspec.msgpack.Encoder.encode",
    "json.dump",
    "json.dumps",
    "orjson.dumps",
    "pickle.dump",
    "pickle.dumps",
    "cloudpickle.dumps",
    "msgpack.packb",
    "yaml.dump",
    "yaml.safe_dump",
    "ray.put",
}
_OWN_ENCODES = {"model_dump_json", "json", "SerializeToString"}
_DEEPEST = 3


class Restoring:
    """Collects the hops of whole objects that libraries copy, encode and decode."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._program = facts.program
        self._inference = facts.inference
        self._sources = facts.sources

    def collect(self, function: FunctionSymbol, dotted: str, node: Node, callee: Node) -> bool:
        """Note the hops of a call that leaves the program; whether that is all there is to it."""
        name = dotted.rpartition(".")[2]
        receivers = self._receivers(function, callee)
        if name in _COPIES:
            return self._copied(function, name, node, receivers)
        if name == "update" and callee.kind is Kind.ATTR:
            live = self._sources.wholes.live(function, callee.operands[0])
            return bool(live) and self._set(function, live, node, role=Role.WHOLE)
        if name in _FROM_MAPPING or dotted in _CONVERTS:
            return self._from_mapping(function, node, [*_classes(receivers), *self._named(function, node)])
        if name in _FROM_BYTES or dotted in _DECODES:
            for cls in [*_classes(receivers), *self._named(function, node), *self._decoder(function, callee)]:
                site = self._facts.site(function, node.place)
                self._facts.restored.append(Restored(cls, dotted.removeprefix("?."), site, node.gated))
            return False
        if dotted in _ENCODES:
            self._encoded(function, self._first(function, node), node)
        elif name in _OWN_ENCODES:
            self._encoded(function, receivers, node)
        return False

    # -- the parts of a call --------------------------------------------------------------------------------------

    def _receivers(self, function: FunctionSymbol, callee: Node) -> tuple[Type, ...]:
        if callee.kind is not Kind.ATTR:
            return ()
        return members(self._inference.type_of(function, callee.operands[0]))

    def _first(self, function: FunctionSymbol, node: Node) -> tuple[Type, ...]:
        return members(self._inference.type_of(function, node.operands[1])) if len(node.operands) > 1 else ()

    def _named(self, function: FunctionSymbol, node: Node) -> Iterator[ClassSymbol]:
        """Yield the classes that a call is given as arguments: `decode(data, type=Cls)`."""
        for operand in node.operands[1:]:
            yield from _classes(members(self._inference.type_of(function, operand)))

    def _decoder(self, function: FunctionSymbol, callee: Node) -> Iterator[ClassSymbol]:
        for one in self._receivers(function, callee):
            if isinstance(one, External):
                for argument in one.arguments:
                    yield from (held.cls for held in members(argument) if isinstance(held, Instance))

    # -- hops -----------------------------------------------------------------------------------------------------

    def _copied(self, function: FunctionSymbol, name: str, node: Node, receivers: tuple[Type, ...]) -> bool:
        """`replace(state, inf=0)`, `state.model_copy(update={"inf": 0})`: what is named is set, the rest travels."""
        objects = receivers if name in {"model_copy", "copy", "_replace"} else self._first(function, node)
        copied = tuple(one for one in objects if isinstance(one, Instance))
        return bool(copied) and self._set(function, copied, node, role=Role.MOVE)

    def _set(
        self, function: FunctionSymbol, objects: tuple[Instance, ...], node: Node, *, role: Role
    ) -> bool:
        """The keyword arguments of a call, and the keys of the mappings in it, set fields."""
        shape = node.data
        assert isinstance(shape, CallShape)
        arguments = list(zip(node.operands[1:], node.part_places, strict=True))
        if role is Role.WHOLE:
            for operand, place in arguments[: shape.positional]:
                self._set_by_keys(function, objects, operand, place, node, role)
        for keyword, (operand, place) in zip(shape.keywords, arguments[shape.positional :], strict=True):
            if keyword is None or keyword == "update":
                self._set_by_keys(function, objects, operand, place, node, Role.MOVE)
            elif keyword != "deep":
                targets = list(self._sources.fields(objects, keyword))
                sources = self._sources.of(function, operand)
                self._facts.move(function, sources, targets, place, gated=node.gated)
                self._facts.entries(function, operand, targets, place, gated=node.gated)
        return True

    def _set_by_keys(
        self,
        function: FunctionSymbol,
        objects: tuple[Instance, ...],
        mapping: int,
        place: int,
        node: Node,
        role: Role,
    ) -> None:
        keys = self._sources.keys
        for key in sorted(keys.known(function, mapping)):
            sources = [Source(carrier, How.COPY, place) for carrier in keys.read(function, mapping, key)]
            targets = list(self._sources.fields(objects, key))
            self._facts.move(function, sources, targets, place, gated=node.gated, role=role)
        if keys.is_open(function, mapping):
            self._facts.written_by_any_name.update(one.cls for one in objects)

    def _from_mapping(self, function: FunctionSymbol, node: Node, classes: list[ClassSymbol]) -> bool:
        """`Cls.model_validate(data)`: each field is given by the key, or by the field, of its name."""
        shape = node.data
        assert isinstance(shape, CallShape)
        if not classes or len(node.operands) < 2:
            return False
        for operand, place in zip(node.operands[1:], node.part_places, strict=True):
            types = members(self._inference.type_of(function, operand))
            if any(isinstance(one, ClassObject) for one in types):
                continue
            objects = tuple(one for one in types if isinstance(one, Instance))
            for cls in classes:
                for field in self._fields(cls):
                    given: Iterable[Carrier] = [
                        carrier
                        for key in self._inference.aliases.taken(cls, field.name)
                        for carrier in self._sources.keys.read(function, operand, key)
                    ]
                    if objects:
                        given = [
                            FieldCarrier(owner, field.name)
                            for one in objects
                            if (owner := self._inference.owner_of_field(one.cls, field.name)) is not None
                        ]
                    sources = [Source(carrier, How.COPY, place) for carrier in given]
                    self._facts.move(function, sources, [field], place, gated=node.gated, role=Role.WHOLE)
        return True

    def _encoded(self, function: FunctionSymbol, types: Iterable[Type], node: Node) -> None:
        for one in types:
            if isinstance(one, Instance):
                for cls in self._with_inner(one.cls):
                    self._facts.exported.add(cls)
                    sources = [Source(field, How.COPY, node.place) for field in self._fields(cls)]
                    self._facts.move(
                        function,
                        sources,
                        [UseCarrier(function)],
                        node.place,
                        gated=node.gated,
                        role=Role.EXPORT,
                    )

    def _fields(self, cls: ClassSymbol) -> list[FieldCarrier]:
        return [
            FieldCarrier(owner, name)
            for name in self._inference.constructor_fields(cls)
            if (owner := self._inference.owner_of_field(cls, name)) is not None
        ]

    def _with_inner(self, cls: ClassSymbol) -> list[ClassSymbol]:
        return with_inner(self._facts, cls)


def with_inner(facts: Facts, cls: ClassSymbol) -> list[ClassSymbol]:
    """Return a class with the classes of the objects that its fields hold, alone or in containers."""
    found = {cls: 0}
    pending = [cls]
    while pending:
        current = pending.pop()
        depth = found[current] + 1
        for name in facts.inference.constructor_fields(current) if depth <= _DEEPEST else ():
            for one in _objects(facts.inference.field_type(current, name)):
                if one not in found:
                    found[one] = depth
                    pending.append(one)
    return list(found)


def restored_fields(facts: Facts) -> None:
    """Note what decoding brings in: of an object that the program never encodes, every field comes from outside.

    What is encoded here and decoded there is the same object: its fields are its fields, and nothing is made.
    """
    encoded = {inner for cls in facts.exported for inner in with_inner(facts, cls)}
    for restored in facts.restored:
        for cls in with_inner(facts, restored.cls):
            if cls in encoded:
                continue
            for name in facts.inference.constructor_fields(cls):
                owner = facts.inference.owner_of_field(cls, name)
                if owner is not None:
                    site = restored.site
                    source = Source(OutsideCarrier(restored.by), How.COMPUTED, packed(site.span))
                    target = FieldCarrier(owner, name)
                    facts.move(
                        site.function,
                        [source],
                        [target],
                        packed(site.span),
                        gated=restored.gated,
                        role=Role.WHOLE,
                    )


def _objects(held: Type | None) -> Iterator[ClassSymbol]:
    for one in () if held is None else members(held):
        if isinstance(one, Instance):
            yield one.cls
        elif isinstance(one, External):
            for argument in one.arguments:
                yield from _objects(argument)


def _classes(types: Iterable[Type]) -> Iterator[ClassSymbol]:
    for one in types:
        if isinstance(one, ClassObject):
            yield one.cls


def dotted_callee(types: Iterable[Type], callee: Node) -> str:
    """Return the full name of a function outside the program, its own name where that is not known."""
    for one in types:
        if isinstance(one, ExternalObject):
            return one.dotted
    return str(callee.data)
