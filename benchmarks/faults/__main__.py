"""The command line of the benchmark: `python -m telewire.benchmarks.faults`."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from .plant import Instrument
from .planters import PLANTERS
from .progress import Watch
from .results import Results, state
from .run import choose, run
from .table import elsewhere, markdown, missed, rows, to_json, undecidable
from .targets import PACKAGES, installed, shipped
from .trial import Bench, Outcome

SHIPPED = "telemetry"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("names", nargs=-1, type=click.Choice([SHIPPED, *(package.name for package in PACKAGES)]))
@click.option("--per-class", default=10, show_default=True, help="Plants of each fault class and program.")
@click.option("--all", "everywhere", is_flag=True, help="Plant at every place.")
@click.option("--fault", "faults", multiple=True, metavar="TEXT", help="Fault classes that hold this text.")
@click.option(
    "--by",
    type=click.Choice([str(one) for one in Instrument]),
    help="Only the faults that this command has to find.",
)
@click.option("--jobs", default=1, show_default=True, help="Processes.")
@click.option(
    "--together",
    default=1,
    show_default=True,
    help="Plants of one class that are analysed at once, in different files.",
)
@click.option(
    "--results",
    "kept",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep the outcomes here, and go on from those that are there.",
)
@click.option(
    "--trust-older", is_flag=True, help="What an older state of the code found rightly is not planted again."
)
@click.option("--list", "only_list", is_flag=True, help="Count the places, plant nothing.")
@click.option(
    "--packages",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to install packages into, and to find them in again.  [default: one that is thrown away]",
)
@click.option("--json", "as_json", type=click.Path(dir_okay=False, path_type=Path), help="Write JSON here.")
@click.option(
    "--missed",
    "list_of_missed",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the misses and the new findings elsewhere here.",
)
def main(
    names: Sequence[str],
    per_class: int,
    everywhere: bool,
    faults: Sequence[str],
    by: str | None,
    jobs: int,
    together: int,
    kept: Path | None,
    trust_older: bool,
    only_list: bool,
    packages: Path | None,
    as_json: Path | None,
    list_of_missed: Path | None,
) -> None:
    """Plant faults in the shipped telemetry and in packages from PyPI (all when NAMES is empty)."""
    planters = {
        fault: planter
        for fault, planter in PLANTERS.items()
        if (not faults or any(part in fault for part in faults)) and by in {None, planter.instrument}
    }
    results = Results(kept, now=state(), trust_older=trust_older)
    outcomes: list[Outcome] = []
    places: dict[str, int] = dict.fromkeys(planters, 0)
    with tempfile.TemporaryDirectory() as folder:
        for name in names or [SHIPPED, *(package.name for package in PACKAGES)]:
            bench = _bench(name, packages or Path(folder))
            chosen = choose(bench, planters, None if everywhere else per_class)
            for one in chosen:
                places[one.planter.fault] += one.places
            count = sum(len(one.plants) for one in chosen)
            print(f"{bench.tree.name}: {bench.tree.lines:,} lines, {count} plants", flush=True)
            if only_list:
                for one in chosen:
                    print(f"  {one.places:5} {one.planter.fault}")
                    for plant in one.plants if everywhere else ():
                        print(f"        {plant.path}:{plant.line} {plant.what}")
                continue
            watch = Watch(bench.tree.name, count)
            try:
                outcomes += run(
                    bench, chosen, jobs=jobs, done=watch.advance, together=together, results=results
                )
            except KeyboardInterrupt:
                hint = f"; --results {kept} goes on from here" if kept else ""
                raise click.ClickException(f"interrupted{hint}") from None
    if only_list:
        return
    found = rows(outcomes, planters, places)
    if found:
        print("\n".join(markdown(found, planters)))
    if lines := list(undecidable(outcomes)):
        print("\n".join(["", *lines]))
    print()
    for made, count in results.states().items():
        print(f"{count} plants at {made}")
    if beside := sum(one.beside > 0 for one in outcomes):
        print(f"{beside} of them beside others in one analysis")
    if as_json is not None:
        as_json.write_text(to_json(outcomes, found), encoding="utf-8")
    if list_of_missed is not None:
        list_of_missed.write_text(
            "\n".join([*missed(outcomes, planters), *elsewhere(outcomes)]) + "\n", encoding="utf-8"
        )


def _bench(name: str, folder: Path) -> Bench:
    if name == SHIPPED:
        return shipped()
    return installed(next(package for package in PACKAGES if package.name == name), folder)


if __name__ == "__main__":
    main()
