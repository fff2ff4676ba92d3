"""The GitLab template: valid, and its scripts do what they say."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.hooks import workflow
from tests.hooks.project import COMMITTING_SERVICE, SERVICE
from tests.hooks.repository import BIN, CHECKOUT, Done, Repository

TEMPLATE = CHECKOUT / "hooks" / "gitlab" / "sessionlint.gitlab-ci.yml"
SERVICE_FILE = "app/services/items.py"


@pytest.fixture
def job(repository: Repository) -> Callable[..., Done]:
    """Runs the script of one job of the template as the shell of GitLab's runner does."""
    loaded = workflow.load(TEMPLATE)

    def start(name: str, **variables: str) -> Done:
        environment: dict[str, Any] = {
            **loaded["variables"],
            "CI": "true",
            "CI_PROJECT_DIR": str(repository.path),
            "PATH": f"{BIN}:/usr/bin:/bin",
            **variables,
        }
        return repository.run("sh", "-c", "set -e\n" + "\n".join(loaded[name]["script"]), env=environment)

    return start


def test_the_template_fits_its_schema_and_its_scripts_pass_shellcheck(empty):
    options = ("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci")
    done = empty.run(str(BIN / "check-jsonschema"), *options, str(TEMPLATE))
    assert done.output == "ok -- validation done\n"
    for name in ("sessionlint", "sessionlint-audit"):
        empty.write({f"{name}.sh": "#!/bin/sh -e\n" + "\n".join(workflow.load(TEMPLATE)[name]["script"])})
    done = empty.run("sh", "-c", f"{BIN}/shellcheck --exclude=SC2154 *.sh")
    assert (done.status, done.output) == (0, "")


def test_findings_fail_the_job_and_fill_both_widgets(job, repository):
    repository.write({SERVICE_FILE: COMMITTING_SERVICE})
    assert job("sessionlint").status == 1
    quality = json.loads((repository.path / "gl-code-quality-report.json").read_text())
    assert sorted(entry["check_name"] for entry in quality) == ["TXN201-explicit-commit", "TXN205-callee-commits"]
    assert (repository.path / "sessionlint-junit.xml").read_text().startswith("<?xml")


def test_a_clean_program_passes_with_empty_reports(job, repository):
    assert job("sessionlint").status == 0
    assert json.loads((repository.path / "gl-code-quality-report.json").read_text()) == []


def test_against_base_only_the_merge_requests_own_findings_count(job, repository):
    repository.stage({SERVICE_FILE: COMMITTING_SERVICE})
    assert repository.commit().status == 0
    base = repository.head
    settings = {"SESSIONLINT_AGAINST": "base", "CI_MERGE_REQUEST_DIFF_BASE_SHA": base}
    assert job("sessionlint", **settings).status == 0
    assert job("sessionlint", SESSIONLINT_AGAINST="base").status == 1
    repository.write({"app/services/more.py": COMMITTING_SERVICE})
    assert job("sessionlint", **settings).status == 1
    quality = json.loads((repository.path / "gl-code-quality-report.json").read_text())
    assert [entry["location"]["path"] for entry in quality] == ["app/services/more.py"]


def test_more_arguments_are_passed_on(job, repository):
    repository.write({SERVICE_FILE: COMMITTING_SERVICE})
    assert job("sessionlint", SESSIONLINT_ARGUMENTS="--ignore TXN201,TXN205 --no-cache").status == 0


def test_the_audit_tells_everything_whatever_the_baseline_knows(job, repository):
    repository.write({SERVICE_FILE: COMMITTING_SERVICE})
    repository.sessionlint("baseline", "create")
    assert job("sessionlint-audit").status == 1
    folder = repository.path / "audit"
    assert sorted(path.name for path in folder.iterdir()) == ["inventory.md", "report.json", "summary.md"]
    assert json.loads((folder / "report.json").read_text())["summary"]["by_code"] == {"TXN201": 1, "TXN205": 1}
    repository.write({SERVICE_FILE: SERVICE})
    assert job("sessionlint-audit").status == 0
