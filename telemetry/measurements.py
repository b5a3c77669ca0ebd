"""What the collectors measure, as plain values that need no torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, TypeAlias

if TYPE_CHECKING:
    from .norms import Arithmetic


class NormState(StrEnum):
    """What is known of the norm of a collection of gradients."""

    FINITE = "finite"
    """Every element is finite, and so is their norm in the gradients' own arithmetic."""
    UNDERFLOWED = "underflowed"
    """Every element is finite and some are not zero, but their squares vanish in the gradients' own arithmetic:
    PyTorch's norm is 0 or wrong. The norm of the collection is right."""
    OVERFLOWED = "overflowed"
    """Every element is finite, but their squares overflow the gradients' own arithmetic: PyTorch's norm is
    infinite, and `clip_grad_norm_` would zero every gradient. The norm of the collection is right."""
    NOT_FINITE = "not_finite"
    """An element is NaN or infinite."""
    UNSETTLED = "unsettled"
    """The first reading was not finite or too small to be believed, and the gradients were changed before a
    second one could settle it."""
    NO_GRADIENTS = "no_gradients"
    """No parameter had a gradient: nothing was measured."""

    @classmethod
    def worst(cls, states: Iterable[NormState]) -> NormState:
        """The worst of some states: what is not finite, then what is unsettled, overflowed, underflowed, finite.

        A state in which nothing was measured counts only where there is no other.
        """
        return max(states, key=_BADNESS.index, default=cls.NO_GRADIENTS)


_BADNESS = (
    NormState.NO_GRADIENTS,
    NormState.FINITE,
    NormState.UNDERFLOWED,
    NormState.OVERFLOWED,
    NormState.UNSETTLED,
    NormState.NOT_FINITE,
)


