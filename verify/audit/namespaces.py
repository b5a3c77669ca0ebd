"""Folders without `__init__.py` that are packages: their modules import each other by the folder's name."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from ..source import discover

_DEEPEST = 3  # `google.cloud.storage`


def namespace_of(folder: Path) -> str:
    """Return the dotted name by which the modules in a folder import each other; empty where they do without one.

    The folder may be part of a namespace itself: of `opentelemetry/sdk` it is `opentelemetry.sdk`.
    """
    inside = {
        one.name.removesuffix(".py") for one in folder.iterdir() if _is_folder(one) or one.suffix == ".py"
    }
    inside = {name for name in inside if name.isidentifier()}
    tails = (folder.parts[-depth:] for depth in range(1, _DEEPEST + 1))
    names = [".".join(tail) for tail in tails if all(part.isidentifier() for part in tail)]
    if not names or not inside:
        return ""
    either = "|".join(map(re.escape, names))
    children = "|".join(sorted(map(re.escape, inside)))
    imported = re.compile(
        rf"^[ \t]*(?:from|import)[ \t]+({either})(?:\.(?:{children})\b|[ \t]+import[ \t]+\(?[ \t]*(?:{children})\b)",
        re.MULTILINE,
    )
    for file in discover({"": folder}, root=folder):
        with suppress(OSError):  # which is told of when the program is read
            found = imported.search(file.path.read_text(encoding="utf-8", errors="replace"))
            if found is not None:
                return found[1]
    return ""


def _is_folder(path: Path) -> bool:
    """Whether something is a folder; a link to where nobody may look is none."""
    with suppress(OSError):
        return path.is_dir()
    return False
