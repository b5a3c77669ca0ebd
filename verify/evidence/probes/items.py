"""Collects a test for each value of each probe, `TELE-301::probe[7]`, from the file in which the drive is defined.

A drive's file is collected like a file of tests, so that fixtures, marks, selection and the workers of pytest-xdist
work as they do for tests. What is named by record on the command line is found there.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from .drives import Drive, DriveError, found_in
from .expected import spelt
from .running import History, Probing, Sights
from .wires import ProbePlan, WirePlan

SENTINEL = "sentinel"

_NAMED = re.compile(r"(?P<record>[A-Z][A-Z0-9]*-[0-9]{3,6})(?P<rest>::.*)?")


class ProbeCollection:
    """Lets pytest collect the probes of a plan."""

    def __init__(self, sights: Sights) -> None:
        self.sights = sights
        self.probed = [wire for wire in sights.plan.wires if wire.probe is not None]
        self.history = History()
        self._at: dict[Path, list[WirePlan]] = {}
        for wire in self.probed:
            assert wire.probe is not None
            if wire.probe.file is not None:
                self._at.setdefault(Path(wire.probe.file), []).append(wire)
        self._everywhere = {wire.record for wire in sights.plan.wires}
        self._asked: list[WirePlan] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> None:
        """Take names of records on the command line for what their drives' files hold; without any take all."""
        arguments: list[str] = []
        for argument in config.args:
            match = _NAMED.fullmatch(argument)
            if match is None or match["record"] not in self._everywhere:
                arguments.append(argument)
                continue
            wire = next((one for one in self.probed if one.record == match["record"]), None)
            if wire is None or wire.probe is None:
                raise pytest.UsageError(f"--wiring: {argument}: {match['record']} has no probe")
            if wire.probe.file is None:
                self._asked.append(wire)
            else:
                arguments.append(f"{wire.probe.file}::{argument}")
        if config.args_source is not pytest.Config.ArgsSource.ARGS:
            covered = [config.invocation_params.dir / argument for argument in arguments]
            arguments += [
                str(file)
                for file in self._at
                if not any(file.is_relative_to(folder) for folder in covered if folder.exists())
            ]
            self._asked = [wire for wire in self.probed if wire.probe and wire.probe.file is None]
        config.args[:] = arguments

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Collect a file that holds drives."""
        if file_path not in self._at:
            return None
        module: DriveModule = DriveModule.from_parent(parent, path=file_path)
        module.collection, module.wires = self, self._at[file_path]
        return module

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[pytest.Item]) -> None:
        """Add the probes whose drive is nowhere: they fail, and say so."""
        for wire in self._asked:
            assert wire.probe is not None
            reason = (
                f"{wire.probe.drive} cannot be found ({wire.probe.at}); "
                "expected a module of the tests or of the sources"
            )
            record = ProbedRecord.of(session, self, wire, reason)
            items += list(record.collect())


class DriveModule(pytest.Module):
    """A file that holds drives: its probes, and its fixtures."""

    collection: ProbeCollection
    wires: Sequence[WirePlan]

    def _getobj(self) -> ModuleType:
        program = self.collection.sights.plan.program
        name = program.get(str(self.path))
        if name is not None:
            return importlib.import_module(name)
        module: ModuleType = super()._getobj()  # type: ignore[no-untyped-call] # pytest says nothing of it
        return module

    def collect(self) -> Iterator[ProbedRecord]:
        """Yield each record whose drive is defined here."""
        reason = ""
        try:
            if self.path.name != "conftest.py":
                list(super().collect())  # which makes its fixtures known
            else:
                assert self.obj is not None
        except Exception as error:  # noqa: BLE001 - whatever the module does, its probes say that they failed
            reason = f"{self.path.name} cannot be imported: {_last_line(error)}"
        for wire in self.wires:
            yield ProbedRecord.of(self, self.collection, wire, reason)


class ProbedRecord(pytest.Collector):
    """A record, with one test for each value of its probe."""

    collection: ProbeCollection
    wire: WirePlan
    reason: str

    @classmethod
    def of(
        cls, parent: pytest.Collector, collection: ProbeCollection, wire: WirePlan, reason: str
    ) -> ProbedRecord:
        """Make the record's collector; `reason` says why its probes cannot run."""
        made: ProbedRecord = cls.from_parent(parent, name=wire.record, nodeid=wire.record)
        made.collection, made.wire, made.reason = collection, wire, reason
        return made

    def collect(self) -> Iterator[pytest.Item]:
        """Yield the tests, that of the sentinel last."""
        probe = self.wire.probe
        assert probe is not None
        for value in probe.values:
            yield self._item(probe, spelt(value), value, is_sentinel=False)
        if probe.sentinel is not None:
            yield self._item(probe, SENTINEL, probe.sentinel, is_sentinel=True)

    def _item(self, probe: ProbePlan, name: str, value: object, *, is_sentinel: bool) -> ProbeItem:
        made = Probing(self.wire, probe, value, is_sentinel, self.collection.history)
        drive = self._drive(probe)
        item: ProbeItem = ProbeItem.from_parent(
            self, name=f"probe[{name}]", callobj=_function(made, drive, self.collection.sights)
        )
        item.probing, item.line = made, _line(drive)
        made.item = item
        return item

    def _drive(self, probe: ProbePlan) -> Drive | str:
        module = self.getparent(pytest.Module)
        if self.reason or module is None:
            return self.reason
        try:
            return found_in(module.obj, probe.drive.partition(":")[2])
        except DriveError as error:
            return f"{probe.drive} cannot be driven ({probe.at}): {error}"


class ProbeItem(pytest.Function):
    """One value of a probe, as a test."""

    probing: Probing
    line: int

    @property
    def telewire_ordered(self) -> frozenset[int]:
        """The points of which every pass is needed."""
        return self.probing.wire.ordered

    @property
    def telewire_probe(self) -> dict[str, object]:
        """What the report of this test carries of its probe."""
        return self.probing.to_data()

    def setup(self) -> None:
        """Prepare the fixtures. `NO_COLOR` is for what somebody reads: a probe looks at styles."""
        colours = pytest.MonkeyPatch()
        colours.delenv("NO_COLOR", raising=False)
        self.addfinalizer(colours.undo)
        super().setup()

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where the drive is: its file, the line from 0, and the name of the test."""
        return self.path, self.line, self.nodeid


def _function(probing: Probing, drive: Drive | str, sights: Sights) -> Callable[..., None]:
    """Return the function that pytest calls, with the fixtures that the drive asks for."""

    def probe(**fixtures: object) -> None:
        if isinstance(drive, str):
            pytest.fail(drive, pytrace=False)
        probing.run(drive, fixtures, sights)

    signature = inspect.Signature() if isinstance(drive, str) else drive.signature
    probe.__signature__ = signature  # type: ignore[attr-defined] # what inspect.signature looks at first
    if isinstance(drive, Drive) and drive.function is not None:
        marks: Iterable[pytest.Mark] = getattr(drive.function, "pytestmark", ())
        probe.pytestmark = list(marks)  # type: ignore[attr-defined] # marks of the drive are those of the test
    return probe


def _line(drive: Drive | str) -> int:
    code = None if isinstance(drive, str) else getattr(drive.function, "__code__", None)
    return 0 if code is None else code.co_firstlineno - 1


def _last_line(error: BaseException) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[-1].removeprefix("E").strip() if lines else type(error).__name__
