"""Section "Wiring Issues": findings and declared issues, numbered together, told apart."""

EMIT = 'inf_grad_count=metrics["inf_grad_count"]'
HEADING = "## 7. Wiring Issues (Broken Path)"
DECLARED = """\
wiring_issues:
  - title: The sum is missing
    severity: critical
    location: app/emitters.py
    function: aggregate()
    issue: Nothing adds the counts up.
    current_code: |
      return {}
    expected: A sum.
    resolved: true
"""


def broken(project):
    project.replace("app/emitters.py", EMIT, "inf_grad_count=0")
    return project


def test_a_finding_becomes_an_issue_with_its_rule_and_stage(project, section) -> None:
    text = section(broken(project).markdown(), HEADING)
    assert "### FINDING #1: TW204 hardcoded-constant (emission)" in text


def test_a_finding_shows_the_source_that_it_points_at(project, section) -> None:
    text = section(broken(project).markdown(), HEADING)
    assert "**Current Code:**\n```python\ninf_grad_count=0,\n```" in text


def test_a_finding_names_file_and_function(project, section) -> None:
    text = section(broken(project).markdown(), HEADING)
    assert "**Location:** `app/emitters.py`\n\n**Function:** `emit()`" in text


def test_a_finding_says_after_which_carrier_the_value_is_lost(project, section) -> None:
    assert 'The value is lost after `["inf_grad_count"]`' in section(broken(project).markdown(), HEADING)


def test_history_and_notes_come_after_the_issues(project) -> None:
    lines = broken(project).markdown().splitlines()
    assert [line for line in lines if line.startswith("## ")][7:] == ["## 8. History", "## 9. Notes"]


def test_a_declared_issue_has_the_form_of_the_hand_written_one(project, section) -> None:
    project.add_to_record(DECLARED)
    text = section(project.markdown(), "### CRITICAL BUG #1: The sum is missing")
    assert text.strip().split("\n\n") == [
        "**Location:** `app/emitters.py`",
        "**Function:** `aggregate()`",
        "**Issue:** Nothing adds the counts up.",
        "**Current Code:**\n```python\nreturn {}\n```",
        "**Expected:** A sum.",
        "**Resolved:** the author says so.",
        "---",
    ]


def test_declared_issues_and_findings_share_one_numbering(project) -> None:
    project.add_to_record(DECLARED)
    lines = broken(project).markdown().splitlines()
    found = [line.split(":")[0] for line in lines if line.startswith(("### CRITICAL", "### FINDING"))]
    assert found == ["### CRITICAL BUG #1", "### FINDING #2"]


def test_a_waived_finding_is_still_an_issue_and_says_until_when(project, section) -> None:
    project.add_to_record("waivers: [{rule: TW204, reason: next week, expires: 2026-12-01}]\n")
    assert "**Waived** until 2026-12-01: next week" in section(broken(project).markdown(), HEADING)


def test_a_waiver_that_expires_does_not_make_the_page_stale(project) -> None:
    project.add_to_record("waivers: [{rule: TW204, reason: long ago, expires: 2001-01-01}]\n")
    assert "expired" not in broken(project).markdown()


def test_moving_the_faulty_line_down_leaves_the_page_as_it_is(project) -> None:
    before = broken(project).markdown()
    project.replace(
        "app/emitters.py", "from .gradients import Stats", "# a remark\n\nfrom .gradients import Stats"
    )
    assert project.markdown() == before
