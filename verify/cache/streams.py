"""Standard output and error, copied while they are written."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class _Copied(io.BufferedIOBase):
    """Writes to a stream, and keeps a copy."""

    def __init__(self, stream: io.BufferedIOBase, copy: bytearray) -> None:
        self._stream = stream
        self._copy = copy

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        content = bytes(data)  # type: ignore[call-overload]
        self._copy += content
        return self._stream.write(content)

    def flush(self) -> None:
        if not self._stream.closed:  # whoever holds on to this may outlive it
            self._stream.flush()

    def isatty(self) -> bool:
        return self._stream.isatty()

    def fileno(self) -> int:
        return self._stream.fileno()

    def close(self) -> None:
        """Leave the stream open: it is not ours."""


@contextmanager
def copied(
    streams: tuple[io.TextIOWrapper, io.TextIOWrapper],
) -> Iterator[tuple[bytearray, bytearray]]:
    """Copy what is written meanwhile to standard output and error; a terminal's error stream shows progress only."""
    out, errors = streams
    copies = bytearray(), bytearray()
    sys.stdout = _copying(out, copies[0])
    if not errors.isatty():
        sys.stderr = _copying(errors, copies[1])
    try:
        yield copies
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        sys.stdout, sys.stderr = out, errors


def _copying(stream: io.TextIOWrapper, copy: bytearray) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        _Copied(stream.buffer, copy),  # type: ignore[arg-type]
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering,
        write_through=True,
    )
