"""What has been seen of the step that a training loop is in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from .measurements import (
    BadLayer,
    FiniteReading,
    GradientCollection,
    LayerGradientStats,
    MeasuredGradients,
    NormState,
    collection_of,
)
from .payloads import GradientStage

__all__ = ["Look", "StepInHand", "diagnosed_layers"]


@dataclass(slots=True)
class Look:
    """One collection of a step's gradients."""

    stage: GradientStage
    """Before or after clipping."""
    found: MeasuredGradients
    """What was found."""
    layers: tuple[LayerGradientStats, ...] | None
    """The statistics of its layers; None where they were not measured."""

    @property
    def collection(self) -> GradientCollection:
        """What was found, as a collection."""
        return collection_of(self.found)

    @property
    def bad_layers(self) -> tuple[BadLayer, ...]:
        """The layers that hold a NaN or an infinity."""
        return self.found.bad_layers

    @property
    def is_broken(self) -> bool:
        """Whether an element is NaN or infinite."""
        return self.found.norm_state is NormState.NOT_FINITE


@dataclass(slots=True)
class StepInHand:
    """What has been seen since the end of the step before."""

    looks: list[Look] = field(default_factory=list)
    """The gradients, in the order of looking."""
    learning_rate: float | None = None
    """The largest of the parameter groups that were stepped."""
    loss_scale: float | None = None
    """The factor on the loss; None without one, and before it was asked for."""
    is_scale_asked: bool = False
    """Whether the loss scale was asked for."""
    announced: dict[int, int] = field(default_factory=dict)
    """How often each optimiser was due, by its identity: named before its step, or called and left out."""
    stepped: dict[int, int] = field(default_factory=dict)
    """How often each optimiser has stepped, by its identity."""
    with_closure: set[int] = field(default_factory=set)
    """The optimisers that computed their gradients themselves, as often as they liked."""
    is_idle: bool = False
    """Whether an optimiser was called that had no gradient, so that it did nothing."""

    def quiet_reading(self) -> FiniteReading | None:
        """The reading that tells of a quiet step; None where there is more to tell.

        Quiet is a step in which all gradients were read once, or once before and once after clipping, and were healthy.
        """
        looks = self.looks
        if not 1 <= len(looks) <= 2:
            return None
        first, last = looks[0], looks[-1]
        is_once_a_stage = first is last or (
            first.stage is GradientStage.BEFORE_CLIPPING
            and last.stage is GradientStage.AFTER_CLIPPING
            and first.found.layer_names == last.found.layer_names
        )
        if not is_once_a_stage or first.layers is not None or last.layers is not None:
            return None
        if isinstance(first.found, FiniteReading) and isinstance(last.found, FiniteReading):
            return first.found
        return None

    def at(self, stage: GradientStage) -> list[Look]:
        """The looks of one stage."""
        return [look for look in self.looks if look.stage is stage]

    def has_seen(self, names: Iterable[str], stage: GradientStage | None = None) -> bool:
        """Whether one of these layers was looked at, at this stage or at any."""
        looks = self.looks if stage is None else self.at(stage)
        return bool(looks) and _share_layers(tuple(names), looks)

    def counted(self) -> list[Look]:
        """The looks that tell of the step: before clipping, and after it those at layers that only they saw."""
        before = self.at(GradientStage.BEFORE_CLIPPING)
        after = self.at(GradientStage.AFTER_CLIPPING)
        if not before:
            return after
        return before + [look for look in after if not _share_layers(look.found.layer_names, before)]

    def after(self, look: Look) -> Look | None:
        """The last look after clipping at the layers of another one, which came before it."""
        if look.stage is GradientStage.AFTER_CLIPPING:
            return None
        names = look.found.layer_names
        found = [one for one in self.at(GradientStage.AFTER_CLIPPING) if one.found.layer_names == names]
        return found[-1] if found else None

    def is_broken(self, names: Iterable[str]) -> bool:
        """Whether the gradient of one of these layers was seen not to be finite."""
        wanted = set(names)
        return any(layer.layer_name in wanted for look in self.looks for layer in look.bad_layers)

    def note_announced(self, optimizer: int) -> None:
        """An optimiser is due."""
        self.announced[optimizer] = self.announced.get(optimizer, 0) + 1

    def note_stepped(self, optimizer: int) -> None:
        """An optimiser takes its step."""
        self.stepped[optimizer] = self.stepped.get(optimizer, 0) + 1

    def note_left_out(self, optimizer: int) -> None:
        """An optimiser was called and leaves the step out by itself."""
        if self.left_out(optimizer) == 0:
            self.note_announced(optimizer)

    def left_out(self, optimizer: int) -> int:
        """How often this optimiser was announced and has not stepped."""
        steps = self.stepped.get(optimizer, 0)
        if steps and optimizer in self.with_closure:
            return 0
        return max(0, self.announced.get(optimizer, 0) - steps)


def _share_layers(names: tuple[str, ...], looks: Sequence[Look]) -> bool:
    """Whether one of these layers is among those of some looks."""
    for look in looks:
        if look.found.layer_names == names:
            return bool(names)  # as a rule all of them: no set has to be made for that
    wanted = set(names)
    return any(not wanted.isdisjoint(look.found.layer_names) for look in looks)


def diagnosed_layers(looks: Sequence[Look]) -> tuple[dict[str, LayerGradientStats], bool]:
    """The statistics of each layer by name, and whether those of all layers are known.

    A layer that was looked at several times is told by the newest look, or by the first that was not finite.
    """
    if all(look.layers is None for look in looks):
        return {}, False
    layers: dict[str, LayerGradientStats] = {}
    settled: set[str] = set()
    for look in looks:
        if look.layers is None:
            continue
        layers.update((one.layer_name, one) for one in look.layers if one.layer_name not in settled)
        if look.bad_layers:
            settled.update(look.found.layer_names)
    return layers, all(name in layers for look in looks for name in look.found.layer_names)
