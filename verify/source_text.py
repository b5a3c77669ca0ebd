"""What the text of a source file shows before it is parsed: its words, and the names that it may import.

This module imports next to nothing: it also stands between the user and an answer that is already known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MARK = "telewire:"
"""What a comment that speaks to this program holds."""

_ONLY_WORDS = re.sub(rb"\W", b" ", bytes(range(256)))
_BY_NAME = {b"getattr", b"setattr"}
_IMPORT = re.compile(
    rb"(?m)(?:^|[;:])[ \t\f]*"
    rb"(?:from[ \t]*(?P<base>[\w. \t\x80-\xff]*?)[ \t]*\bimport\b(?P<names>[ \t]*\([^)]*\)|(?:[^\n\\;#]|\\\r?\n)*)"
    rb"|import[ \t](?P<whole>(?:[^\n\\;#]|\\\r?\n)*))"
)
_DOTTED = re.compile(rb"[\"'](\.*\w[\w.]*)[\"']")
_COMPUTED = re.compile(rb"\b[gs]etattr\s*\(\s*[\w.\[\]()]+\s*,(?!\s*[\"'])")
_BY_TEXT = (b"__getattr__", b"import_module", b"__import__", b"lazy")  # what imports by names in strings


def words_of(text: bytes) -> frozenset[bytes]:
    """Return the ASCII words of a text, those in strings and comments too."""
    return frozenset(text.translate(_ONLY_WORDS).split())


def computes_names(text: bytes, words: frozenset[bytes]) -> bool:
    """Whether a text of these words names attributes by what it computes, with `getattr` or `setattr`."""
    return not words.isdisjoint(_BY_NAME) and _COMPUTED.search(text) is not None


def count_lines(text: str | bytes) -> int:
    """Return how many lines a file's text has."""
    ends = text.count("\n") if isinstance(text, str) else text.count(b"\n")
    is_ended = text.endswith("\n") if isinstance(text, str) else text.endswith(b"\n")
    return ends if is_ended else ends + 1


def imported_names(text: bytes, module: str, *, is_package: bool) -> set[str]:
    """Return the dotted names that a module may import. What merely looks like an import counts as one."""
    found: set[str] = set()
    for match in _IMPORT.finditer(text):
        base, names, whole = match["base"], match["names"], match["whole"]
        if whole is not None:
            found.update(filter(None, (name.partition(" ")[0] for name in _listed(whole))))
            continue
        origin = _absolute("".join(base.decode("utf-8", "replace").split()), module, is_package)
        found.add(origin)
        found.update(f"{origin}.{name.partition(' ')[0]}" for name in _listed(names) if name)
    if any(mark in text for mark in _BY_TEXT):
        for dotted in _DOTTED.findall(text):
            name = dotted.decode("utf-8", "replace")
            found.update({_absolute(name, module, is_package), _absolute(f".{name}", module, is_package)})
    return found


def _absolute(written: str, module: str, is_package: bool) -> str:
    name = written.lstrip(".")
    level = len(written) - len(name)
    if not level:
        return name
    package = module.split(".")
    drop = level - (1 if is_package else 0)
    kept = package[: len(package) - drop] if drop else package
    return ".".join([*kept, *([name] if name else [])])


def _listed(names: bytes) -> Iterator[str]:
    text = re.sub(rb"#[^\n]*|[()\\]", b" ", names).decode("utf-8", "replace")
    for name in text.split(","):
        yield " ".join(name.split())


def passed_modules(dotted: str, modules: frozenset[str]) -> Iterator[str]:
    """Yield those of some modules that an imported name passes: `a.b.c` loads `a`, `a.b` and `a.b.c`."""
    while dotted:
        if dotted in modules:
            yield dotted
        dotted = dotted.rpartition(".")[0]
