"""Receiver types against mypy: whose field is it that `x.name` reads or writes?

    python benchmarks/receivers.py [--recorded FOLDER] [PACKAGE_FOLDER...]

For every `x.name` of a package, loads and stores, the type that the flow analysis gives `x` is compared with mypy's.
mypy sees what the analysis sees: the package's own files and nothing of its dependencies, bodies without annotations
checked as well. A site counts where mypy names a class of the package (an instance of it, or the class itself);
None and members of a union from outside are left out on both sides. Where mypy says `Any` it is no oracle.

    exact     the same classes
    narrower  only subclasses of what mypy says
    wider     mypy's classes and others, or bases or Protocols of them
    unknown   the analysis cannot tell, or only in part
    wrong     a class that it is not

Without folders the packages are installed into a throw-away environment first. With `--recorded`, what mypy says is
kept in a folder and read from there the next time.
"""

from __future__ import annotations

import argparse
import ast
import enum
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from telewire.verify.flow.extract import room_to_recurse
from telewire.verify.flow.inference import Inference
from telewire.verify.flow.types import UNKNOWN, ClassObject, Instance, Type, members
from telewire.verify.source import ClassSymbol, FunctionSymbol, Program, SourceError, discover, summarise
from telewire.verify.source.model import EffectKind, Kind

if TYPE_CHECKING:
    from mypy.nodes import TypeInfo
    from mypy.types import Type as MypyType

PACKAGES = {
    "stable-baselines3": "stable_baselines3",
    "sb3-contrib": "sb3_contrib",
    "trl": "trl",
    "distributed": "distributed",
    "jupyter-server": "jupyter_server",
    "skrl": "skrl",
    "pytorch-lightning": "pytorch_lightning",
    "prometheus-client": "prometheus_client",
}


@dataclass(frozen=True, slots=True, order=True)
class Site:
    """One `x.name`: the file as shown, and where the whole expression starts and ends."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    name: str
    is_store: bool

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column} {'store' if self.is_store else 'load'} .{self.name}"


Owner = tuple[str, int, str, bool]
"""A class by its module, line and bare name, and whether the class itself is meant."""


_Place = tuple[int, int, int | None, int | None]


class Verdict(enum.StrEnum):
    """How an answer compares with mypy's."""

    EXACT = "exact"
    NARROWER = "narrower"
    WIDER = "wider"
    UNKNOWN = "unknown"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Compared:
    """One site with both answers."""

    site: Site
    verdict: Verdict
    expected: frozenset[Owner]
    found: tuple[str, ...]

    def __str__(self) -> str:
        expected = " | ".join(
            sorted(f"{'type ' if is_class else ''}{n}" for _, _, n, is_class in self.expected)
        )
        return f"{self.verdict:8} {self.site}: {' | '.join(self.found) or 'nothing'}; mypy: {expected}"


# -- what mypy says -------------------------------------------------------------------------------------------------


def oracle(folder: Path) -> dict[Site, frozenset[Owner]]:
    """Return what mypy says of every site of a package whose receiver is of a class of the package."""
    from mypy import build
    from mypy.modulefinder import BuildSource
    from mypy.options import Options
    from mypy.traverser import NameAndMemberCollector

    files = discover({folder.name: folder}, root=folder.parent)
    options = Options()
    options.export_types = True
    options.preserve_asts = True
    options.ignore_missing_imports = True
    options.ignore_errors = True
    options.check_untyped_defs = True
    options.allow_redefinition = True  # a name without annotation is what it was given last
    options.local_partial_types = True
    options.python_executable = None
    options.incremental = False
    options.namespace_packages = True
    options.explicit_package_bases = True
    options.follow_imports = "silent"
    options.cache_dir = os.devnull
    sources = [BuildSource(str(file.path), file.module, None) for file in files]
    result = build.build(sources, options)
    shown = {file.module: file.shown for file in files}
    found: dict[Site, frozenset[Owner]] = {}

    for file in files:
        tree = result.graph[file.module].tree if file.module in result.graph else None
        if tree is None:
            continue
        touched = _touched(file.path)
        collector = NameAndMemberCollector()
        tree.accept(collector)
        for expression in collector.member_exprs:
            said = result.types.get(expression.expr)
            if said is None or expression.end_line is None or expression.end_column is None:
                continue
            owners = frozenset(_owners(said, shown))
            place = (expression.line, expression.column, expression.end_line, expression.end_column)
            if owners and place in touched:
                line, column, end_line, end_column = place
                where = (file.shown, line, column + 1, end_line, end_column + 1)
                site = Site(*where, expression.name, touched[place])
                found[site] = found.get(site, frozenset()) | owners
    return found


