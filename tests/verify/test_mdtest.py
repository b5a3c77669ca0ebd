"""Runs docs/flow/*.md: each section with Python blocks is a test of what the flow analysis says of that code.

The form is described in docs/flow/README.md. In short: a comment `# hop: A -> B` in the code says that a value moves
from A to B on that line, `# type of x.y: T` what type is seen there, and a `flow` block holds what is true of the
whole program (`path: A -> B`, `no path: A -> B`, `reachable: f`, ...).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from telewire.verify.flow import Constant, FieldCarrier, Flow, Hop, How, Role, UnresolvedCarrier
from telewire.verify.flow.carriers import Carrier
from telewire.verify.flow.types import (
    NONE,
    UNKNOWN,
    ClassObject,
    External,
    ExternalObject,
    FunctionObject,
    Instance,
    ModuleObject,
    Type,
    Union,
)
from telewire.verify.source import FunctionSymbol, Program, SourceFile, settle, summarise
from telewire.verify.source.model import Kind, Node, Span

FOLDER = Path(__file__).parents[2] / "docs" / "flow"

_HEADING = re.compile(r"^(#+)\s+(.*)$")
_FENCE = re.compile(r"^```(\w*)\s*(.*?)\s*$")
_COMMENT = re.compile(r"#\s*((?:hop|only|no hop|type of|unresolved)\b.*)$")
_FORM = re.compile(r"(hop:|only:|no hop:|type of|unresolved:)\s+(.*)$")
_UNSAID = frozenset({"initial", "reset"})  # said of a hop only where it matters
_MODIFIERS = re.compile(r"\s+\(([a-z, ]+)\)$")


@dataclass(frozen=True)
class Statement:
    """One expectation: what it claims, and the line that it claims it of (0 for the whole program)."""

    form: str
    text: str
    path: str
    line: int
    at: str  # where it is written, for the failure's message


@dataclass
class Section:
    """A heading with its code and what is expected of it."""

    file: str
    heading: str
    sources: dict[str, str] = field(default_factory=dict)
    statements: list[Statement] = field(default_factory=list)


# -- reading ------------------------------------------------------------------------------------------------------


def read_sections(text: str, file: str) -> list[Section]:
    """Return the sections of a page that hold Python code."""
    sections = [Section(file, file)]
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        if heading := _HEADING.match(line):
            sections.append(Section(file, heading[2]))
        elif fence := _FENCE.match(line):
            body = []
            for _, inner in lines:
                if inner.startswith("```"):
                    break
                body.append(inner)
            _block(sections[-1], fence[1], fence[2], body, number)
    return [section for section in sections if section.sources]


def _block(section: Section, language: str, name: str, body: list[str], number: int) -> None:
    if language == "python":
        path = name or "app.py"
        assert path not in section.sources, f"{section.file}:{number}: a second {path}"
        section.sources[path] = "\n".join(body) + "\n"
        section.statements += _comments(section, path, body, number)
    elif language == "flow":
        for offset, line in enumerate(body, 1):
            form, _, text = line.partition(":")
            if line.strip():
                at = f"{section.file}:{number + offset}"
                section.statements.append(Statement(form.strip(), text.strip(), "", 0, at))


def _comments(section: Section, path: str, body: list[str], number: int) -> Iterator[Statement]:
    """Yield the expectations in comments; one that stands alone speaks of the next line of code."""
    waiting: list[tuple[str, str, str]] = []
    for offset, line in enumerate(body, 1):
        code, mark, _ = line.partition("#")
        if found := _COMMENT.search(line):
            at = f"{section.file}:{number + offset}"
            for one in found[1].split(";"):
                form = _FORM.match(one.strip())
                assert form, f"{at}: {one.strip()!r} is no expectation"
                waiting.append((form[1].rstrip(":"), form[2], at))
        if code.strip() or not mark:
            for form, text, at in waiting:
                yield Statement(form, text, path, offset, at)
            waiting = []
    assert not waiting, f"{section.file}: an expectation with no code after it"


# -- checking -----------------------------------------------------------------------------------------------------


class UnknownNameError(Exception):
    """An expectation names something that the program does not have."""


class Checker:
    """Holds the flow of one section's program and judges statements about it."""

    def __init__(self, section: Section) -> None:
        files = {
            _module(path): (SourceFile(_module(path), Path(path), path, path.endswith("__init__.py")), text)
            for path, text in section.sources.items()
        }
        summaries = [summarise(*one) for one in files.values()]
        self.program = Program.link(settle(summaries, lambda one, names: summarise(*files[one.name], names)))
        entries = [s.text for s in section.statements if s.form == "entry point"]
        self.flow = Flow.of(self.program, entry_points=self._entry_points(entries))
        self._lines = {path: text.splitlines() for path, text in section.sources.items()}
        self._forms: dict[str, Callable[[Statement], str | None]] = {
            "entry point": lambda statement: None,
            "hop": self._hop,
            "no hop": self._no_hop,
            "only": self._only,
            "type of": self._type,
            "unresolved": self._unresolved,
            "path": lambda s: self._path(s, expected=True),
            "no path": lambda s: self._path(s, expected=False),
            "path through a branch": self._branch_path,
            "path in code that never runs": self._dormant_path,
            "path if the receiver fits": self._doubtful_path,
            "reachable": lambda s: self._reachable(s, expected=True),
            "unreachable": lambda s: self._reachable(s, expected=False),
            "possible": lambda s: self._possible(s, expected=True),
            "impossible": lambda s: self._possible(s, expected=False),
        }

    def _entry_points(self, written: list[str]) -> list[FunctionSymbol]:
        if not written:
            return list(self.program.functions())
        return [self._function(text) for text in written]

    def failure(self, statement: Statement) -> str | None:
        """Return why a statement is false, None where it is true."""
        form = self._forms.get(statement.form)
        if form is None:
            return f"unknown expectation {statement.form!r}; known: {', '.join(self._forms)}"
        try:
            return form(statement)
        except UnknownNameError as error:
            return str(error)

    # -- hops -----------------------------------------------------------------------------------------------------

    def _hops_at(self, statement: Statement) -> list[Hop]:
        return [
            hop
            for hop in self.flow.hops()
            if not statement.line
            or (
                hop.site.path == statement.path
                and hop.site.span.line <= statement.line <= hop.site.span.end_line
            )
        ]

    def _hop(self, statement: Statement) -> str | None:
        source, target, modifiers = _ends(statement.text)
        here = self._hops_at(statement)
        between = [hop for hop in here if _is(hop.source, source) and _is(hop.target, target)]
        if any(_modifiers(hop) - (_UNSAID - modifiers) == modifiers for hop in between):
            return None
        found = between or [h for h in here if _is(h.target, target)] or here
        return "no such hop; there is\n" + "\n".join(f"    {_shown(hop)}" for hop in found)

    def _no_hop(self, statement: Statement) -> str | None:
        source, target, _ = _ends(statement.text)
        found = [h for h in self._hops_at(statement) if _is(h.source, source) and _is(h.target, target)]
        return "\n".join(f"    there is {_shown(hop)}" for hop in found) or None

    def _only(self, statement: Statement) -> str | None:
        """Nothing but these sources reaches the target on this line."""
        sources, target, _ = _ends(statement.text)
        found = {
            _name(hop.source)
            for hop in self._hops_at(statement)
            if _is(hop.target, target) and hop.how is not How.CONTROL and not hop.partial
        }
        wanted = {one.strip() for one in sources.split(",")}
        return None if found == wanted else f"{target} is given {', '.join(sorted(found)) or 'nothing'}"

    # -- types ----------------------------------------------------------------------------------------------------

    def _type(self, statement: Statement) -> str | None:
        expression, _, wanted = statement.text.partition(":")
        found = {_type_name(one) for one in self._types(statement, expression.strip())}
        if not found:
            return f"the line reads no {expression.strip()}"
        return None if found == {wanted.strip()} else f"it is {' / '.join(sorted(found))}"

    def _unresolved(self, statement: Statement) -> str | None:
        found = [
            h for h in self._hops_at(statement) if UnresolvedCarrier(statement.text) in (h.source, h.target)
        ]
        return None if found else f"nothing on this line is an unresolved .{statement.text}"

    def _types(self, statement: Statement, expression: str) -> Iterator[Type]:
        for function in self.program.functions():
            if self.program.modules[function.module].path != statement.path:
                continue
            graph = self.program.function(function).graph
            for effect in graph.effects:
                stored = f"{expression}.{effect.name} ="
                if (
                    effect.base >= 0
                    and effect.span.line == statement.line
                    and stored in self._line(statement)
                ):
                    yield self.flow.facts.inference.type_of(function, effect.base)
            for index, node in enumerate(graph.nodes):
                if node.span.line <= statement.line <= node.span.end_line:
                    if self._text(statement.path, node) == expression and node.kind is not Kind.NARROW:
                        yield self.flow.facts.inference.type_of(function, index)
                    elif node.kind is Kind.ATTR and self._receiver(statement.path, node) == expression:
                        yield self.flow.facts.inference.type_of(function, node.operands[0])

    def _line(self, statement: Statement) -> str:
        return self._lines[statement.path][statement.line - 1]

    def _text(self, path: str, node: Node) -> str:
        return _slice(self._lines[path], node.span)

    def _receiver(self, path: str, node: Node) -> str:
        return self._text(path, node).removesuffix(f".{node.data}")

    # -- paths ----------------------------------------------------------------------------------------------------

    def _find(
        self, statement: Statement, *, how: How = How.COMPUTED, dead: bool = False, unresolved: bool = False
    ) -> bool:
        source, target, _ = _ends(statement.text)
        starts = [one for one in self._carriers() if _is(one, source)]
        for end in (source, target):
            if not any(_is(one, end) for one in self._carriers()):
                raise UnknownNameError(f"no carrier of the program is called {end}")
        found = self.flow.path(
            starts, lambda carrier, _: _is(carrier, target), how=how, dead=dead, unresolved=unresolved
        )
        return found is not None

    def _carriers(self) -> set[Carrier]:
        declared = {
            FieldCarrier(cls, name)
            for cls in self.program.classes()
            for name in self.program.class_(cls).fields
        }
        return {*self.flow.targets(), *self.flow.sources(), *declared}

    def _path(self, statement: Statement, *, expected: bool) -> str | None:
        return None if self._find(statement) is expected else f"there is {'no' if expected else 'a'} path"

    def _branch_path(self, statement: Statement) -> str | None:
        if self._find(statement):
            return "the value itself travels, not only through a branch"
        return None if self._find(statement, how=How.CONTROL) else "there is no path through a branch either"

    def _dormant_path(self, statement: Statement) -> str | None:
        if self._find(statement):
            return "there is a path in code that runs"
        return None if self._find(statement, dead=True) else "there is no path in any code"

    def _doubtful_path(self, statement: Statement) -> str | None:
        if self._find(statement):
            return "there is a path whose receivers are known"
        return (
            None if self._find(statement, unresolved=True) else "there is no path whatever the receivers are"
        )

    # -- reachability ---------------------------------------------------------------------------------------------

    def _function(self, text: str) -> FunctionSymbol:
        found = [f for f in self.program.functions() if text in {f.qualname, str(f)}]
        if len(found) != 1:
            raise UnknownNameError(f"{text} names {len(found)} functions")
        return found[0]

    def _reachable(self, statement: Statement, *, expected: bool) -> str | None:
        return self._among(self.flow.reachable, statement, expected=expected)

    def _possible(self, statement: Statement, *, expected: bool) -> str | None:
        return self._among(self.flow.possible, statement, expected=expected)

    def _among(
        self, functions: frozenset[FunctionSymbol], statement: Statement, *, expected: bool
    ) -> str | None:
        names = [name.strip() for name in statement.text.split(",")]
        wrong = [name for name in names if (self._function(name) in functions) is not expected]
        return f"wrong for {', '.join(wrong)}" if wrong else None


