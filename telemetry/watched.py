"""Which parameters are watched, and what each of them is called."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor, nn
from torch.optim import Optimizer

NamedParameter = tuple[str, Tensor]

__all__ = ["NamedParameter", "WatchedParameters", "as_module"]


class WatchedParameters:
    """The parameters of a model, and those that optimisers hold beside it, each under one name.

    What is in no module (a temperature that is learnt, or the copies that are stepped in place of half precision) is
    named by its place in its optimiser: ``optimizers[1].param_groups[0][0]``.

    Args:
        model: whose parameters have the names of `torch.nn.Module.named_parameters`.
        optimizers: whose other parameters are watched with the model's.
    """

    def __init__(self, model: nn.Module, optimizers: Sequence[Optimizer]) -> None:
        self._model: nn.Module = model
        self._optimizers: tuple[Optimizer, ...] = tuple(optimizers)
        self._beside: dict[int, NamedParameter] = {}
        for optimizer in self._optimizers:
            self.of(optimizer)

    def all(self) -> list[NamedParameter]:
        """Those of the model, in its order, and after them those beside it."""
        own: list[NamedParameter] = list(self._model.named_parameters())
        if not self._beside:
            return own
        # A parameter may have been put into the model later on.
        known = {id(parameter) for _, parameter in own}
        return own + [named for key, named in self._beside.items() if key not in known]

    def of(self, optimizer: Optimizer) -> list[NamedParameter]:
        """Those of one optimiser, in the model's order, and after them those beside it."""
        held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
        found: list[NamedParameter] = [
            named for named in self._model.named_parameters() if id(named[1]) in held
        ]
        if len(found) == len(held):
            return found
        held -= {id(parameter) for _, parameter in found}
        return found + [self._name(*placed) for placed in self._placed(optimizer) if id(placed[1]) in held]

    def in_order(self, names: Sequence[str]) -> list[str]:
        """Some of the names, each once, in the order of `all`."""
        wanted = set(names)
        return [name for name, _ in self.all() if name in wanted]

    def _placed(self, optimizer: Optimizer) -> Iterator[NamedParameter]:
        """The parameters of an optimiser, each with its place in it."""
        place = next((at for at, one in enumerate(self._optimizers) if one is optimizer), None)
        # One that is not the monitor's: its number keeps it apart from others of its type.
        whose = f"optimizers[{place}]"
        if place is None:
            whose = f"{type(optimizer).__name__}{len(self._beside)}"
        for number, group in enumerate(optimizer.param_groups):
            for at, parameter in enumerate(group["params"]):
                yield f"{whose}.param_groups[{number}][{at}]", parameter

    def _name(self, name: str, parameter: Tensor) -> NamedParameter:
        """A parameter beside the model under the name that it was given first."""
        return self._beside.setdefault(id(parameter), (name, parameter))


def as_module(parameters: Sequence[NamedParameter]) -> nn.Module:
    """Some parameters under their names as a module, for what measures the layers of one."""
    return _Parameters(parameters)


class _Parameters(nn.Module):
    """Holds parameters whose names may have dots in them, as no module of PyTorch does."""

    def __init__(self, parameters: Sequence[NamedParameter]) -> None:
        super().__init__()
        self._named: tuple[NamedParameter, ...] = tuple(parameters)

    def named_parameters(  # type: ignore[override]  # what optimisers hold need not be an `nn.Parameter`
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[NamedParameter]:
        """The parameters, in their order."""
        yield from self._named
