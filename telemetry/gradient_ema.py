"""Does the size of the gradient drift away from what it has been? An exponential moving average to tell by.

The average starts at zero and is corrected for that start, as Adam's moments are: D. P. Kingma and J. Ba, "Adam: A
method for stochastic optimization", ICLR 2015, section 3. An average that starts at its first value keeps an
unusual first value for hundreds of updates; this one gives it the weight of one update among those seen.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence

from ..registry import Record, shipped_registry
from . import record_ids as ids
from .measurements import GradientDrift, MeasuredGradients
from .streaks import StreakCounter

__all__ = [
    "DEFAULT_DECAY",
    "DEFAULT_WARMUP",
    "GradientDrift",
    "GradientEMATracker",
    "TrackerStateError",
    "sound_layer_share",
]

DEFAULT_DECAY = 0.99
"""Weight that the average keeps from one update to the next: a memory of about 100 updates."""

DEFAULT_WARMUP = 20
"""Updates that have to be in the average before it is a standard to compare with."""


_DECAY = "decay"
_COUNTS = ("updates", "refused_inputs", "streak")
_SUMS = ("norm_sum", "health_sum")
_LARGEST_COUNT = 2**53
"""More than any run counts to, and the largest up to which a float is exact: the averages are divided by one."""


class TrackerStateError(ValueError):
    """A saved state is not one of a tracker: a key is missing or unknown, or a value is none it can have."""


class GradientEMATracker:
    """Moving averages of the gradient's norm and health, and how far each new value is from them.

    A value is compared with the average of the values *before* it, then folded in. An input that is not finite
    is never folded in and never raises: it is answered with a drift of NaN, which no record calls healthy.

    Args:
        decay: what the average keeps at each update, 0 <= decay < 1.
        warmup_updates: how many updates `GradientDrift.is_warming_up` stays true, at least 1.
        record: by which streaks are counted; the shipped TELE-330 if None.

    Raises:
        ValueError: an argument is out of its range.
    """

    def __init__(
        self,
        *,
        decay: float = DEFAULT_DECAY,
        warmup_updates: int = DEFAULT_WARMUP,
        record: Record | None = None,
    ) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be at least 0 and below 1, not {decay}")
        if warmup_updates < 1:
            raise ValueError(
                f"warmup_updates must be at least 1, not {warmup_updates}: nothing is known before"
            )
        self._decay: float = decay
        self._warmup_updates: int = warmup_updates
        self._updates: int = 0
        self._refused_inputs: int = 0
        self._norm_sum: float = 0.0
        self._health_sum: float = 0.0
        self._record: Record = shipped_registry()[ids.GRADIENT_DRIFT] if record is None else record
        self._streak: StreakCounter = StreakCounter(self._record)

    @property
    def updates(self) -> int:
        """How many updates are in the averages."""
        return self._updates

    @property
    def refused_inputs(self) -> int:
        """How many updates were not folded in, because the norm or the health was not finite."""
        return self._refused_inputs

    @property
    def norm_ema(self) -> float | None:
        """The corrected average of the norms; None before the first."""
        return self._corrected(self._norm_sum)

    @property
    def health_ema(self) -> float | None:
        """The corrected average of the healths; None before the first."""
        return self._corrected(self._health_sum)

    def update(self, *, grad_norm: float, grad_health: float) -> GradientDrift:
        """Compare one update with the averages, then fold it in.

        Args:
            grad_norm: L2 norm of all gradients before clipping.
            grad_health: share of layers with a sound gradient, from 0 to 1.
        """
        norm_ema, health_ema = self.norm_ema, self.health_ema
        is_warming_up = self._updates < self._warmup_updates
        if not (math.isfinite(grad_norm) and math.isfinite(grad_health)):
            self._refused_inputs += 1
            return self._streak.count(
                GradientDrift(
                    norm_ema=norm_ema,
                    norm_drift=math.nan,
                    health_ema=health_ema,
                    health_drift=math.nan,
                    is_warming_up=is_warming_up,
                    streak=0,
                )
            )
        drift = GradientDrift(
            norm_ema=norm_ema,
            norm_drift=None if norm_ema is None else norm_change(grad_norm, norm_ema),
            health_ema=health_ema,
            health_drift=None if health_ema is None else health_ema - grad_health,
            is_warming_up=is_warming_up,
            streak=0,
        )
        self._updates += 1
        self._norm_sum = self._folded(self._norm_sum, grad_norm)
        self._health_sum = self._folded(self._health_sum, grad_health)
        return self._streak.count(drift)

    def state_dict(self) -> dict[str, float | int]:
        """What has to be saved to go on later, as plain numbers."""
        return {
            _DECAY: self._decay,
            "updates": self._updates,
            "refused_inputs": self._refused_inputs,
            "streak": self._streak.length,
            "norm_sum": self._norm_sum,
            "health_sum": self._health_sum,
        }

    def load_state_dict(self, state: Mapping[str, float | int]) -> None:
        """Go on from what `state_dict` gave; the warm-up stays this tracker's own.

        Raises:
            TrackerStateError: a key is missing or unknown, the averages are those of another decay, or a value
                is none that a tracker can have. The tracker is then unchanged.
        """
        keys = (_DECAY, *_COUNTS, *_SUMS)
        if set(state) == {*_COUNTS, *_SUMS}:
            raise TrackerStateError(
                "this state does not say by which decay its sums were weighed: it is of a version that did not save "
                "it. Leave it out, so that the averages begin anew, or give the decay of that run under the key 'decay'"
            )
        if set(state) != set(keys):
            raise TrackerStateError(
                f"a tracker's state has the keys {', '.join(keys)}, not {', '.join(map(str, state)) or 'none'}"
            )
        if state[_DECAY] != self._decay:
            raise TrackerStateError(
                f"the sums were weighed by a decay of {_short(state[_DECAY])}, and this tracker's is {self._decay}: "
                "make it with the decay that the state was saved with"
            )
        for name in _COUNTS:
            value = state[name]
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST_COUNT:
                raise TrackerStateError(f"{name} must be a whole number from 0 to 2**53, not {_short(value)}")
        for name in _SUMS:
            given: object = state[name]
            # A whole number may be larger than any float: compared with infinity it is finite.
            if (
                isinstance(given, bool)
                or not isinstance(given, int | float)
                or not 0 <= given <= sys.float_info.max
            ):
                raise TrackerStateError(
                    f"{name} must be a finite number from 0 on, not {_short(given)}: nothing else is folded in"
                )
        if state["updates"] == 0 and any(state[name] != 0 for name in _SUMS):
            raise TrackerStateError(f"{' and '.join(_SUMS)} must be 0 before the first update")
        self._updates = int(state["updates"])
        self._refused_inputs = int(state["refused_inputs"])
        self._streak = StreakCounter(self._record, length=int(state["streak"]))
        self._norm_sum = float(state["norm_sum"])
        self._health_sum = float(state["health_sum"])

    def _folded(self, total: float, value: float) -> float:
        return self._decay * total + (1 - self._decay) * value

    def _corrected(self, total: float) -> float | None:
        """Divide by the sum of all weights, 1 - decay**updates: what makes them an average."""
        if self._updates == 0:
            return None
        # expm1 keeps the digits that 1 - decay**n loses for a decay near 1.
        weights = 1.0 if self._decay == 0 else -math.expm1(self._updates * math.log(self._decay))
        return total / weights


def _short(value: object) -> str:
    """A value for a message, cut where it is long; the digits of a huge whole number cannot even be written."""
    if isinstance(value, int) and abs(value) > _LARGEST_COUNT:
        return f"a whole number of {value.bit_length()} bits"
    return repr(value)[:40]


def sound_layer_share(collections: Sequence[MeasuredGradients]) -> float:
    """Share of the layers whose gradient is finite and not all zero, over collections that measured their norms.

    NaN where no layer was measured.
    """
    norms = [norm for collection in collections for norm in collection.layer_norms or ()]
    sound = sum(0 < norm < math.inf for norm in norms)
    return sound / len(norms) if norms else math.nan


def norm_change(norm: float, average: float) -> float:
    """By how many times the average the norm has grown or shrunk: the larger over the smaller, less one.

    0 where they are equal, 1 for twice as well as for half the average, infinite where one of them is 0. A fall is
    weighed like a rise: as a share of the average it could never be more than 1.
    """
    if norm == average:
        return 0.0
    smaller = min(norm, average)
    return max(norm, average) / smaller - 1 if smaller > 0 else math.inf
