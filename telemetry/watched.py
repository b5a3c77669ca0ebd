"""Which parameters are watched, and what each of them is called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import is_
from typing import TypeAlias, cast

from torch import Tensor, nn
from torch.optim import Optimizer

from .gradients import NamedParameters

NamedParameter = tuple[str, Tensor]
_Holder: TypeAlias = dict[str, object]

__all__ = ["NamedParameter", "WatchedParameters"]


@dataclass(frozen=True, slots=True)
class _Held:
    """What an optimiser was found to hold."""

    parameters: list[Tensor]
    """As its groups hold them."""
    named: NamedParameters
    """The same, each once."""


class _Modules:
    """The modules of a model at one moment, and what each of them holds."""

    def __init__(self, model: nn.Module) -> None:
        modules = list(model.modules())
        # One that says itself what its parameters are may say something else at any time.
        self._are_plain: bool = all(map(_is_plain, modules))
        holders: list[_Holder] = []
        for module in modules if self._are_plain else ():
            holders += (cast(_Holder, module._parameters), cast(_Holder, module._modules))
        self._full: list[_Holder] = list(filter(None, holders))
        self._empty: list[_Holder] = [holder for holder in holders if not holder]
        self._names: list[str] = []
        self._contents: list[object] = []
        self._lengths: list[int] = []
        self.have_changed()

    def have_changed(self) -> bool:
        """Whether one of them has come to hold other parameters or modules, or under other names.

        It is asked in each training step, and so in few calls, whatever the number of modules.
        """
        names = [*chain.from_iterable(self._full)]
        contents = [*chain.from_iterable(map(dict.values, self._full))]
        lengths = [*map(len, self._full)]
        if (
            self._are_plain
            and names == self._names
            and lengths == self._lengths
            and all(map(is_, contents, self._contents))
            and not any(self._empty)
        ):
            return False
        self._names, self._contents, self._lengths = names, contents, lengths
        return True


def _is_plain(module: nn.Module) -> bool:
    """Whether a module's parameters are those that it holds, and those of the modules that it holds."""
    # TorchScript holds both in something else.
    holders: tuple[object, ...] = (module._parameters, module._modules)
    return (
        all(isinstance(holder, dict) for holder in holders)
        and getattr(module.named_parameters, "__func__", None) is nn.Module.named_parameters
        and getattr(module.named_modules, "__func__", None) is nn.Module.named_modules
    )


def _are_same(some: Sequence[object], others: Sequence[object]) -> bool:
    """Whether two sequences hold the same objects: tensors are not compared."""
    return len(some) == len(others) and all(map(is_, some, others))


class WatchedParameters:
    """The parameters of a model, and those that optimisers hold beside it, each under one name.

    What is in no module (a temperature that is learnt, or the copies that are stepped in place of half precision) is
    named by its place in its optimiser: ``optimizers[1].param_groups[0][0]``. The names are asked for again only where
    the model or an optimiser holds other parameters than before.

    Args:
        model: whose parameters have the names of `torch.nn.Module.named_parameters`.
        optimizers: whose other parameters are watched with the model's.
    """

    def __init__(self, model: nn.Module, optimizers: Sequence[Optimizer]) -> None:
        self._model: nn.Module = model
        self._optimizers: tuple[Optimizer, ...] = tuple(optimizers)
        self._beside: dict[int, NamedParameter] = {}
        self._of_all: NamedParameters | None = None
        self._of_own: dict[int, _Held] = {}
        self._modules: _Modules = _Modules(model)
        for optimizer in self._optimizers:
            self.of(optimizer)

    def all(self) -> NamedParameters:
        """Those of the model, in its order, and after them those beside it."""
        if self._modules.have_changed():
            self._forget()
        if self._of_all is None:
            own: list[NamedParameter] = list(self._model.named_parameters())
            # A parameter may have been put into the model later on.
            known = {id(parameter) for _, parameter in own}
            own += [named for key, named in self._beside.items() if key not in known]
            self._of_all = NamedParameters(own)
        return self._of_all

    def of(self, optimizer: Optimizer, *, is_model_known: bool = False) -> NamedParameters:
        """Those of one optimiser, in the model's order, and after them those beside it.

        Args:
            optimizer: whose parameters.
            is_model_known: whether the model has just been looked at, and is what it was then.
        """
        if not is_model_known and self._modules.have_changed():
            self._forget()
        held = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        known = self._of_own.get(id(optimizer))
        if known is not None and _are_same(held, known.parameters):
            return known.named
        named = NamedParameters(self._found_in(optimizer, held))
        if self._place_of(optimizer) is not None:
            # Another one may be gone when its identity is given to the next.
            self._of_own[id(optimizer)] = _Held(held, named)
        return named

    def _forget(self) -> None:
        """Forget the names: the model is no longer what it was when they were found."""
        self._modules = _Modules(self._model)
        self._of_all = None
        self._of_own = {}

    def _found_in(self, optimizer: Optimizer, parameters: Sequence[Tensor]) -> list[NamedParameter]:
        """The parameters of an optimiser, under their names."""
        held = {id(parameter) for parameter in parameters}
        found: list[NamedParameter] = [
            named for named in self._model.named_parameters() if id(named[1]) in held
        ]
        held -= {id(parameter) for _, parameter in found}
        if not held:
            return found
        return found + [self._name(*placed) for placed in self._placed(optimizer) if id(placed[1]) in held]

    def in_order(self, names: Sequence[str]) -> list[str]:
        """Some of the names, each once, in the order of `all`."""
        wanted = set(names)
        return [name for name, _ in self.all() if name in wanted]

    def _placed(self, optimizer: Optimizer) -> Iterator[NamedParameter]:
        """The parameters of an optimiser, each with its place in it."""
        place = self._place_of(optimizer)
        # One that is not the monitor's: its number keeps it apart from others of its type.
        whose = f"optimizers[{place}]"
        if place is None:
            whose = f"{type(optimizer).__name__}{len(self._beside)}"
        for number, group in enumerate(optimizer.param_groups):
            for at, parameter in enumerate(group["params"]):
                yield f"{whose}.param_groups[{number}][{at}]", parameter

    def _name(self, name: str, parameter: Tensor) -> NamedParameter:
        """A parameter beside the model under the name that it was given first."""
        if id(parameter) not in self._beside:
            self._beside[id(parameter)] = (name, parameter)
            self._of_all = None
        return self._beside[id(parameter)]

    def _place_of(self, optimizer: Optimizer) -> int | None:
        """The place of an optimiser among the monitor's own; None for another one."""
        for place, one in enumerate(self._optimizers):
            if one is optimizer:
                return place
        return None
