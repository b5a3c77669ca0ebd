"""Writing a file in one step: a reader, or a crash, never leaves half of it."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path


def write_if_changed(path: Path, text: str) -> bool:
    """Write a text to a file unless it holds that text already; return whether it was written.

    The text goes to a temporary file beside it, which then takes its place. When that fails the old file is as it
    was and the temporary one is gone. A link is followed; an existing file keeps its permissions.

    Raises:
        OSError: The file cannot be written.
    """
    target = path.resolve()
    content = text.encode()
    mode: int | None = None
    if target.exists():
        if target.read_bytes() == content:
            return False
        mode = stat.S_IMODE(target.stat().st_mode)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
        if mode is not None:
            temporary.chmod(mode)
        os.replace(temporary, target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return True
