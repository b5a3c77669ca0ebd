"""Objects that hold each other: fields of self, properties, inheritance, generics."""

from __future__ import annotations

import copy
from collections import defaultdict, deque
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, cast

if TYPE_CHECKING:
    from .events import Update

T = TypeVar("T")
M = TypeVar("M", bound="Module")


class Window(Generic[T]):
    def __init__(self, size: int) -> None:
        self.items: deque[T] = deque(maxlen=size)
        self.size = size

    def push(self, item: T) -> T:
        self.items.append(item)
        return item

    def newest(self) -> T:
        return self.items[-1]

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)


class Statistics:
    def __init__(self, norm: float = 0.0) -> None:
        self.norm = norm
        self.count = 0

    def __add__(self, other: Statistics) -> Statistics:
        total = Statistics(self.norm + other.norm)
        total.count = self.count + other.count
        return total

    def copied(self) -> Statistics:
        twin = copy.copy(self)
        twin.count = self.count
        return twin


class Module:
    name = "module"

    def __init__(self, parent: Module | None = None) -> None:
        self.parent = parent
        self.children: list[Module] = []
        if parent is not None:
            parent.children.append(self)

    def root(self) -> Module:
        current = self
        while current.parent is not None:
            current = current.parent
        return current

    def renamed(self: M, name: str) -> M:
        self.name = name
        return self

    def walk(self) -> Iterator[Module]:
        yield self
        for child in self.children:
            yield from child.walk()


class Layer(Module):
    def __init__(self, parent: Module, width: int) -> None:
        super().__init__(parent)
        self.width = width
        self.history: Window[Statistics] = Window(8)
        self._last: Statistics | None = None

    @property
    def last(self) -> Statistics:
        if self._last is None:
            self._last = Statistics()
        return self._last

    def observe(self, norm: float) -> None:
        self._last = self.history.push(Statistics(norm))
        self._last.count += 1

    def recent(self) -> float:
        newest = self.history.newest()
        older = [one.norm for one in self.history]
        return newest.norm + sum(older)


class Network(Module):
    layers: list[Layer]

    def __init__(self, widths: list[int]) -> None:
        super().__init__()
        self.layers = [Layer(self, width) for width in widths]
        self.by_name = {layer.name: layer for layer in self.layers}
        self.groups: defaultdict[str, list[Layer]] = defaultdict(list)

    @cached_property
    def widest(self) -> Layer:
        return max(self.layers, key=lambda layer: layer.width)

    def total(self) -> Statistics:
        total = Statistics()
        for position, layer in enumerate(self.layers):
            total = total + layer.last
            total.count += position
        return total.copied()

    def pairs(self) -> list[float]:
        found = []
        for first, second in zip(self.layers, self.layers[1:], strict=False):
            found.append(first.last.norm - second.last.norm)
        return found

    def named(self, name: str) -> Layer | None:
        layer = self.by_name.get(name)
        if layer is None:
            return None
        return layer.renamed(name)

    def grouped(self) -> dict[str, float]:
        for layer in self.layers:
            self.groups[layer.name].append(layer)
        return {name: max(one.width for one in group) for name, group in self.groups.items()}

    def first_layer(self) -> Layer:
        for module in self.walk():
            if isinstance(module, Layer):
                return module
        return cast(Layer, self.root().children[0])


class Sink(Protocol):
    def take(self, update: Update) -> None: ...


class Recorder:
    def __init__(self) -> None:
        self.taken: list[Update] = []

    def take(self, update: Update) -> None:
        self.taken.append(update)
        update.header.step += 1