def _module(path: str) -> str:
    parts = list(Path(path).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _ends(text: str) -> tuple[str, str, frozenset[str]]:
    modifiers: frozenset[str] = frozenset()
    if found := _MODIFIERS.search(text):
        modifiers = frozenset(one.strip() for one in found[1].split(","))
        text = text[: found.start()]
    source, arrow, target = text.partition(" -> ")
    assert arrow, f"{text!r} has no arrow"
    return source.strip(), target.strip(), modifiers


def _modifiers(hop: Hop) -> frozenset[str]:
    words = {"" if hop.how is How.COPY else hop.how.name.lower()}
    words |= {word for word, holds in (("part", hop.partial), ("gated", hop.gated)) if holds}
    words |= {hop.role.value} if hop.role is not Role.MOVE else set()
    return frozenset(words - {""})


def _name(end: Carrier | Constant) -> str:
    if not isinstance(end, Constant):
        return str(end)
    word = "default" if end.is_default else "constant"
    masks = f' masking "{end.masks}"' if end.masks is not None else ""
    return f"{word} {end.value}{masks}{' in except' if end.in_handler else ''}"


def _is(end: Carrier | Constant, written: str) -> bool:
    """Whether a carrier is the one that is written, with or without its module."""
    owner = getattr(end, "owner", None) or getattr(end, "function", None)
    module = owner.module if owner is not None else getattr(end, "module", "")
    return written in {_name(end), f"{module}:{_name(end)}"}


def _shown(hop: Hop) -> str:
    modifiers = ", ".join(sorted(_modifiers(hop)))
    return f"{hop.site}: {_name(hop.source)} -> {_name(hop.target)}{f' ({modifiers})' if modifiers else ''}"


def _slice(lines: list[str], span: Span) -> str:
    if span.line != span.end_line or span.line > len(lines):
        return ""
    return lines[span.line - 1].encode()[span.column - 1 : span.end_column - 1].decode()


def _type_name(one: Type) -> str:
    match one:
        case Instance(cls=cls):
            return cls.qualname
        case ClassObject(cls=cls):
            return f"type[{cls.qualname}]"
        case FunctionObject(function=function):
            return f"{function.qualname}()"
        case ModuleObject(name=name):
            return f"module {name}"
        case External(dotted=dotted, arguments=arguments):
            inner = f"[{', '.join(map(_type_name, arguments))}]" if arguments else ""
            return dotted.removeprefix("builtins.").removeprefix("collections.") + inner
        case ExternalObject(dotted=dotted):
            return f"external {dotted}"
        case Union(members=members):
            names = sorted(_type_name(member) for member in members)
            return " | ".join(sorted(names, key=lambda name: name == "None"))
        case _ if one is NONE:
            return "None"
        case _ if one is UNKNOWN:
            return "unknown"
    return repr(one)


# -- the tests ----------------------------------------------------------------------------------------------------

PAGES = sorted(FOLDER.glob("*.md"))
SECTIONS = [
    section for page in PAGES for section in read_sections(page.read_text(encoding="utf-8"), page.name)
]


@pytest.mark.parametrize("section", [pytest.param(s, id=f"{s.file}: {s.heading}") for s in SECTIONS])
def test_flow_is_understood_as_documented(section: Section) -> None:
    checker = Checker(section)
    failures = []
    for statement in section.statements:
        reason = checker.failure(statement)
        if reason is not None:
            failures.append(f"docs/flow/{statement.at}: {statement.form}: {statement.text}\n  {reason}")
    assert not failures, "\n".join(failures)


def test_every_section_with_code_expects_something() -> None:
    assert [f"{s.file}: {s.heading}" for s in SECTIONS if not s.statements] == []


def test_headings_are_unique_within_a_page() -> None:
    names = [f"{s.file}: {s.heading}" for s in SECTIONS]
    assert sorted(set(names)) == sorted(names)


def _only_section(markdown: str) -> Section:
    [section] = read_sections(markdown, "page.md")
    return section


def _failures(markdown: str) -> list[str]:
    section = _only_section(markdown)
    checker = Checker(section)
    return [s.text for s in section.statements if checker.failure(s) is not None]


CODE = """\
# Page
```python
class A:
    x: int

class B:
    x: int

def f(a: A, b: B) -> None:
    b.x = a.x  # {comment}
```
```flow
{flow}
```
"""


def test_a_false_expectation_in_a_comment_fails() -> None:
    assert _failures(CODE.format(comment="hop: B.x -> A.x", flow="")) == ["B.x -> A.x"]


def test_a_true_expectation_in_a_comment_passes() -> None:
    assert _failures(CODE.format(comment="hop: A.x -> B.x; only: A.x -> B.x", flow="")) == []


def test_a_false_expectation_of_the_whole_program_fails() -> None:
    assert _failures(CODE.format(comment="", flow="no path: A.x -> B.x")) == ["A.x -> B.x"]


def test_an_expectation_of_an_unknown_form_fails() -> None:
    assert _failures(CODE.format(comment="", flow="pth: A.x -> B.x")) == ["A.x -> B.x"]


def test_a_wrong_modifier_fails() -> None:
    assert _failures(CODE.format(comment="hop: A.x -> B.x (computed)", flow="")) == ["A.x -> B.x (computed)"]


def test_a_comment_on_its_own_line_speaks_of_the_next() -> None:
    section = _only_section("# Page\n```python\n# hop: A.x -> B.x\nb = a\n```\n")
    assert section.statements[0].line == 2