class NormSource(StrEnum):
    """Where the norm of a collection comes from."""

    MEASURED = "measured"
    """From reading the gradients."""
    CLIPPING = "clipping"
    """From the value that clipping returned; the gradients were not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientSums:
    """What the gradients of one rank add up to, in a form that merges with the sums of other ranks.

    The squares of the finite elements are held in units of ``scale``², so that they neither overflow nor vanish.
    """

    element_count: int
    """Number of elements."""
    nan_count: int
    """Number of elements that are NaN."""
    inf_count: int
    """Number of elements that are infinite."""
    scale: float
    """Unit of ``squares``: positive and finite."""
    squares: float
    """Sum of the squares of the finite elements, in units of ``scale``²."""
    overflow_limit: float
    """Largest norm that the arithmetic of the widest dtype among the gradients holds; 0.0 for no gradients."""
    underflow_limit: float
    """Smallest norm that this arithmetic holds; 0.0 for no gradients."""
    layer_overflowed: bool
    """Whether a layer alone, all elements finite, exceeds what the arithmetic of its own dtype holds."""

    @property
    def finite_norm(self) -> float:
        """L2 norm of the finite elements; infinite only where it exceeds float64."""
        return self.scale * math.sqrt(self.squares)

    @property
    def norm(self) -> float:
        """L2 norm of all elements by IEEE rules: NaN where an element is NaN, else infinite where one is."""
        if self.nan_count:
            return math.nan
        return math.inf if self.inf_count else self.finite_norm

    @property
    def state(self) -> NormState:
        """What these sums say of their norm."""
        if self.overflow_limit == 0.0:
            return NormState.NO_GRADIENTS
        if self.nan_count or self.inf_count:
            return NormState.NOT_FINITE
        if self.layer_overflowed or not self.finite_norm <= self.overflow_limit:
            return NormState.OVERFLOWED
        if 0.0 < self.finite_norm < self.underflow_limit:
            return NormState.UNDERFLOWED
        return NormState.FINITE

    @classmethod
    def merged(cls, parts: Iterable[GradientSums]) -> GradientSums:
        """The sums over several parts that have no element in common; over no part, those of no gradients."""
        known = list(parts)
        scale = max((part.scale for part in known if part.squares > 0.0), default=1.0)
        # The widest dtype has the largest overflow limit; its arithmetic is the one that holds the total.
        widest = max(known, key=lambda part: part.overflow_limit, default=None)
        return GradientSums(
            element_count=sum(part.element_count for part in known),
            nan_count=sum(part.nan_count for part in known),
            inf_count=sum(part.inf_count for part in known),
            scale=scale,
            squares=math.fsum(
                part.squares * (part.scale / scale) ** 2 for part in known if part.squares > 0.0
            ),
            overflow_limit=0.0 if widest is None else widest.overflow_limit,
            underflow_limit=0.0 if widest is None else widest.underflow_limit,
            layer_overflowed=any(part.layer_overflowed for part in known),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BadLayer:
    """A layer whose gradient is not finite, with what is still to be known of it."""

    layer_name: str
    """The parameter's name."""
    element_count: int
    """Number of elements of the gradient (of this rank's shard, for a sharded one)."""
    nan_count: int
    """Number of elements that are NaN."""
    inf_count: int
    """Number of elements that are infinite."""
    finite_norm: float
    """L2 norm of the elements that are finite."""
    finite_before: str | None
    """The nearest layer before this one, in the model's order, whose gradient is finite; None when there is
    none. Backpropagation runs against that order: the first bad layer that it reached stands last."""
    finite_after: str | None
    """The nearest layer after this one whose gradient is finite; None when there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientCollection:
    """All gradients of a model at one moment: are they finite, and how large?

    Layers are columns (``layer_names``, ``layer_norms``), not objects: a healthy collection makes none.
    ``None`` stands for what was not measured; it is never zero.
    """

    layer_names: tuple[str, ...]
    """The parameters that had a gradient, in the model's order."""
    layer_norms: tuple[float, ...] | None
    """L2 norm of each layer's gradient, in the order of ``layer_names``, NaN or infinite where an element is.
    A norm below 1e-12 beside a total above 1e-3 is known only to be that small. None when the norm is clipping's."""
    element_count: int
    """Number of gradient elements, over all layers."""
    nan_count: int | None
    """Number of elements that are NaN; None when they could not be counted: there are no gradients, or the norm is
    not finite and the gradients were changed (or clipped) before they were read again."""
    inf_count: int | None
    """Number of elements that are infinite; None as ``nan_count``."""
    norm: float | None
    """L2 norm of all elements: NaN where one is NaN, else infinite where one is; infinite too where the norm
    exceeds float64. None when there is no gradient."""
    norm_state: NormState
    """What is known of the norm."""
    norm_source: NormSource
    """Whether the norm was measured or is what clipping returned."""
    norm_error: float
    """Bound on the relative error of a finite ``norm``."""
    passes: int
    """How often gradients were read, in part or whole: 1 in the healthy case (a finite norm proves that nothing
    is NaN or infinite), 0 for a norm that clipping returned, up to 3 where something had to be settled and
    counted."""
    bad_layers: tuple[BadLayer, ...]
    """The layers that hold a NaN or an infinity, in the model's order."""
    loss_scale: float | None
    """The factor on the loss under mixed precision, as the caller gave it; None without one."""
    replicated: GradientSums | None
    """Sums over the gradients that lie whole on this rank, and are the same on every rank that holds the model;
    None when they were not measured."""
    sharded: GradientSums | None
    """Sums over this rank's own shards of distributed gradients, left out where another rank counts the same
    shard. None when no gradient is distributed. When there are such, norm and counts of this collection are
    those of this rank, and `GradientSums.merged` over the ranks' ``sharded`` and one ``replicated`` gives those
    of the model."""


@dataclass(slots=True)
class FiniteReading:
    """One reading of gradients that lie whole on this rank, whose norm proves each element to be finite.

    It says what a healthy step's `GradientCollection` says, without its columns being made: a short training step has
    better things to do than to make what is only sent somewhere.
    """

    layer_names: tuple[str, ...]
    """The parameters that had a gradient, in the model's order."""
    layer_norms: Sequence[float]
    """L2 norm of each layer's gradient, in the order of ``layer_names``."""
    sizes: Sequence[int]
    """Number of elements of each layer's gradient, in the same order."""
    norm: float
    """L2 norm of all elements: positive, and held by the arithmetic that it was taken in."""
    arithmetic: Arithmetic
    """How the norms were taken."""
    nan_count: ClassVar[int] = 0
    """A norm that is finite proves that no element is NaN."""
    inf_count: ClassVar[int] = 0
    """A norm that is finite proves that no element is infinite."""
    norm_state: ClassVar[NormState] = NormState.FINITE
    passes: ClassVar[int] = 1
    loss_scale: ClassVar[float | None] = None
    bad_layers: ClassVar[tuple[BadLayer, ...]] = ()
    sharded: ClassVar[GradientSums | None] = None

    def without_layers(self) -> FiniteReading:
        """The reading without the norms of its layers: for whoever keeps many."""
        return FiniteReading(self.layer_names, (), self.sizes, self.norm, self.arithmetic)

    def collection(self, *, loss_scale: float | None) -> GradientCollection:
        """The collection that the reading amounts to."""
        sums = GradientSums(
            element_count=sum(self.sizes),
            nan_count=self.nan_count,
            inf_count=self.inf_count,
            scale=self.norm,
            squares=1.0,
            overflow_limit=self.arithmetic.overflow_limit,
            underflow_limit=self.arithmetic.underflow_limit,
            layer_overflowed=False,
        )
        return GradientCollection(
            layer_names=self.layer_names,
            layer_norms=tuple(self.layer_norms),
            element_count=sums.element_count,
            nan_count=sums.nan_count,
            inf_count=sums.inf_count,
            norm=self.norm,
            norm_state=self.norm_state,
            norm_source=NormSource.MEASURED,
            norm_error=self.arithmetic.error(max(self.sizes)),
            passes=self.passes,
            bad_layers=self.bad_layers,
            loss_scale=loss_scale,
            replicated=sums,
            sharded=self.sharded,
        )


