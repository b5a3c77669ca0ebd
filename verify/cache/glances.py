"""Files of which a run has seen no more than their words: while a change leaves these, it leaves the answer.

Where all wires are proved in a part of a program, little is asked of the other files: whether they are Python, which of
some words they hold, whether they compute names of attributes, and, of those that may lead to certain modules, which
ones they import. Their lines are counted too, and that is all that a report says of them.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..collector import collector_paused
from ..source_text import MARK, computes_names, count_lines, imported_names, passed_modules, words_of
from .inputs import digest

if TYPE_CHECKING:
    from ..source.words import WordIndex

_ONLY_PARSE = 0x400  # ast.PyCF_ONLY_AST, without importing all that belongs to it
_SHARE_OF_STACK = 0.75  # what nested code may need here: an analysis parses deeper in its stack
_MOST_CHANGED = 1 << 21  # bytes: to look through more takes as long as to analyse


@dataclass(frozen=True)
class Glances:
    """What was asked of the files that were only looked at.

    Attributes:
        index: What answered.
        known: Modules of which more was asked.
        lines: Lines of the program, as the report says.
        least_lines: Lines of all files below which the part would be too large a share to be followed by itself.
    """

    index: WordIndex
    known: Collection[str]
    lines: int
    least_lines: float

    def plain(self, opened_once: Iterable[str]) -> dict[str, object]:
        """Return the answers as plain data, with the files by their path: those that nobody else has opened."""
        wanted = frozenset(opened_once)
        asked = sorted(self.index.asked)
        held: dict[str, list[bytes]] = {name: [] for name in self.index.files}
        for word in asked:
            for name in self.index.asked[word]:
                held[name].append(word)
        files: dict[str, object] = {}
        for name, file in self.index.files.items():
            path = str(file.file.path)
            if name in self.known or path not in wanted or MARK.encode() in file.text:
                continue
            imported = self.index.imported.get(name)
            files[path] = [
                name,
                file.file.is_package,
                file.lines,
                file.computes_names,
                _digest_of(held[name]),
                None if imported is None else _digest_of(one.encode() for one in sorted(imported)),
            ]
        return {
            "asked": [word.decode("latin-1") for word in asked],
            "modules": list(self.index.files),
            "lines": self.lines,
            "all_lines": self.index.lines,
            "least_lines": self.least_lines,
            "files": files,
        }


def after(kept: Mapping[str, object], changed: Mapping[str, bytes]) -> dict[str, object] | None:
    """Return what is to be kept when some files have changed; None where the answer may be another now.

    Args:
        kept: What `Glances.plain` returned.
        changed: New contents by path.

    Raises:
        KeyError: It is not what `Glances.plain` returned; neither are those that lead to the other errors.
        TypeError: Likewise.
        ValueError: Likewise.
        AttributeError: Likewise.
    """
    asked, names, files = kept["asked"], kept["modules"], kept["files"]
    lines, all_lines, least = kept["lines"], kept["all_lines"], kept["least_lines"]
    if (
        not isinstance(asked, list)
        or not isinstance(names, list)
        or not isinstance(files, dict)
        or not isinstance(lines, int)
        or not isinstance(all_lines, int)
        or not isinstance(least, int | float)
        or sum(map(len, changed.values())) > _MOST_CHANGED
    ):
        return None
    words = [word.encode("latin-1") for word in asked]
    modules = frozenset(names)
    files = dict(files)
    for path, content in changed.items():
        if path not in files or MARK.encode() in content:
            return None
        module, is_package, before, computes, held, imported = files[path]
        found = words_of(content)
        if computes_names(content, found) is not computes:
            return None
        if _digest_of(word for word in words if word in found) != held:
            return None
        if imported is not None:
            dotted = imported_names(content, module, is_package=is_package)
            passed = {one for name in dotted for one in passed_modules(name, modules)}
            if _digest_of(one.encode() for one in sorted(passed)) != imported:
                return None
        if not _is_python(content):
            return None
        now = count_lines(content)
        lines, all_lines = lines + now - before, all_lines + now - before
        files[path] = [module, is_package, now, computes, held, imported]
    if all_lines < least:
        return None
    return {**kept, "files": files, "lines": lines, "all_lines": all_lines}


def with_lines(text: bytes, kept: Mapping[str, object], now: Mapping[str, object]) -> bytes | None:
    """Return a report with other lines counted; None where they do not stand in the same place."""
    if kept["lines"] == now["lines"]:
        return text
    for form in ("{:,} lines", '"lines": {}'):
        old, new = (form.format(one["lines"]).encode() for one in (kept, now))
        if text.count(old) == 1:
            is_laid_out = form.endswith("lines")  # and would break its line elsewhere
            return None if is_laid_out and len(old) != len(new) else text.replace(old, new)
    return None


def _digest_of(words: Iterable[bytes]) -> str:
    return digest(b" ".join(words))


def _is_python(content: bytes) -> bool:
    """Whether a text can be parsed; one that needs most of the stack for that counts as none."""
    limit = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(int(limit * _SHARE_OF_STACK))
        with collector_paused(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(content, "<changed>", "exec", _ONLY_PARSE, dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    finally:
        sys.setrecursionlimit(limit)
    return True
