"""``pytest --sessionlint`` makes every file that breaks the rules a failing test."""

from __future__ import annotations

import subprocess
import sys

from tests.hooks.project import CLEAN, COMMITTING_SERVICE

FILES = ["app/__init__.py", "app/routers/items.py", "app/services/items.py", "app/session.py"]
ALL_PASS = {f"{name}::sessionlint": "passed" for name in FILES}
COMMITTING = {"app/services/items.py": COMMITTING_SERVICE}
ONE_TEST = {"tests/test_own.py": "def test_own():\n    pass\n"}


def test_every_file_of_a_clean_project_is_a_passing_test(project, run):
    project({})
    outcome = run("--sessionlint")
    assert (outcome.status, outcome.results) == (0, ALL_PASS)


def test_a_file_with_a_finding_is_a_failing_test_that_shows_it(project, run):
    project(COMMITTING)
    outcome = run("--sessionlint")
    failed = {
        "app/routers/items.py::sessionlint": "failed",
        "app/services/items.py::sessionlint": "failed",
    }
    assert (outcome.status, outcome.results) == (1, ALL_PASS | failed)
    assert "app/services/items.py:7:11: TXN201" in outcome.output
    assert "FAILED app/services/items.py::sessionlint" in outcome.output
    assert "Traceback" not in outcome.output


def test_pytest_finds_the_plugin_by_itself_and_without_the_option_nothing_is_imported(project, run):
    root = project(COMMITTING | ONE_TEST)
    outcome = run()
    assert (outcome.status, outcome.results) == (0, {"tests/test_own.py::test_own": "passed"})
    code = "import sys, pytest; pytest.main(['-q', '--co', '-p', 'no:cacheprovider']); print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "sessionlint.pytest_plugin" in loaded
    assert not {"sessionlint.run", "sessionlint.policy", "libcst"} & loaded


def test_the_projects_own_tests_run_next_to_it(project, run):
    project(ONE_TEST | {"pytest.ini": "[pytest]\ntestpaths = tests\n"})
    own = {"tests/test_own.py::test_own": "passed", "tests/test_own.py::sessionlint": "passed"}
    assert run("--sessionlint").results == ALL_PASS | own


def test_paths_restrict_which_files_get_a_test(project, run):
    project(COMMITTING | ONE_TEST)
    assert run("--sessionlint", "app/services").results == {"app/services/items.py::sessionlint": "failed"}
    own = {"tests/test_own.py::test_own": "passed", "tests/test_own.py::sessionlint": "passed"}
    assert run("--sessionlint", "tests").results == own
    assert run("--sessionlint", "tests/test_own.py::test_own").results == {"tests/test_own.py::test_own": "passed"}


def test_a_failed_test_can_be_run_again_by_its_name(project, run):
    project(COMMITTING)
    (outcome, parallel) = (run("--sessionlint", "app/services/items.py::sessionlint", *more) for more in ((), ("-n1",)))
    assert outcome.results == parallel.results == {"app/services/items.py::sessionlint": "failed"}


def test_a_folder_can_be_asked_for_without_the_projects_own_tests(project, run):
    project(COMMITTING | {"app/test_broken.py": "import absent_module\n"})
    assert run("--sessionlint").status == 2
    outcome = run("--sessionlint", ".::sessionlint")
    assert (outcome.status, outcome.results["app/services/items.py::sessionlint"]) == (1, "failed")
    assert list(run("--sessionlint", "app/routers::sessionlint").results) == ["app/routers/items.py::sessionlint"]


def test_a_name_that_no_checked_file_has_is_a_usage_error(project, run):
    project({})
    outcome = run("--sessionlint", "app/absent.py::sessionlint")
    assert outcome.status == 4
    assert "ERROR: sessionlint: app/absent.py is none of the checked files, and holds none" in outcome.output


