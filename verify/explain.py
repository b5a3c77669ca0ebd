"""`explain CODE`: what a rule finds, why that is bad, an example, what to write instead."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from ..registry import PROBLEM_KINDS
from .audit import AUDIT_RULES
from .findings.any_rule import AnyRule
from .findings.suppression import SuppressionWithoutEffect
from .rules import RULES, problem_documentation

_RULES: dict[str, AnyRule] = {**RULES, **AUDIT_RULES}
_RULES[SuppressionWithoutEffect.code] = SuppressionWithoutEffect()


class UnknownCodeError(Exception):
    """There is no rule of that code or name; `closest` is the most similar one."""

    def __init__(self, code: str) -> None:
        names = {**{key: key for key in (*_RULES, *PROBLEM_KINDS)}}
        names |= {rule.name: rule.code for rule in _RULES.values()}
        names |= {kind.name: kind.code for kind in PROBLEM_KINDS.values()}
        matches = difflib.get_close_matches(code, names, n=len(names))
        self.closest = max(matches, key=lambda name: _likeness(code, name), default=None)
        hint = (
            f"did you mean {self.closest}?" if self.closest else "`telewire explain` without a code lists all"
        )
        super().__init__(f"there is no rule {code!r}; {hint}")


def _likeness(written: str, name: str) -> tuple[float, int]:
    """Return how alike two names are; of equally alike ones the one with more letters in their places."""
    in_place = sum(one == other for one, other in zip(written, name, strict=False))
    return (difflib.SequenceMatcher(None, name, written).ratio(), in_place)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The words about one code, as Markdown."""

    code: str
    name: str
    text: str


def explanations() -> list[Explanation]:
    """Return the explanation of every code, in order."""
    found = {code: Explanation(code, rule.name, rule.documentation) for code, rule in _RULES.items()}
    for code, kind in PROBLEM_KINDS.items():
        found.setdefault(code, Explanation(code, kind.name, problem_documentation(kind)))
    return [found[code] for code in sorted(found)]


def explain(code: str) -> Explanation:
    """Return the explanation of a code (`TW204`) or name (`hardcoded-constant`).

    Raises:
        UnknownCodeError: There is no such rule.
    """
    for explanation in explanations():
        if code.upper() == explanation.code or code.lower() == explanation.name:
            return explanation
    raise UnknownCodeError(code)