MeasuredGradients: TypeAlias = FiniteReading | GradientCollection
"""What was measured of gradients: a reading where it says all that there is to say."""


def collection_of(measured: MeasuredGradients) -> GradientCollection:
    """What was measured, as a collection."""
    return measured.collection(loss_scale=None) if isinstance(measured, FiniteReading) else measured


def worst_norm(norms: Sequence[float | None]) -> float | None:
    """The largest of the norms; NaN when one is NaN, so that no step can hide it; None when there is none."""
    worst: float | None = None
    for norm in norms:
        if norm is None:
            continue
        if math.isnan(norm):
            return norm
        if worst is None or norm > worst:
            worst = norm
    return worst


@dataclass(frozen=True, slots=True)
class LayerGradientStats:
    """The gradient of one parameter tensor ("layer"), as it stood after the backward pass.

    Counts are exact. ``norm``, ``mean``, ``std``, ``min`` and ``max`` describe the *finite* elements, so that
    one NaN does not hide how large the rest of the layer is; read them together with the counts. Where a
    layer has no finite element, ``norm`` is 0.0 (the norm of nothing) and the other four are NaN.

    The three fractions are shares of *all* elements of the layer, each in [0, 1]: an infinite element counts
    as large, a NaN as none of them. They are NaN for a layer without elements.
    """

    layer_name: str
    """The parameter's name in ``model.named_parameters()``."""
    element_count: int
    """Number of elements of the gradient."""
    nan_count: int
    """Number of elements that are NaN."""
    inf_count: int
    """Number of elements that are +inf or -inf."""
    norm: float
    """L2 norm of the finite elements, accumulated in float64."""
    mean: float
    """Arithmetic mean of the finite elements."""
    std: float
    """Population standard deviation (divisor n) of the finite elements."""
    min: float
    """Smallest finite element."""
    max: float
    """Largest finite element."""
    zero_fraction: float
    """Share of elements that are exactly zero."""
    small_fraction: float
    """Share of elements below 1e-6 in magnitude, zeros included."""
    large_fraction: float
    """Share of elements above 10 in magnitude, infinite ones included."""

    @property
    def health(self) -> float:
        """Share of elements whose gradient is of a working size, from 1e-6 to 10: 1 - small - large fraction.

        It is 0.0 where an element is NaN or infinite, since one such element spoils the whole layer at the next
        step, and NaN for a layer without elements. It is no standard metric: a plain share was chosen because it
        needs no weights, has a unit (elements), and says by how much a layer is off. Sparse gradients of ReLU
        layers lower it, so that it is read beside the layer's own past, not against 1.
        """
        if self.nan_count or self.inf_count:
            return 0.0
        return 1.0 - self.small_fraction - self.large_fraction


