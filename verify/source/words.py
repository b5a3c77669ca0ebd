"""What a file's text shows before it is parsed: the words it holds, and the modules that it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ..source_text import computes_names, count_lines, imported_names, passed_modules, words_of
from .comments import own_comments
from .files import SourceFile
from .model import Comment

_WORD = re.compile(rb"[A-Za-z_]\w*")


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
        words = words_of(text)
        return cls(file, text, words, computes_names(text, words), own_comments(text))

    @property
    def lines(self) -> int:
        """Lines of the file."""
        return count_lines(self.text)

    def imports(self) -> set[str]:
        """Return the dotted names that the file may import. What merely looks like an import counts as one."""
        return imported_names(self.text, self.file.module, is_package=self.file.is_package)


@dataclass
class WordIndex:
    """Answers which files can know of a name: those that hold the word, and can see where it is defined.

    Attributes:
        asked: The words that were asked for so far, with the modules that hold them.
        imported: The modules that were looked through for imports so far, with those that they may import.
        searched: The modules whose text was searched for more than a word so far.
    """

    files: Mapping[str, FileWords]
    asked: dict[bytes, frozenset[str]] = field(default_factory=dict, repr=False)
    imported: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)
    searched: set[str] = field(default_factory=set, repr=False)
    _seeing: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)
    _handed: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.files)

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
        return frozenset(self.files) if _WORD.fullmatch(key) is None else self._with(key)

    def _with(self, word: bytes) -> frozenset[str]:
        if word not in self.asked:
            self.asked[word] = frozenset(name for name, file in self.files.items() if word in file.words)
        return self.asked[word]

    def defining_class(self, name: str) -> frozenset[str]:
        """Return the modules that define a class of a name, or look as if they did."""
        statement = re.compile(rb"\bclass[\s\\]+%s\b" % re.escape(name.encode()))
        holding = self.holding(name)
        self.searched |= holding
        return frozenset(one for one in holding if statement.search(self.files[one].text))

    def importing(self, module: str) -> Iterator[str]:
        """Yield the modules that import a module, or a name of it.

        A file that does has the last part of the module's name among its words, or stands in the package that it
        imports from by dots alone. Only those files are looked through.
        """
        holding = self._with(module.rpartition(".")[2].encode())
        is_package = module in self.files and self.files[module].file.is_package
        for name in self.files:
            may_import = name in holding or (is_package and name.startswith(f"{module}."))
            if may_import and module in self._imported_by(name):
                yield name

    def _imported_by(self, name: str) -> frozenset[str]:
        if name not in self.imported:
            self.imported[name] = frozenset(
                passed
                for dotted in self.files[name].imports()
                for passed in passed_modules(dotted, self._names)
            )
        return self.imported[name]

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

    def handed(self, module: str) -> frozenset[str]:
        """Return those that can see a module with all that they import, directly or through others.

        They may hand an object on, of a class that is defined there, to one that does not know it.
        """
        if module not in self._handed:
            pending = [name for name in self.seeing(module) if name in self.files]
            found = set(pending)
            while pending:
                new = self._imported_by(pending.pop()) - found
                found |= new
                pending += new
            self._handed[module] = frozenset(found)
        return self._handed[module]
