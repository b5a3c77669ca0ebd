"""One fault for each problem that loading records can tell: most are the bad example of the problem's own page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from ...registry import PROBLEM_KINDS
from .faults import Fault
from .sample import FILES, sound_record

_RECORD = "specs/TELE-301.yaml"
_SETTINGS = "telewire.toml"
_INF = sound_record(301, "inf")

_WHOLE: Mapping[str, Mapping[str, str]] = {
    "TW101": {_RECORD: "id: \0TELE-301\n"},
    "TW105": {_RECORD: "- id: TELE-301\n- id: TELE-302\n"},
    "TW111": {"specs/again.yaml": json.dumps(_INF)},
    "TW112": {"specs/TELE-302.yaml": json.dumps({**_INF, "id": "TELE-302"})},
    "TW117": {"empty/README.md": "", _SETTINGS: FILES[_SETTINGS].replace('"specs"', '"empty"')},
    "TW118": {
        "categories.yaml": "gradient: {ids: 300-399}\n",
        _SETTINGS: FILES[_SETTINGS] + 'categories = "categories.yaml"\n',
    },
}


def record_faults() -> Iterator[Fault]:
    """Yield a fault for every problem of records that is no rule over the sources."""
    for code, kind in PROBLEM_KINDS.items():
        if not code.startswith("TW1"):
            continue
        added = {_RECORD: _laid_over(kind.bad)} if kind.is_fragment else _WHOLE[code]
        yield Fault(code, added=added)


def _laid_over(fragment: str) -> str:
    """Return the sound record with the top-level keys of a piece of YAML in place of its own."""
    replaced = {line.partition(":")[0] for line in fragment.splitlines()}
    kept = [f"{key}: {json.dumps(value)}" for key, value in _INF.items() if key not in replaced]
    return "\n".join([*kept, fragment])
