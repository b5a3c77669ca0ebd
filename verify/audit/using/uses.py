"""Is a function or class used at all by code that is no test? Whether that code runs is another question."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from ...flow import Flow
from ...flow.frameworks import PLAIN_BASES, called_from_outside
from ...flow.roots import local_roots
from ...flow.types import (
    UNKNOWN,
    ClassObject,
    External,
    ExternalObject,
    FunctionObject,
    Instance,
    SuperObject,
    Type,
    members,
)
from ...source import ClassSymbol, FunctionSymbol
from ...source.model import Kind
from ...source.program import ExternalSymbol
from ..words.telemetry_names import is_handler
from .handling import Handling
from .mentions import Mention, Mentions, TextMention

PLAIN_DECORATORS = {
    "property",
    "cached_property",
    "staticmethod",
    "classmethod",
    "dataclass",
    "override",
    "final",
    "cache",
    "lru_cache",
    "contextmanager",
    "asynccontextmanager",
    "wraps",
    "no_grad",
    "inference_mode",
    "torch_no_grad",
    "retry",
    "deprecated",
}
"""Decorators that hand a function to nobody."""


_STANDS_IN = 3  # public methods that a class shares with the one whose place it may take
_STANDS_FOR = ("Handle", "Proxy", "Stub")
_KNOWN_BASES = {*PLAIN_BASES, "Module", "Thread", "Exception", "BaseModel"}


class Use(enum.Enum):
    """How sure it is that something is used."""

    USED = "used"
    MAYBE = (
        "maybe"  # its name is said where the receiver is unknown, in a string, or put together at run time
    )
    NEVER = "never"


@dataclass
class Uses:
    """Answers whether non-test code calls, constructs or hands over a function or class."""

    flow: Flow
    mentions: Mentions
    handling: Handling | None = None
    is_library: bool = False
    named_outside: frozenset[ClassSymbol | FunctionSymbol] = frozenset()
    _outside: dict[ClassSymbol, frozenset[FunctionSymbol] | None] = field(default_factory=dict)

    def of_function(self, function: FunctionSymbol) -> Use:
        """Whether a function or method is called or handed over. A call in its own body is no use."""
        program = self.flow.program
        summary = program.function(function)
        if function in self.named_outside or any(
            _bare(decorator) not in PLAIN_DECORATORS for decorator in summary.decorators
        ):
            return Use.USED
        owner = None if summary.owner is None else ClassSymbol(function.module, summary.owner)
        if owner is not None and self._is_called_from_outside(owner, function):
            return Use.USED
        found = Use.NEVER
        for mention in self.mentions.nodes.get(function.name, ()):
            if _is_inside(mention.function, function):
                continue
            use = self._means_function(mention, function, owner)
            if use is Use.USED:
                return use
            found = use if use is Use.MAYBE else found
        if self._is_in_text(function.name, function.module, function.qualname):
            return Use.MAYBE
        if any(not _is_inside(one, function) for one in self.mentions.strings.get(function.name, ())):
            return Use.MAYBE
        if is_handler(function.name) and self.mentions.is_dispatched(function.name):
            return Use.MAYBE
        if owner is not None and self._is_handed_to_users(owner, function.name):
            return Use.MAYBE
        return Use.MAYBE if self.mentions.is_built(function.name) else found

    def of_class(self, cls: ClassSymbol) -> Use:
        """Whether a class is constructed, subclassed or handed over, outside of its own body.

        A test (`isinstance`) is no use, nor is an annotation that names a class which nothing decodes.
        """
        found = Use.NEVER
        if cls in self.named_outside or any(
            _bare(decorator) not in PLAIN_DECORATORS for decorator in self.flow.program.class_(cls).decorators
        ):
            return Use.USED
        for mention in self.mentions.nodes.get(cls.name, ()):
            if mention.function.module == cls.module and _is_within(mention.function.qualname, cls.qualname):
                continue
            known = members(self._type_of(mention))
            if any(isinstance(one, ClassObject) and one.cls == cls for one in known):
                if self._is_only_tested(mention):
                    continue
                return Use.USED
            if not known or UNKNOWN in known or self._is_inner(known, cls):
                found = Use.MAYBE
        for text in self.mentions.texts.get(cls.name, ()):
            if text.module == cls.module and _is_within(text.holder, cls.qualname):
                continue
            if text.kind != "annotation" or self._is_taken_in(cls, text):
                return Use.MAYBE
            if self._may_be_decoded(cls) and not self._says_only(text):
                return Use.MAYBE
        return Use.MAYBE if self.mentions.strings.get(cls.name) else found

    def _is_inner(self, known: Iterable[Type], cls: ClassSymbol) -> bool:
        """Whether an attribute of an object whose base is not known is the class that stands inside its own class."""
        outer = ClassSymbol(cls.module, cls.qualname.rpartition(".")[0])
        receivers = [one.receiver for one in known if isinstance(one, ExternalObject)]
        return any(
            isinstance(one, Instance | ClassObject) and outer in self.flow.program.mro(one.cls)
            for one in receivers
        )

    def _is_taken_in(self, cls: ClassSymbol, text: TextMention) -> bool:
        """Whether a declaration is that of a function which only users of a library call: they bring the object."""
        if (
            not self.is_library
            or cls.name.startswith("_")
            or text.holder not in self.flow.program.modules[text.module].functions
        ):
            return False
        return not self.flow.call_sites(FunctionSymbol(text.module, text.holder))

    def _is_only_tested(self, mention: Mention) -> bool:
        """Whether a class is named as what `isinstance` looks for."""
        nodes, effects = self.flow.facts.whereabouts.users(mention.function)
        graph = self.flow.program.function(mention.function).graph
        users = [graph.nodes[user] for user in nodes.get(mention.node, ())]
        return (
            bool(users)
            and not effects.get(mention.node)
            and all(
                user.kind is Kind.CALL and graph.nodes[user.operands[0]].data in {"isinstance", "issubclass"}
                for user in users
            )
        )

    def _says_only(self, text: TextMention) -> bool:
        """Whether an annotation is one of a function that nobody wraps: it says what comes and makes nothing."""
        summary = self.flow.program.modules[text.module].functions.get(text.holder)
        return (
            summary is not None
            and text.holder.rpartition(".")[2] != "__init__"
            and all(_bare(one) in PLAIN_DECORATORS for one in summary.decorators)
        )

    def _may_be_decoded(self, cls: ClassSymbol) -> bool:
        """Whether something may make objects of a class because an annotation names it: models, messages, records."""
        program = self.flow.program
        foreign = any(
            isinstance(one, ExternalSymbol)
            and one.dotted.rpartition(".")[2] not in {"object", "ABC", "Generic"}
            for one in program.mro(cls)
        )
        if foreign or program.subclasses(cls) or self.handling is None:
            return True
        return self.handling.may_build(cls) is not None

    def _type_of(self, mention: Mention) -> Type:
        return self.flow.facts.inference.type_of(mention.function, mention.node)

    def _means_function(self, mention: Mention, function: FunctionSymbol, owner: ClassSymbol | None) -> Use:
        known = members(self._type_of(mention))
        if not known or UNKNOWN in known:
            node = self.flow.program.function(mention.function).graph.nodes[mention.node]
            if not node.operands:  # a bare name: some variable of that name
                return Use.NEVER if owner is not None else Use.MAYBE
            return Use.NEVER if owner is None and not self._may_be_module(mention) else Use.MAYBE
        for one in known:
            if isinstance(one, FunctionObject):
                if one.function == function:
                    return Use.USED
                if owner is not None and self._is_related(one, function, owner):
                    return Use.USED
                if owner is not None and self._may_stand_in(mention, one, owner):
                    return Use.MAYBE
            elif not isinstance(one, ClassObject | Instance):
                continue
        if owner is not None and any(_is_of_a_handle(one) for one in known):
            return Use.MAYBE
        if owner is not None and not any(isinstance(one, FunctionObject) for one in known):
            node = self.flow.program.function(mention.function).graph.nodes[mention.node]
            if node.operands and self._receives(mention.function, node.operands[0], owner):
                return Use.USED  # a property, read
        return Use.NEVER

    def _may_stand_in(self, mention: Mention, said: FunctionObject, owner: ClassSymbol) -> bool:
        """Whether a method is called on a parameter whose place an object of another class may take.

        The two classes have several public methods of the same names.
        """
        program = self.flow.program
        declared = program.function(said.function).owner
        graph = program.function(mention.function).graph
        node = graph.nodes[mention.node]
        if declared is None or not node.operands:
            return False
        roots = local_roots(graph, node.operands[0], every=True)
        if not any(graph.nodes[root].kind is Kind.PARAM for root in roots):
            return False
        methods = (
            program.class_(one).methods for one in (owner, ClassSymbol(said.function.module, declared))
        )
        shared = set.intersection(*({name for name in one if not name.startswith("_")} for one in methods))
        return len(shared) >= _STANDS_IN

    def _may_be_module(self, mention: Mention) -> bool:
        """Whether `x.name` may be a module's function: `x` is no instance of anything known."""
        node = self.flow.program.function(mention.function).graph.nodes[mention.node]
        base = members(self.flow.facts.inference.type_of(mention.function, node.operands[0]))
        return not base or UNKNOWN in base

    def _receives(self, function: FunctionSymbol, index: int, owner: ClassSymbol) -> bool:
        program = self.flow.program
        for one in members(self.flow.facts.inference.type_of(function, index)):
            if isinstance(one, Instance | ClassObject | SuperObject) and (
                owner in program.mro(one.cls) or one.cls in program.mro(owner)
            ):
                return True
        return False

    def _is_related(self, said: FunctionObject, function: FunctionSymbol, owner: ClassSymbol) -> bool:
        """Whether a call of one method may run another: an override, what it overrides, or a protocol's."""
        program = self.flow.program
        other = program.function(said.function).owner
        if other is None:
            return False
        declared = ClassSymbol(said.function.module, other)
        if program.is_protocol(declared) or declared in program.mro(owner) or owner in program.mro(declared):
            return True
        if any(declared in program.mro(below) for below in program.subclasses(owner)):
            return True  # a class of both
        receiver = said.receiver
        return isinstance(receiver, Instance) and owner in program.mro(receiver.cls)

    def _is_called_from_outside(self, owner: ClassSymbol, function: FunctionSymbol) -> bool:
        """Whether a class of which the method's class is part has a base from outside that may call it."""
        program = self.flow.program
        for cls in (owner, *program.subclasses(owner)):
            if cls not in self._outside:
                foreign = (one.dotted for one in program.mro(cls) if isinstance(one, ExternalSymbol))
                self._outside[cls] = (
                    None
                    if any(not _is_known_base(dotted) for dotted in foreign)
                    else frozenset(called_from_outside(program, cls))
                )
            called = self._outside[cls]
            if called is None or function in called:
                return True
        return False

    def _is_handed_to_users(self, owner: ClassSymbol, name: str) -> bool:
        """Whether something outside gets objects of a class and knows the method: a protocol of the program has it."""
        if self.handling is None or not any(
            one in self.handling.exported for one in (owner, *self.flow.program.subclasses(owner))
        ):
            return False
        return name in self._protocol_methods

    @cached_property
    def _protocol_methods(self) -> frozenset[str]:
        program = self.flow.program
        protocols = (cls for cls in program.classes() if program.is_protocol(cls))
        return frozenset(name for cls in protocols for name in program.class_(cls).methods)

    def _is_in_text(self, name: str, module: str, qualname: str) -> bool:
        return any(
            not (one.module == module and _is_within(one.holder, qualname))
            for one in self.mentions.texts.get(name, ())
        )


def _is_known_base(dotted: str) -> bool:
    """Whether it is known which methods a base from outside calls; of any other it may be all of them."""
    return dotted.startswith("textual.") or dotted.rpartition(".")[2] in _KNOWN_BASES


def _is_of_a_handle(attribute: Type) -> bool:
    """Whether an attribute is that of something from outside which stands for an object of the program.

    So does what a private attribute is taken from, such as a marked object that a library gave back.
    """
    if not isinstance(attribute, ExternalObject) or not isinstance(attribute.receiver, External):
        return False
    receiver, name = attribute.receiver.dotted, attribute.dotted.rpartition(".")[2]
    return receiver.endswith(_STANDS_FOR) or (name.startswith("_") and not receiver.startswith("builtins."))


def _bare(decorator: str) -> str:
    return decorator.partition("(")[0].rpartition(".")[2]


def _is_inside(inner: FunctionSymbol, outer: FunctionSymbol) -> bool:
    return inner.module == outer.module and _is_within(inner.qualname, outer.qualname)


def _is_within(inner: str, outer: str) -> bool:
    return inner == outer or inner.startswith(f"{outer}.")
