"""Numbers on their way from a device to the host."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


class Transfer:
    """Starts copying small tensors to the host; `read` waits for what has been started before, and for no more.

    On CUDA the copy goes into pinned memory behind an event, so that work queued later is not waited for.
    """

    def __init__(self, columns: Iterable[Tensor]) -> None:
        """Start copying one-dimensional tensors or scalars, one transfer per device."""
        self._places: list[tuple[torch.device, int]] = []
        by_device: dict[torch.device, list[Tensor]] = {}
        for column in columns:
            on_device = by_device.setdefault(column.device, [])
            self._places.append((column.device, len(on_device)))
            on_device.append(column.reshape(-1))
        self._sizes = {device: [len(column) for column in group] for device, group in by_device.items()}
        self._hosts: dict[torch.device, Tensor] = {}
        self._events: list[torch.cuda.Event] = []
        for device, group in by_device.items():
            packed = (
                group[0] if len(group) == 1 else torch.cat([column.to(torch.float64) for column in group])
            )
            if device.type == "cuda":
                packed = packed.to("cpu", non_blocking=True)
                event = torch.cuda.Event()  # type: ignore[no-untyped-call]
                event.record(torch.cuda.current_stream(device))
                self._events.append(event)
            self._hosts[device] = packed

    def read(self) -> list[list[float]]:
        """Wait, and return the columns in the order in which they were given."""
        for event in self._events:
            event.synchronize()
        columns: dict[torch.device, list[list[float]]] = {}
        for device, packed in self._hosts.items():
            values: list[float] = packed.tolist()
            begin = 0
            for size in self._sizes[device]:
                columns.setdefault(device, []).append(values[begin : begin + size])
                begin += size
        return [columns[device][place] for device, place in self._places]