@dataclass(frozen=True, slots=True)
class LSTMHealthMetrics:
    """Size and soundness of an LSTM's hidden state (h, c), each taken over the whole tensor.

    A norm or maximum follows IEEE arithmetic: it is NaN where its tensor holds a NaN, and infinite where it
    holds an infinity and no NaN. Neither passes for a healthy value in a comparison.
    """

    h_norm: float
    """L2 norm of the hidden state h (no unit)."""
    c_norm: float
    """L2 norm of the cell state c (no unit)."""
    h_max: float
    """Largest magnitude in h."""
    c_max: float
    """Largest magnitude in c."""
    h_rms: float
    """Root mean square of h: what ``h_norm`` is to a state of any size. Below 1, since |h| = |o tanh(c)| is."""
    c_rms: float
    """Root mean square of c."""
    h_saturation: float
    """Share of the elements of h whose magnitude is above 0.95, in [0, 1]; NaN where h holds a NaN."""
    has_nan: bool
    """Whether h or c holds a NaN."""
    has_inf: bool
    """Whether h or c holds an infinity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RankCoverage:
    """Of how many ranks the figures of an update speak."""

    world_size: int
    """Number of ranks of the training."""
    missing: int
    """Ranks whose gradients are not in the figures, those that did not answer among them."""
    unanswered: int
    """Ranks that did not answer when the statistics were last exchanged."""

    def __str__(self) -> str:
        return f"{self.world_size - self.missing} of {self.world_size}"


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientDrift:
    """How far one update's gradient is from the moving average of those before it.

    An average and a distance are None where nothing came before; a distance is NaN where the update's own value
    was not finite, so that it is never taken for a small one.
    """

    norm_ema: float | None
    """Moving average of the gradient norm before this update."""
    norm_drift: float | None
    """By what factor the norm left its average, less one: 0 is no drift, 1 is twice or half the average."""
    health_ema: float | None
    """Moving average, before this update, of the share of layers with a sound gradient."""
    health_drift: float | None
    """``health_ema - health``: how much of the layers was lost, from -1 to 1."""
    is_warming_up: bool
    """Whether the averages hold too few updates to judge by."""
    streak: int
    """How many updates in a row, this one included, were further off than may last by the record (TELE-330)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One step of experience, and how much more likely the policy has made its action."""

    time: int
    """Step within the rollout, from 0."""
    environment: int
    """Index of the environment, from 0."""
    ratio: float
    """Probability of the action under the new policy over that under the old."""
    advantage: float
    """The advantage by which the loss weighed it, normalised."""

    def __str__(self) -> str:
        where = f"step {self.time}, environment {self.environment}"
        return f"{self.ratio:.3g} at {where}, advantage {self.advantage:.3g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RatioExtremes:
    """How far probability ratios went in one update, and where: over all transitions of all optimiser steps.

    Where a ratio is NaN, `max`, `std` and the first of `highest` are.
    """

    max: float
    """Largest ratio."""
    min: float
    """Smallest ratio."""
    std: float
    """Largest standard deviation of the ratios of one optimiser step."""
    highest: tuple[Transition, ...]
    """The transitions with the largest ratios, the largest first."""
    lowest: tuple[Transition, ...]
    """The transitions with the smallest ratios, the smallest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyStats:
    """What one update did to the policy, and how well the values of its rollout fitted.

    Losses, entropies, divergence and clip fraction are means over the update's optimiser steps. Values and
    advantages are those of the whole rollout, before the update and before normalisation.
    """

    policy_loss: float
    """Clipped surrogate loss."""
    value_loss: float
    """Mean squared error of the values."""
    entropy: float
    """Entropy of the whole action in nats: the sum over the heads, which decide independently."""
    head_entropies: Mapping[str, float]
    """Entropy of each action head in nats."""
    approx_kl: float
    """Estimated KL(old policy || new policy) in nats."""
    clip_fraction: float
    """Share of transitions whose ratio left the clip range, in [0, 1]; NaN where a ratio was."""
    ratio: RatioExtremes
    """The extreme ratios."""
    explained_variance: float | None
    """Share of the returns' variance that the values explain; None where the returns do not vary."""
    value_mean: float
    """Mean of the values."""
    value_std: float
    """Population standard deviation of the values."""
    advantage_mean: float
    """Mean of the advantages."""
    advantage_std: float
    """Population standard deviation of the advantages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadEntropy:
    """How undecided one action head still is."""

    entropy: float
    """Entropy in nats."""
    normalised: float
    """Entropy as a share of that of a head that decides at random, in [0, 1]."""
    streak: int
    """How many updates in a row, this one included, were lower than may last by the record (TELE-101)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueHealth:
    """Whether the value function still tells good states from bad ones, and how far training has come."""

    phase: float
    """Share of the training that is done, in [0, 1]."""
    explained_variance: float | None
    """Share of the returns' variance that the values explain; None where the returns do not vary."""
    value_mean: float
    """Mean of the rollout's values."""
    value_std: float
    """Population standard deviation of the rollout's values."""
    streak: int
    """How many updates in a row, this one included, were worse than may last by the record (TELE-201)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PerformanceTrend:
    """How an epoch's mean return compares with the best epoch before it."""

    epoch: int
    """Number of the epoch that ended, counted from 1."""
    mean_return: float | None
    """Mean return of the recent episodes at its end; None where none has finished."""
    best_return: float | None
    """The best such mean at the end of an earlier epoch; None at the first."""
    drop: float | None
    """How much of the best has been lost, as a share of its size: 0.5 is half; negative for a new best."""
    is_warming_up: bool
    """Whether too few epochs have ended to judge by."""