def test_the_tests_are_chosen_like_any_others(project, run):
    project(COMMITTING | ONE_TEST)
    assert run("--sessionlint", "-m", "not sessionlint").results == {"tests/test_own.py::test_own": "passed"}
    assert list(run("--sessionlint", "-k", "routers").results) == ["app/routers/items.py::sessionlint"]
    deselected = run("--sessionlint", "-m", "sessionlint", "--deselect", "app/services/items.py::sessionlint")
    assert "app/services/items.py::sessionlint" not in deselected.results
    assert "app/routers/items.py::sessionlint" in deselected.results


def test_the_workers_of_xdist_share_one_run(project, run):
    root = project(COMMITTING | {"conftest.py": _ADDS_A_FILE_IN_WORKERS})
    outcome = run("--sessionlint", "-n2")
    assert (root / "app" / "late.py").exists()
    assert "app/late.py::sessionlint" not in outcome.results
    (root / "app" / "late.py").unlink()
    assert outcome.results == run("--sessionlint").results
    assert outcome.status == 1


_ADDS_A_FILE_IN_WORKERS = """\
from pathlib import Path


def pytest_configure(config):
    if hasattr(config, "workerinput"):
        Path("app/late.py").write_text("")
"""


def test_a_file_that_could_not_be_checked_fails(project, run):
    project({"app/broken.py": "def broken(:\n"})
    outcome = run("--sessionlint")
    assert outcome.results == ALL_PASS | {"app/broken.py::sessionlint": "failed"}
    assert "app/broken.py:1:" in outcome.output
    assert "not checked" in outcome.output


def test_a_policy_that_names_nothing_fails_at_the_policy_file(project, run):
    project({"sessionlint.toml": CLEAN["sessionlint.toml"].replace("app/session.py", "app/gone.py")})
    assert run("--sessionlint").results["sessionlint.toml::sessionlint"] == "failed"


def test_an_unusable_policy_is_a_usage_error_that_lists_every_mistake(project, run):
    project({"sessionlint.toml": 'presett = "x"\ntls = "maybe"\n'})
    outcome = run("--sessionlint")
    assert outcome.status == 4
    assert "presett" in outcome.output
    assert "tls" in outcome.output
    assert "Traceback" not in outcome.output


def test_the_policy_can_be_named(project, run):
    root = project(COMMITTING)
    (root / "sessionlint.toml").rename(root / "other.toml")
    assert (
        run("--sessionlint", "--sessionlint-config", "other.toml").results["app/routers/items.py::sessionlint"]
        == "failed"
    )
    outcome = run("--sessionlint", "--sessionlint-config", "absent.toml")
    assert outcome.status == 4
    assert "there is no such file" in outcome.output


def test_an_inferred_policy_is_said_in_the_header(project, run):
    root = project({})
    (root / "sessionlint.toml").unlink()
    (root / "setup.py").write_text("")
    outcome = run("--sessionlint")
    assert f"sessionlint: 5 files in {root}" in outcome.output
    assert "sessionlint: Inferred" in outcome.output or "inferred" in outcome.output


def test_the_report_is_a_fixture_for_tests_of_ones_own(project, run):
    project(COMMITTING | {"tests/test_own.py": _OWN_TESTS})
    outcome = run("tests")
    assert outcome.results == {
        "tests/test_own.py::test_codes": "passed",
        "tests/test_own.py::test_session_module_is_compliant": "passed",
        "tests/test_own.py::test_no_commits": "failed",
        "tests/test_own.py::test_unknown_path": "failed",
        "tests/test_own.py::test_unknown_code": "failed",
    }
    assert "app/services/items.py:7:11: TXN201" in outcome.output
    assert "ValueError: 'app/absent' holds no checked file" in outcome.output
    assert "ValueError: 'TXN999' is no rule code" in outcome.output


_OWN_TESTS = """\
def test_codes(sessionlint_report):
    assert sessionlint_report.by_code == {"TXN201": 1, "TXN205": 1}


def test_session_module_is_compliant(assert_compliant):
    assert_compliant("app/session.py", "app/services", codes=["TXN1", "TXN3"])


def test_no_commits(assert_compliant):
    assert_compliant("app/services", codes=["TXN201"])


def test_unknown_path(assert_compliant):
    assert_compliant("app/absent")


def test_unknown_code(assert_compliant):
    assert_compliant(codes=["TXN999"])
"""