def _touched(path: Path) -> dict[_Place, bool]:
    """Return where attributes are loaded (False) or stored to (True), as the syntax tree counts lines and columns.

    `del x.name` is neither, nor is a declaration without a value (`self.name: int`).
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return {}
    found: dict[_Place, bool] = {}
    declared: set[int] = set()
    for node in ast.walk(tree):  # a statement comes before what it consists of
        if isinstance(node, ast.AnnAssign) and node.value is None:
            declared.add(id(node.target))
        elif (
            isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Del) and id(node) not in declared
        ):
            place = (node.lineno, node.col_offset, node.end_lineno, node.end_col_offset)
            found[place] = isinstance(node.ctx, ast.Store)
    return found


def _owners(said: MypyType, modules: Iterable[str], *, is_class: bool = False) -> Iterator[Owner]:
    """Yield the classes of the package that a type of mypy's names."""
    from mypy import types

    one = types.get_proper_type(said)
    if isinstance(one, types.UnionType):
        for item in one.items:
            yield from _owners(item, modules, is_class=is_class)
    elif isinstance(one, types.Instance):
        yield from _class_owners(one.type, modules, is_class=is_class)
    elif isinstance(one, types.TypeType):
        yield from _owners(one.item, modules, is_class=True)
    elif isinstance(one, types.TypeVarType):
        yield from _owners(one.upper_bound, modules, is_class=is_class)
    elif isinstance(one, types.TupleType):
        yield from _owners(one.partial_fallback, modules, is_class=is_class)
    elif isinstance(one, types.TypedDictType | types.LiteralType):
        yield from _owners(one.fallback, modules, is_class=is_class)
    elif isinstance(one, types.FunctionLike) and one.is_type_obj():
        yield from _class_owners(one.type_object(), modules, is_class=True)


def _class_owners(info: TypeInfo, modules: Iterable[str], *, is_class: bool) -> Iterator[Owner]:
    if info.is_intersection:  # `isinstance` with an unrelated class: taken for the class that is tested
        yield from _class_owners(info.bases[-1].type, modules, is_class=is_class)
    elif info.module_name in modules and info.defn.line > 0:
        yield info.module_name, info.defn.line, info.name.partition("@")[0], is_class


# -- what the analysis says -----------------------------------------------------------------------------------------


class Answers:
    """The receiver types that the flow analysis gives in one package."""

    def __init__(self, folder: Path) -> None:
        files = discover({folder.name: folder}, root=folder.parent)
        summaries = []
        for file in files:
            try:
                summaries.append(summarise(file, file.path.read_bytes()))
            except SourceError as error:
                print(f"left out: {error}", file=sys.stderr)
        self.program = Program.link(summaries)
        self._inference = Inference(self.program)
        self._loads: dict[tuple[str, int, int, int, int, str], list[tuple[FunctionSymbol, int]]] = {}
        self._stores: dict[tuple[str, str], list[tuple[FunctionSymbol, int, int, int]]] = {}
        for function in self.program.functions():
            path = self.program.modules[function.module].path
            graph = self.program.function(function).graph
            for node in graph.nodes:
                if node.kind is Kind.ATTR:
                    at = node.span
                    place = (path, at.line, at.column, at.end_line, at.end_column, str(node.data))
                    self._loads.setdefault(place, []).append((function, node.operands[0]))
            for effect in graph.effects:
                if effect.kind is EffectKind.STORE_ATTR:
                    given = (function, effect.base, effect.span.line, effect.span.end_line)
                    self._stores.setdefault((path, str(effect.name)), []).append(given)
        self._classes = {
            (cls.module, self.program.class_(cls).span.line, cls.name): cls for cls in self.program.classes()
        }

    def symbol(self, owner: Owner) -> ClassSymbol | None:
        """Return the class that mypy names, None where the package has none of that name there."""
        return self._classes.get(owner[:3])

    def of(self, site: Site) -> frozenset[Type] | None:
        """Return the types of a site's receiver, None where the analysis has no such site."""
        place = (site.path, site.line, site.column, site.end_line, site.end_column, site.name)
        nodes = list(self._loads.get(place, ()))
        if site.is_store:
            stores = self._stores.get((site.path, site.name), [])
            nodes += [(f, base) for f, base, first, last in stores if first <= site.line <= last]
        if not nodes:
            return None
        with room_to_recurse():
            return frozenset(one for node in nodes for one in members(self._inference.type_of(*node)))

    def is_below(self, cls: ClassSymbol, above: ClassSymbol) -> bool:
        """Whether a class is another or derives from it, or has what that Protocol asks for."""
        if above in self.program.mro(cls):
            return True
        return self.program.is_protocol(above) and cls in self._inference.implementers(above)


