"""Draws the terminal picture of the README from a real run: `python docs/make_pictures.py`.

It is `verify-wiring` over a copy of this repository in which the fault of a real system is planted: the payload is
built with a literal zero.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from io import StringIO
from pathlib import Path

from rich.console import Console

from telewire.registry.config import Configuration
from telewire.verify.analysis import verify
from telewire.verify.report.terminal import TerminalReport

ROOT = Path(__file__).resolve().parents[1]
PICTURES = Path(__file__).resolve().parent / "pictures"
FAULT = ('inf_grad_count=metrics["inf_grad_count"],', "inf_grad_count=0,")


def main() -> None:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in ("registry", "telemetry"):
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("__init__.py", "cli.py"):
            shutil.copy(ROOT / name, copy / name)
        emitters = copy / "telemetry/emitters.py"
        text = emitters.read_text(encoding="utf-8")
        assert FAULT[0] in text
        emitters.write_text(text.replace(*FAULT), encoding="utf-8")
        draw(copy, "broken.svg", only=("TELE-300", "TELE-301"))


def draw(root: Path, name: str, *, only: tuple[str, ...] = ()) -> None:
    """Verify a copy of the sources and save what the terminal shows."""
    configuration = Configuration(
        root=root,
        origin="docs/make_pictures.py",
        sources={"telewire": root},
        registry=(root / "registry/specs",),
        entry_points=("telewire.cli:main",),
    )
    verification = verify(configuration, only=only)
    findings = tuple(
        finding for finding in verification.findings if finding.rule != "TW401"
    )  # no tests in the copy
    console = Console(record=True, width=80, force_terminal=True, file=StringIO(), highlight=False)
    TerminalReport(console).print(replace(verification, findings=findings))
    console.save_svg(str(PICTURES / name), title="verify-wiring", unique_id=f"telewire-{Path(name).stem}")
    print(f"wrote {PICTURES / name}")


if __name__ == "__main__":
    main()
