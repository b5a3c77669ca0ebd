"""Words that tell metrics from other values: of variables, functions and string keys."""

from __future__ import annotations

from collections.abc import Iterable

from .names import words

_OF_COLLECTIONS = frozenset(
    {
        "metric",
        "statistic",
        "telemetry",
        "log",
        "summary",
        "report",
        "diagnostic",
        "measurement",
        "health",
        "loss",
        "score",
        "scalar",
        "counter",
        "history",
        "timing",
        "meter",
    }
)
_OF_VALUES = _OF_COLLECTIONS | {
    "mean",
    "max",
    "min",
    "median",
    "deviation",
    "variance",
    "count",
    "rate",
    "ratio",
    "fraction",
    "accuracy",
    "precision",
    "recall",
    "reward",
    "return",
    "entropy",
    "kl",
    "norm",
    "gradient",
    "latency",
    "duration",
    "elapsed",
    "throughput",
    "margin",
    "error",
    "clip",
    "advantage",
    "perplexity",
    "logprob",
    "logp",
    "percent",
    "memory",
    "total",
    "lag",
    "drift",
    "explained",
    "grad",
    "nan",
    "inf",
    # Measures of models, and of what they are fed:
    *(
        "auc",
        "auroc",
        "bleu",
        "brier",
        "calibration",
        "cer",
        "ece",
        "f1",
        "fid",
        "iou",
        "mae",
        "mrr",
        "mse",
        "ndcg",
    ),
    *("percentile", "psi", "psnr", "quantile", "rmse", "rouge", "skew", "ssim", "wer"),
}

_SPEAKS_OF = frozenset(
    {
        *("alert", "alerting", "metric", "telemetry", "monitor", "monitoring", "observability", "statistic"),
        *("health", "logging", "tracing", "reporting", "prometheus", "recorder", "heartbeat", "watchdog"),
    }
)


def names_metrics(name: str) -> bool:
    """Whether a variable or function of this name holds or gives metrics: `train_stats`, `compute_metrics`."""
    return not _OF_COLLECTIONS.isdisjoint(words(name))


def are_metrics(keys: Iterable[str]) -> bool:
    """Whether string keys name metrics: most of them say what is measured, or are paths (`train/loss`).

    A unit says nothing of the kind: a timeout has one as well, and the `s` of `alpha_s` is none.
    """
    named = list(keys)
    metric = [key for key in named if "/" in key or not _OF_VALUES.isdisjoint(words(key))]
    return bool(named) and 2 * len(metric) >= len(named)


def speaks_of_telemetry(name: str) -> bool:
    """Whether a name of a class, function or module says that it is about telemetry."""
    return not _SPEAKS_OF.isdisjoint(words(name))
