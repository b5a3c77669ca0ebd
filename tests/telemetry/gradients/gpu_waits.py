"""How often a GPU is waited for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

import torch


@dataclass
class Waits:
    """Waits for an event on a GPU."""

    count: int = 0


@contextmanager
def count_gpu_waits() -> Iterator[Waits]:
    """Count the waits for an event, which CUDA's own report leaves out; any other wait for the GPU is an error."""
    waits = Waits()
    wait = torch.cuda.Event.synchronize

    def counted(event: torch.cuda.Event) -> None:
        waits.count += 1
        wait(event)

    with patch.object(torch.cuda.Event, "synchronize", counted):
        torch.cuda.set_sync_debug_mode("error")
        try:
            yield waits
        finally:
            torch.cuda.set_sync_debug_mode("default")
