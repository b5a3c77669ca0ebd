"""What fixtures of a wider scope let pass, and how long they take, belongs to each test that was given them."""

from __future__ import annotations

import pytest

from telewire.verify.evidence.document import EvidenceModel

from .app_project import evidence_in, numbers_seen, run_tests, write_project

TESTS = """\
import time

import pytest

from app.main import run

INF = float("inf")


def spend(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def shown(count):
    spend(count / 100)
    return run([[INF] * count])


@pytest.fixture(scope="module")
def two():
    return shown(2)


@pytest.fixture(scope="session")
def four():
    return shown(4)


@pytest.fixture(scope="module")
def eight_with_four(request):
    request.getfixturevalue("four")
    return shown(8)


@pytest.fixture(scope="module", params=["two", "four"])
def either(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def by_name(request):
    return request.getfixturevalue


@pytest.fixture(scope="module")
def given():
    return shown(16)


@pytest.mark.parametrize("which", ["two", "four"])
def test_by_name(request, which):
    request.getfixturevalue(which)


@pytest.mark.parametrize("which", ["two", "four"])
def test_by_a_fixture_of_its_own(by_name, which):
    by_name(which)


def test_through_another(request):
    request.getfixturevalue("eight_with_four")


def test_through_another_that_is_there(eight_with_four): ...


def test_by_a_parameter(either): ...


def test_that_asks_for_nothing(): ...


class TestReplacing:
    @pytest.fixture(scope="class")
    def given(self):
        return shown(32)

    def test_the_other(self, given): ...


class TestAdding:
    @pytest.fixture(scope="class")
    def given(self, given):
        return shown(1)

    def test_both(self, given): ...

    def test_both_again(self, given): ...
"""


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> EvidenceModel:
    root = write_project(tmp_path_factory.mktemp("fixtures"))
    (root / "tests/test_app.py").write_text(TESTS)
    run_tests(root, "--wiring", "-p", "no:randomly")
    return evidence_in(root)


SEEN: dict[str, set[object]] = {
    "test_by_name[two]": {2},
    "test_by_name[four]": {4},
    "test_by_a_fixture_of_its_own[two]": {2},
    "test_by_a_fixture_of_its_own[four]": {4},
    "test_through_another": {8, 4},
    "test_through_another_that_is_there": {8, 4},
    "test_by_a_parameter[two]": {2},
    "test_by_a_parameter[four]": {4},
    "test_that_asks_for_nothing": set(),
    "TestReplacing::test_the_other": {32},
    "TestAdding::test_both": {1, 16},
    "TestAdding::test_both_again": {1, 16},
}


@pytest.mark.parametrize("test", SEEN)
def test_a_test_sees_what_it_asked_for_however_it_did(evidence: EvidenceModel, test: str) -> None:
    assert numbers_seen(evidence, test, "handle") == SEEN[test]


@pytest.mark.parametrize("test", SEEN)
def test_it_takes_at_least_as_long_as_all_of_that_takes(evidence: EvidenceModel, test: str) -> None:
    (found,) = (one for one in evidence.tests if one.id.endswith(f"::{test}"))
    numbers = (one for one in SEEN[test] if isinstance(one, int))
    assert found.seconds >= sum(numbers) / 100
