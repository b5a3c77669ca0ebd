"""What a self-test found, for a terminal and as JSON."""

from __future__ import annotations

import json
from collections import Counter

from rich.console import Console
from rich.text import Text

from ..findings.frames import has_unicode, plural
from .run import Planted, RuleTest, SelfTest


def print_self_test(console: Console, found: SelfTest) -> None:
    """Print a line for each rule, then what became of the cuts, then the sum."""
    marks = ("✔", "✘") if has_unicode(console) else ("ok", "FAIL")
    width = max(len(rule.name) for rule in found.rules)
    for rule in found.rules:
        console.print(_line(rule, marks, width), soft_wrap=True)
    console.print()
    for outcome in found.cuts:
        if not outcome.is_found:
            cut = outcome.cut
            text = f"{marks[1]} {cut}: {cut.where} was replaced by {cut.literal}, and no rule said so"
            console.print(Text(text, style="bold red"), soft_wrap=True)
    for outcome in found.cuts:
        if outcome.other_way and not outcome.codes:
            cut = outcome.cut
            text = f"  {cut}: with {cut.where} replaced, the value takes another way"
            console.print(Text(text, style="dim"), soft_wrap=True)
    for uncut in found.uncut:
        text = f"? {uncut.record} {uncut.edge}: could not be cut: {uncut.reason}"
        console.print(Text(text, style="yellow"), soft_wrap=True)
    for code in found.false_alarms:
        text = f"{marks[1]} {code} was found in a program without any fault"
        console.print(Text(text, style="bold red"), soft_wrap=True)
    console.print(Text(_summary(found), style="bold green" if found.passed else "bold red"), soft_wrap=True)
    console.print(Text(_cut_summary(found), style="dim"), soft_wrap=True)


def to_json(found: SelfTest) -> str:
    """Return a self-test as JSON."""
    content = {
        "format": 1,
        "passed": found.passed,
        "rules": [
            {
                "rule": rule.code,
                "name": rule.name,
                "subjects": rule.subjects[0],
                "of": rule.subjects[1],
                "planted": rule.planted.value,
            }
            for rule in found.rules
        ],
        "false_alarms": found.false_alarms,
        "cuts": [
            {
                "record": one.cut.record,
                "stage": one.cut.edge,
                "replaced": [
                    {"module": module, "line": place.line, "column": place.column}
                    for module, place in one.cut.replaced
                ],
                "literal": one.cut.literal,
                "found": one.is_found,
                "rules": one.codes,
                "other_way": one.other_way,
            }
            for one in found.cuts
        ],
        "uncut": [{"record": one.record, "stage": one.edge, "reason": one.reason} for one in found.uncut],
    }
    return json.dumps(content, indent=2) + "\n"


def _line(rule: RuleTest, marks: tuple[str, str], width: int) -> Text:
    number, what = rule.subjects
    is_found = rule.planted is Planted.FOUND
    line = Text(f"{rule.code}  {rule.name:<{width}}  ")
    line.append(f"{marks[0] if is_found else marks[1]} ", style="green" if is_found else "bold red")
    line.append(f"{rule.planted.value}  " if not is_found else "", style="bold red")
    return line.append(f"{number:>5} {what}", style="dim" if number else "yellow")


def _summary(found: SelfTest) -> str:
    missed = [rule.code for rule in found.rules if rule.planted is not Planted.FOUND]
    said = f"{len(found.rules) - len(missed)} of {plural(len(found.rules), 'rule')} find the fault planted for them"
    if missed:
        said += f"; not {', '.join(missed)}"
    silent = sum(not rule.subjects[0] for rule in found.rules)
    return said + (f" · {silent} have nothing to look at here" if silent else "")


def _cut_summary(found: SelfTest) -> str:
    noticed = [one for one in found.cuts if one.codes]
    other = sum(one.other_way and not one.codes for one in found.cuts)
    codes = Counter(code for one in noticed for code in one.codes)
    said = f"{len(noticed)} of {plural(len(found.cuts), 'cut')} in a copy of this project are found"
    if other:
        said += f", {other} leave another way"
    if codes:
        said += f" ({', '.join(f'{code} {count}' for code, count in sorted(codes.items()))})"
    return said
