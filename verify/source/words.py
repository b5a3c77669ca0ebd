"""What a file's text shows before it is parsed: the words it holds, and the modules that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from .comments import own_comments
from .files import SourceFile
from .model import Comment
from .summarise import count_lines

_WORD = re.compile(rb"[A-Za-z_]\w*")
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


@dataclass(frozen=True, slots=True)
class FileWords:
    """The words of a file, those in strings and comments too, and what else its text shows."""

    file: SourceFile
    text: bytes = field(repr=False)
    words: frozenset[bytes] = field(repr=False)
    computes_names: bool  # of attributes, by `getattr` or `setattr`
    comments: tuple[Comment, ...]  # those that speak to this program

    @classmethod
    def of(cls, file: SourceFile, text: bytes) -> FileWords:
        """Look through a file's text."""
        words = frozenset(text.translate(_ONLY_WORDS).split())
        computes_names = not words.isdisjoint(_BY_NAME) and _COMPUTED.search(text) is not None
        return cls(file, text, words, computes_names, own_comments(text))

    @property
    def lines(self) -> int:
        """Lines of the file."""
        return count_lines(self.text)

    def imports(self) -> set[str]:
        """Return the dotted names that the file may import. What merely looks like an import counts as one."""
        found: set[str] = set()
        for match in _IMPORT.finditer(self.text):
            base, names, whole = match["base"], match["names"], match["whole"]
            if whole is not None:
                found.update(filter(None, (name.partition(" ")[0] for name in _listed(whole))))
                continue
            origin = self._absolute("".join(base.decode("utf-8", "replace").split()))
            found.add(origin)
            found.update(f"{origin}.{name.partition(' ')[0]}" for name in _listed(names) if name)
        if any(mark in self.text for mark in _BY_TEXT):
            for dotted in _DOTTED.findall(self.text):
                name = dotted.decode("utf-8", "replace")
                found.update({self._absolute(name), self._absolute(f".{name}")})
        return found

    def _absolute(self, written: str) -> str:
        name = written.lstrip(".")
        level = len(written) - len(name)
        if not level:
            return name
        package = self.file.module.split(".")
        drop = level - (1 if self.file.is_package else 0)
        kept = package[: len(package) - drop] if drop else package
        return ".".join([*kept, *([name] if name else [])])


def _listed(names: bytes) -> Iterator[str]:
    text = re.sub(rb"#[^\n]*|[()\\]", b" ", names).decode("utf-8", "replace")
    for name in text.split(","):
        yield " ".join(name.split())


@dataclass
class WordIndex:
    """Answers which files can know of a name: those that hold the word, and can see where it is defined."""

    files: Mapping[str, FileWords]
    _holding: dict[bytes, frozenset[str]] = field(default_factory=dict, repr=False)
    _imported: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)
    _seeing: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)

    @property
    def lines(self) -> int:
        """Lines of all files."""
        return sum(file.lines for file in self.files.values())

    @cached_property
    def computing(self) -> frozenset[str]:
        """The modules that use attributes by names which they compute."""
        return frozenset(name for name, file in self.files.items() if file.computes_names)

    def holding(self, word: str) -> frozenset[str]:
        """Return the modules whose text holds a word; all of them for what is no ASCII word."""
        key = word.encode()
        if _WORD.fullmatch(key) is None:
            return frozenset(self.files)
        if key not in self._holding:
            self._holding[key] = frozenset(name for name, file in self.files.items() if key in file.words)
        return self._holding[key]

    def importing(self, module: str) -> Iterator[str]:
        """Yield the modules that import a module, or a name of it.

        A file that does has the last part of the module's name among its words, or stands in the package that it
        imports from by dots alone. Only those files are looked through.
        """
        last = module.rpartition(".")[2]
        is_package = module in self.files and self.files[module].file.is_package
        for name, file in self.files.items():
            if last.encode() in file.words or (is_package and name.startswith(f"{module}.")):
                if name not in self._imported:
                    self._imported[name] = frozenset(
                        passed for dotted in file.imports() for passed in self._modules(dotted)
                    )
                if module in self._imported[name]:
                    yield name

    def seeing(self, module: str) -> frozenset[str]:
        """Return a module with all that import it, directly or through others."""
        if module not in self._seeing:
            seen: dict[str, None] = {module: None}
            pending = [module]
            while pending:
                for name in self.importing(pending.pop()):
                    if name not in seen:
                        seen[name] = None
                        pending.append(name)
            self._seeing[module] = frozenset(seen)
        return self._seeing[module]

    def _modules(self, dotted: str) -> Iterator[str]:
        """Yield the modules that an imported name passes: `a.b.c` loads `a`, `a.b` and `a.b.c`."""
        while dotted:
            if dotted in self.files:
                yield dotted
            dotted = dotted.rpartition(".")[0]
