"""TW505 key-never-written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...findings import Confidence, Finding
from ...source import FunctionSymbol
from ...source.program import Place
from ..keys.key_faults import KeyFault
from ..keys.unsaid import Unsaid, unsaid
from ..keys.watched import Watched
from ..words.metric_words import are_metrics
from .base import AuditCheck, AuditRule

_SHOWN = 3
"""Keys of an empty mapping that a message names."""
_OTHERS = 5
"""Keys beside one that nobody writes, as a context names them."""


class AuditKeyNeverWritten(AuditRule):
    """A string key is read from a mapping that the program makes, and nothing writes that key into it.

    A path (`train/loss`) that is read from whatever mapping of an application, and that nothing else says, is told too.

    So is a key that one row of a table names (`Rule("slow", metric="train.speed")`), where all other rows name keys
    that the program writes, or names under which functions or classes are registered.

    A default in `.get` is no fault by itself; it is what hides this one. A mapping from outside (configuration
    files, JSON, keyword arguments of users, the environment, HTTP, state dicts), one with computed keys, and one that
    is handed to somebody who may fill it are not judged. An empty one is, where the program alone reads it, by
    subscript and without a test for the key.

    ## Why is this bad?
    The reader sees the default for ever, or fails with a KeyError at the first use.

    ## Example
    ```python
    def aggregate(layers: list[Layer]) -> dict[str, int]:
        return {"nan_grad_count": sum(layer.nan_count for layer in layers)}

    metrics = aggregate(layers)
    show(metrics.get("inf_grad_count", 0))  # always 0
    ```

    ## Use instead
    ```python
        return {
            "nan_grad_count": sum(layer.nan_count for layer in layers),
            "inf_grad_count": sum(layer.inf_count for layer in layers),
        }
    ```
    """

    code = "TW505"
    name = "key-never-written"

    def check(self, audit: AuditCheck) -> Iterator[Finding]:
        """Yield each key that is read and written by nobody."""
        given_to = _given_to(audit) if audit.key_faults.never_written else {}
        of_empty: dict[tuple[FunctionSymbol, tuple[str, ...]], list[KeyFault]] = {}
        for fault in audit.key_faults.never_written:
            if fault.keys:
                yield self._finding(audit, fault, given_to.get((fault.read.function, fault.read.node), ""))
            else:
                of_empty.setdefault((fault.read.function, fault.made_at), []).append(fault)
        for faults in of_empty.values():
            yield self._of_empty(audit, faults)
        known = (*audit.key_faults.never_written, *audit.key_faults.renamed)
        told = {(fault.read.function, fault.read.key) for fault in known}
        for found in () if audit.audience.is_library else unsaid(audit.flow, audit.keys):
            if (found.read.function, found.read.key) not in told:
                yield self._unsaid(audit, found)

        for watched in audit.watched:
            if isinstance(watched, Watched):
                yield self._watched(audit, watched)

    def _watched(self, audit: AuditCheck, found: Watched) -> Finding:
        owner = found.field.owner
        return self.make(
            subject=f'{owner.module}:{found.field} "{found.key}"',
            place=found.place,
            message=f'"{found.key}" is looked for by {found.field}, and nothing in the program writes it, '
            f"as it does all {len(found.others)} others that are looked for so",
            help=f'did you mean "{found.similar}", which is written?'
            if found.similar
            else f'write "{found.key}" where its value is known, or take it out here',
            context={
                "key": found.key,
                "default": "",
                "made_at": "",
                "written": ", ".join(found.others[:_OTHERS]),
                "did_you_mean": found.similar or "",
                "given_to": "",
                "watched_by": str(found.field),
            },
            confidence=Confidence.MEDIUM,
        )

    def _unsaid(self, audit: AuditCheck, found: Unsaid) -> Finding:
        read = found.read
        always = f": it is always {read.default}" if read.default else ""
        return self.make(
            subject=f'{read.function}["{read.key}"]',
            place=Place(audit.program.modules[read.function.module].path, read.span),
            message=f'"{read.key}" is read, and nothing in the program writes or logs a metric of that name{always}',
            help=f'did you mean "{found.similar}", which nothing reads?'
            if found.similar
            else f'write "{read.key}" where its value is known, or take the read out',
            context={
                "key": read.key,
                "default": read.default or "",
                "made_at": "",
                "written": "",
                "did_you_mean": found.similar or "",
                "given_to": "",
            },
            confidence=Confidence.MEDIUM,
        )

    def _of_empty(self, audit: AuditCheck, faults: Sequence[KeyFault]) -> Finding:
        """All reads of one body from a mapping that nothing is put into: one cause, told once."""
        read = faults[0].read
        made = ", ".join(faults[0].made_at)
        keys = [fault.read.key for fault in faults]
        shown = ", ".join(f'"{key}"' for key in keys[:_SHOWN])
        more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
        is_or_are = "is" if len(keys) == 1 else "are"
        return self.make(
            subject=f'{read.function}["{read.key}"]',
            place=Place(audit.program.modules[read.function.module].path, read.span),
            message=f"{shown}{more} {is_or_are} read, and nothing is written into the mapping made at {made}",
            help="hand over the mapping that is filled, or fill this one",
            context={
                "key": read.key,
                "default": "",
                "made_at": made,
                "written": "",
                "did_you_mean": "",
                "given_to": "",
            },
            confidence=Confidence.MEDIUM,
        )

    def _finding(self, audit: AuditCheck, fault: KeyFault, given_to: str) -> Finding:
        read = fault.read
        made = ", ".join(fault.made_at)
        message = f'"{read.key}" is read and nothing writes it into the mapping made at {made}'
        if read.default:
            message += f": it is always {read.default}"
        elif read.how == "in":
            message += ": it is never there"
        context = {
            "key": read.key,
            "default": read.default or "",
            "made_at": made,
            "written": ", ".join(fault.keys),
            "did_you_mean": fault.similar or "",
            "given_to": given_to,
        }
        return self.make(
            subject=f'{read.function}["{read.key}"]',
            place=Place(audit.program.modules[read.function.module].path, read.span),
            message=message,
            help=(
                f'did you mean "{fault.similar}", which is written there?'
                if fault.similar
                else f'write "{read.key}" where the mapping is made, or take the read out'
            ),
            context=context,
            confidence=_confidence(fault, is_given_on=bool(given_to)),
        )


def _given_to(audit: AuditCheck) -> dict[tuple[FunctionSymbol, int], str]:
    """Return the names of telemetry that values are given to, by where they come from."""
    return {
        (group.function, one.node): one.sink
        for group in audit.transfers.groups
        for one in group.transfers
        if audit.names.is_field(one.sink)
    }


def _confidence(fault: KeyFault, *, is_given_on: bool) -> Confidence:
    if fault.is_optional or (fault.is_of_rows and not are_metrics(fault.keys)):
        return Confidence.LOW
    if fault.is_nowhere:
        return Confidence.MEDIUM if fault.falls_back else Confidence.HIGH
    if fault.falls_back or fault.agrees:
        return Confidence.LOW
    # Else others have it, and this one need not.
    is_expected = fault.read.how == "in" or are_metrics(fault.keys) or is_given_on
    return Confidence.MEDIUM if is_expected else Confidence.LOW
