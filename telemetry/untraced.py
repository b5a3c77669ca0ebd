"""What `torch.compile` is not to trace."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

import torch

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


def untraced(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """Decorate a function that fetches values from the device: within a compiled caller it runs as it is written.

    Traced, each fetch would break the graph in its own place, and a branch on a fetched value would be compiled for
    each value anew. Elsewhere nothing has to be kept from the compiler, which costs several times the call.
    """
    disabled = cast(Callable[Parameters, Result], torch.compiler.disable(function))  # type: ignore[no-untyped-call]

    @wraps(function)
    def call(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        if torch.compiler.is_dynamo_compiling():
            return disabled(*args, **kwargs)
        return function(*args, **kwargs)

    return call