_Class = tuple[ClassSymbol, bool]


def compare(answers: Answers, expected: dict[Site, frozenset[Owner]]) -> Iterator[Compared]:
    """Compare every site that both sides know a class for."""
    for site, owners in sorted(expected.items()):
        known = {(answers.symbol(owner), owner[3]) for owner in owners}
        wanted = {(cls, is_class) for cls, is_class in known if cls is not None}
        if not wanted or len(wanted) < len(known):
            continue  # a class that mypy makes up: no statement defines it
        types = answers.of(site)
        shown = ("no such site",) if types is None else tuple(sorted(map(_shown, types)))
        yield Compared(site, _verdict(answers, types or frozenset(), wanted), owners, shown)


def _verdict(answers: Answers, types: frozenset[Type], wanted: set[_Class]) -> Verdict:
    found = {
        (one.cls, isinstance(one, ClassObject)) for one in types if isinstance(one, Instance | ClassObject)
    }
    whole = UNKNOWN not in types and bool(found)
    if whole and _widest(answers, found) == _widest(answers, wanted):
        return Verdict.EXACT
    narrower = all(_is_below(answers, one, wanted) for one in found)
    wider = all(_is_below(answers, one, found) for one in wanted)
    if found and not narrower and not wider:
        return Verdict.WRONG
    if not whole:
        return Verdict.UNKNOWN
    return Verdict.NARROWER if narrower else Verdict.WIDER


def _is_below(answers: Answers, one: _Class, others: set[_Class]) -> bool:
    return any(one[1] == other[1] and answers.is_below(one[0], other[0]) for other in others)


def _widest(answers: Answers, classes: set[_Class]) -> set[_Class]:
    """Return a union without the members that another one of it includes."""
    return {one for one in classes if not _is_below(answers, one, classes - {one})}


def _shown(one: Type) -> str:
    if isinstance(one, Instance):
        return str(one.cls)
    return f"type {one.cls}" if isinstance(one, ClassObject) else repr(one)


# -- the command ----------------------------------------------------------------------------------------------------


def record(expected: dict[Site, frozenset[Owner]], file: Path) -> None:
    """Keep what mypy says in a file."""
    rows = [[*_row(site), sorted(map(list, owners))] for site, owners in sorted(expected.items())]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


def recorded(file: Path) -> dict[Site, frozenset[Owner]]:
    """Read what mypy said."""
    rows = json.loads(file.read_text())
    return {Site(*row[:-1]): frozenset((m, line, n, c) for m, line, n, c in row[-1]) for row in rows}


def _row(site: Site) -> list[object]:
    where = (site.path, site.line, site.column, site.end_line, site.end_column)
    return [*where, site.name, site.is_store]


def install(target: Path) -> list[Path]:
    """Install the packages, without their dependencies, into a throw-away environment; return their folders."""
    venv.create(target, with_pip=True)
    python = target / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-deps", *PACKAGES], check=True)
    where = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    )
    return [Path(where.stdout.strip()) / name for name in PACKAGES.values()]


def main() -> None:
    """Print the table, then the sites that are wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="*", type=Path, metavar="PACKAGE_FOLDER")
    parser.add_argument("--recorded", type=Path, help="folder that keeps what mypy says")
    parser.add_argument(
        "--list", nargs="*", default=["wrong"], choices=list(Verdict), help="which sites to list"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folders = options.folders or install(Path(scratch))
        total: Counter[Verdict] = Counter()
        listed: list[Compared] = []
        header = " ".join(f"{verdict:>9}" for verdict in Verdict)
        print(f"{'package':<20} {'sites':>7} {header}")
        for folder in map(Path.resolve, folders):
            kept = None if options.recorded is None else options.recorded / f"{folder.name}.json"
            if kept is not None and kept.exists():
                expected = recorded(kept)
            else:
                expected = oracle(folder)
                if kept is not None:
                    record(expected, kept)
            found = list(compare(Answers(folder), expected))
            counts = Counter(one.verdict for one in found)
            print(_line(folder.name, counts), flush=True)
            total += counts
            listed += [one for one in found if one.verdict in options.list]
        if not total:
            sys.exit("no site to compare: mypy names no class of these packages")
        print(_line("all", total))
    for one in sorted(listed, key=lambda one: (one.verdict, one.site)):
        print(one)


def _line(name: str, counts: Counter[Verdict]) -> str:
    sites = counts.total()
    shares = " ".join(f"{100 * counts[verdict] / max(1, sites):7.2f} %" for verdict in Verdict)
    return f"{name:<20} {sites:>7,} {shares}   {counts[Verdict.WRONG]} wrong"


if __name__ == "__main__":
    main()
