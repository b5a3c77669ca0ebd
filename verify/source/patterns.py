"""The patterns of `match`: the names they bind, and what they prove of the subject."""

from __future__ import annotations

import ast

from .model import EffectKind, Kind, Narrowing, Proof
from .syntax import place_of
from .values import ValueBuilder
from .written import as_written


class PatternBuilder(ValueBuilder):
    """Adds the nodes that patterns read to the value graph."""

    def _pattern(self, pattern: ast.pattern, subject: int) -> int:
        """Bind a pattern's names; return the subject as the pattern narrows it."""
        place = place_of(pattern)
        match pattern:
            case ast.MatchAs(pattern=inner, name=name):
                value = subject if inner is None else self._pattern(inner, subject)
                if name is not None:
                    self._bind(name, value)
                return value
            case ast.MatchClass(cls=cls, patterns=_, kwd_attrs=names, kwd_patterns=patterns):
                written = as_written(cls)
                value = self._add(Kind.NARROW, Narrowing((written,), Proof.IS), (subject,), place)
                for name, inner in zip(names, patterns, strict=True):
                    self._pattern(inner, self._add(Kind.ATTR, name, (value,), place_of(inner)))
                for position, inner in enumerate(pattern.patterns):
                    self._pattern(inner, self._add(Kind.UNPACK, position, (value,), place_of(inner)))
                return value
            case ast.MatchOr(patterns=patterns):
                narrowed = tuple([self._pattern(inner, subject) for inner in patterns])
                return self._add(Kind.PHI, None, narrowed, place)
            case ast.MatchSequence(patterns=patterns):
                for position, inner in enumerate(patterns):
                    self._pattern(inner, self._add(Kind.UNPACK, position, (subject,), place_of(inner)))
            case ast.MatchMapping(keys=keys, patterns=patterns, rest=rest):
                for key, inner in zip(keys, patterns, strict=True):
                    item = self._add(Kind.ITEM, self._key(key), (subject, subject), place_of(inner))
                    self._pattern(inner, item)
                if rest is not None:
                    self._bind(rest, subject)
            case ast.MatchValue(value=value):
                test = self._add(Kind.COMPARE, ("Eq",), (subject, self._value(value)), place)
                self._effect(EffectKind.EVALUATE, None, -1, test, place)
            case ast.MatchStar(name=name) if name is not None:
                self._bind(name, subject)
            case _:
                pass  # singletons bind nothing
        return subject


def whole_classes(pattern: ast.pattern) -> list[str]:
    """Return the classes of which a pattern takes every instance."""
    match pattern:
        case ast.MatchClass(cls=cls, patterns=[], kwd_patterns=[]):
            return [as_written(cls)]
        case ast.MatchClass(cls=cls) if all(
            isinstance(inner, ast.MatchAs) and inner.pattern is None
            for inner in (*pattern.patterns, *pattern.kwd_patterns)
        ):
            return [as_written(cls)]
        case ast.MatchAs(pattern=ast.pattern() as inner):
            return whole_classes(inner)
        case ast.MatchOr(patterns=patterns):
            return [name for inner in patterns for name in whole_classes(inner)]
        case _:
            return []
