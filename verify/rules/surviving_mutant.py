"""TW408 surviving-mutant."""

from __future__ import annotations

from collections.abc import Iterator

from ..evidence.mutants.document import MutantResult
from ..evidence.mutants.mutant import State
from ..evidence.mutants.mutated import HopMutated, Mutation
from ..findings import Finding
from ..source.model import Span
from ..source.program import Place
from .base import Check, Rule

_FEW = 3


class SurvivingMutant(Rule):
    """A value on a wire was replaced while the tests ran that pass it, and none of them failed.

    What mutants say is known from `telewire mutate`.

    ## Why is this bad?
    Tests run the wire and would pass just as well if it were cut: the next change that hardcodes the value, or takes
    its neighbour's, goes unseen.

    ## Example
    ```python
    def test_payload() -> None:
        payload = emit({"nan_grad_count": 1, "inf_grad_count": 5})
        assert payload is not None
    ```

    ## Use instead
    ```python
    def test_payload() -> None:
        payload = emit({"nan_grad_count": 1, "inf_grad_count": 5})
        assert payload.inf_grad_count == 5
        assert emit({"nan_grad_count": 1, "inf_grad_count": 6}).inf_grad_count == 6
    ```
    """

    code = "TW408"
    name = "surviving-mutant"

    def check(self, check: Check) -> Iterator[Finding]:
        """Name every survivor once, under the first record whose wire it is on."""
        standing = check.run_time.mutations.standing
        if standing is None:
            return
        told: set[int] = set()
        for wire in check.wiring.wires:
            for hop in check.run_time.mutations.of_wire(wire).hops:
                if hop.mutation is Mutation.STALE:
                    continue
                for result in hop.results:
                    if result.state is State.SURVIVED and id(result) not in told:
                        told.add(id(result))
                        tests = [standing.document.tests[test] for test in result.ran]
                        yield self._finding(check, wire.record.id, hop, result, tests)

    def _finding(
        self, check: Check, record: str, hop: HopMutated, result: MutantResult, tests: list[str]
    ) -> Finding:
        place = check.run_time.mutations.place(result)
        site = hop.hop.site
        where = site.span if place is None else Span(*place)
        shown = ", ".join(tests[:_FEW]) + (f" and {len(tests) - _FEW} more" if len(tests) > _FEW else "")
        change = "" if result.changed is None else f" ({' became '.join(result.changed)})"
        return self.finding(
            record=check.registry[record],
            stage=None,
            subject=f"{result.kind.value}: {hop.hop.target}",
            place=Place(site.path, where),
            message=f"{result.message}{change}, and no test noticed: {shown}",
            help="let one of these tests look at the value that arrives, with another value than any other metric has; "
            "then run telewire mutate again",
            context={
                "kind": result.kind.value,
                "change": str(result.change),
                "tests": ", ".join(tests),
                "function": str(site.function),
            },
            hops=(hop.hop,),
        )
