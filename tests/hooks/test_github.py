"""The GitHub action and workflows: valid, safe, and their shell steps do what they say."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.hooks import workflow
from tests.hooks.project import CLEAN, COMMITTING_SERVICE, SERVICE
from tests.hooks.repository import BIN, CHECKOUT, Repository
from tests.hooks.workflow import Job

ACTION = CHECKOUT / "action.yml"
TEMPLATES = CHECKOUT / "hooks" / "github"
WORKFLOWS = sorted([*(CHECKOUT / ".github" / "workflows").glob("*.yml"), *TEMPLATES.glob("*.yml")])
SERVICE_FILE = "app/services/items.py"
UPLOAD = "github/codeql-action/upload-sarif"

Start = Callable[..., Job]


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, released: Path, wheelhouse: Path) -> dict[str, Any]:
    """What the action's own install step leaves behind, without the network."""
    temporary = tmp_path_factory.mktemp("runner")
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheelhouse), "PIP_CONFIG_FILE": os.devnull}
    context = {"inputs": defaults() | {"python": str(BIN / "python")}, "github": {"action_path": str(released)}}
    job = Job(temporary, temporary, offline, context).run([step("install")])
    assert not job.failed, job.log
    return dict(job.context["steps"]["install"])


@pytest.fixture
def gate(repository: Repository, installed: dict[str, Any], tmp_path: Path) -> Start:
    """Runs the action in the repository; sessionlint is installed already."""

    def start(github: dict[str, Any] | None = None, **inputs: str) -> Job:
        temporary = tmp_path / "temporary"
        temporary.mkdir(exist_ok=True)
        context = {
            "inputs": defaults() | {name.replace("_", "-"): value for name, value in inputs.items()},
            "github": github or {"event_name": "push"},
            "steps": {"install": installed},
        }
        return Job(repository.path, temporary, {"CI": "true"}, context).run(workflow.load(ACTION)["runs"]["steps"][1:])

    return start


def defaults() -> dict[str, str]:
    return {name: str(given.get("default", "")) for name, given in workflow.load(ACTION)["inputs"].items()}


def step(name: str) -> dict[str, Any]:
    return next(dict(step) for step in workflow.load(ACTION)["runs"]["steps"] if step.get("id") == name)


def test_the_action_and_the_workflows_fit_their_schemas(empty):
    check = str(BIN / "check-jsonschema")
    assert empty.run(check, "--builtin-schema", "vendor.github-actions", str(ACTION)).output == (
        "ok -- validation done\n"
    )
    done = empty.run(check, "--builtin-schema", "vendor.github-workflows", *map(str, WORKFLOWS))
    assert done.output == "ok -- validation done\n"


def test_a_security_audit_of_the_workflows_finds_nothing(empty):
    # "low" would ask for a way to name this repository that older runners do not know.
    arguments = ("--offline", "--no-progress", "--quiet", "--min-severity=medium", "--format=json")
    done = empty.run(str(BIN / "zizmor"), *arguments, str(ACTION), *map(str, WORKFLOWS))
    assert (done.status, json.loads(done.output)) == (0, [])


def test_every_shell_step_passes_shellcheck(empty):
    scripts = [*workflow.load(ACTION)["runs"]["steps"]]
    for path in WORKFLOWS:
        scripts += [step for job in workflow.load(path)["jobs"].values() for step in job["steps"]]
    for number, text in enumerate(step["run"] for step in scripts if "run" in step):
        empty.write({f"{number}.sh": f"#!/bin/bash -e\n{text}"})
    done = empty.run("sh", "-c", f"{BIN}/shellcheck --exclude=SC2154 *.sh")
    assert (done.status, done.output) == (0, "")


def test_no_expression_is_expanded_inside_a_script():
    texts = [ACTION.read_text(), *(path.read_text() for path in WORKFLOWS)]
    for text in texts:
        for script in re.findall(r"run: \|\n((?: {8,}.*\n|\n)+)", text):
            assert "${{" not in script


def test_this_repositorys_audit_is_the_template_but_for_what_it_installs():
    own = (CHECKOUT / ".github" / "workflows" / "weekly-audit.yml").read_text().splitlines()
    template = (TEMPLATES / "weekly-audit.yml").read_text().splitlines()
    different = [pair for pair in zip(template[1:], own[1:], strict=True) if pair[0] != pair[1]]
    assert different == [("  REQUIREMENT: sessionlint", '  REQUIREMENT: "."')]


def test_the_action_installs_the_version_it_comes_from(installed, empty):
    done = empty.run(installed["outputs"]["command"], "--version")
    assert done.output.startswith("sessionlint, version ")


def test_an_old_python_is_refused_with_the_remedy(tmp_path):
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    context = {"inputs": defaults() | {"python": str(old)}, "github": {}}
    job = Job(tmp_path, tmp_path, {}, context).run([step("install")])
    assert job.failed
    assert job.log == (
        f"::error title=sessionlint::{old} is not Python 3.11 or newer; run actions/setup-python before.\n"
    )


def test_a_clean_program_passes_and_is_uploaded(gate):
    job = gate()
    assert not job.failed, job.log
    outputs = job.context["steps"]["gate"]["outputs"]
    assert outputs["exit-status"] == "0"
    assert job.used == {UPLOAD: {"sarif_file": outputs["sarif"], "category": "sessionlint"}}
    assert json.loads(Path(outputs["sarif"]).read_text())["runs"][0]["results"] == []
    assert job.summary.startswith("## ✅ sessionlint\n")


def test_findings_fail_the_job_after_they_are_uploaded_annotated_and_summed_up(gate, repository):
    repository.write({SERVICE_FILE: COMMITTING_SERVICE})
    job = gate()
    assert job.failed
    assert "::error file=app/services/items.py,line=7," in job.log
    assert job.summary.startswith("## ❌ sessionlint\n")
    sarif = json.loads(Path(job.used[UPLOAD]["sarif_file"]).read_text())
    assert sorted(result["ruleId"] for result in sarif["runs"][0]["results"]) == ["TXN201", "TXN205"]


def test_what_the_baseline_knows_passes_and_one_more_fails(gate, repository):
    repository.write({SERVICE_FILE: COMMITTING_SERVICE})
    repository.sessionlint("baseline", "create")
    before = (repository.path / "sessionlint-baseline.json").read_bytes()
    job = gate()
    assert not job.failed, job.log
    repository.write({SERVICE_FILE: COMMITTING_SERVICE + "    await session.commit()\n"})
    assert gate().failed
    repository.write({SERVICE_FILE: SERVICE})
    assert not gate().failed
    assert (repository.path / "sessionlint-baseline.json").read_bytes() == before


def test_a_pull_request_from_a_fork_is_checked_but_not_uploaded(gate):
    fork = {"event_name": "pull_request", "event": {"pull_request": {"head": {"repo": {"fork": True}}}}}
    job = gate(fork)
    assert (job.failed, job.used) == (False, {})
    assert gate(upload_sarif="false").used == {}


def test_against_base_reports_only_what_the_pull_request_adds(gate, repository):
    repository.stage({SERVICE_FILE: COMMITTING_SERVICE})
    assert repository.commit().status == 0
    repository.git("checkout", "--quiet", "-b", "topic", "HEAD")
    repository.stage({"app/services/more.py": COMMITTING_SERVICE})
    assert repository.commit().status == 0
    repository.git("checkout", "--quiet", "main")
    repository.stage({"notes.txt": "the branch has moved on\n"})
    assert repository.commit().status == 0
    repository.git("merge", "--quiet", "--no-ff", "-m", "As GitHub tests it", "topic")
    request = {"event_name": "pull_request", "event": {"pull_request": {"base": {"sha": "0" * 39 + "1"}}}}
    job = gate(request, against="base")
    assert job.failed
    errors = [line for line in job.log.splitlines() if line.startswith("::error")]
    assert len(errors) == 1
    assert errors[0].startswith("::error file=app/services/more.py,line=7,")


@pytest.mark.parametrize("before", ["", "0" * 40])
def test_without_a_commit_to_compare_with_the_baseline_decides(gate, before):
    job = gate({"event_name": "push", "event": {"before": before}}, against="base")
    assert not job.failed
    assert "::notice title=sessionlint::push has no commit to compare with; the baseline decides." in job.log


def test_a_clone_without_the_commit_is_told_how_to_fetch_it(gate):
    job = gate(against="origin/main")
    assert job.failed
    assert job.log == (
        "::error title=sessionlint::The clone does not hold origin/main; give actions/checkout 'fetch-depth: 0'.\n"
    )


def test_what_could_not_be_checked_fails_with_2(gate, repository):
    repository.write({"app/broken.py": "def broken(:\n"})
    job = gate(upload_sarif="false")
    assert job.failed
    assert job.context["steps"]["gate"]["outputs"]["exit-status"] == "2"
    assert job.summary.startswith("## ⚠️ sessionlint could not check everything\n")


def test_an_unusable_policy_fails_without_a_report(gate, repository):
    gate()
    repository.write({"sessionlint.toml": "presett = 1\n"})
    job = gate()
    assert job.failed
    assert "presett" in job.log
    assert (job.context["steps"]["gate"]["outputs"], job.used) == ({"exit-status": "2"}, {})


def test_a_project_below_and_more_arguments_are_passed_on(gate, repository):
    repository.write({f"back end/{name}": text for name, text in CLEAN.items()})
    repository.write({f"back end/{SERVICE_FILE}": COMMITTING_SERVICE})
    job = gate(working_directory="back end", arguments="--ignore TXN205  --no-cache")
    assert "::error file=back end/app/services/items.py,line=7," in job.log
    assert "TXN205" not in job.log


class TestTheWeeklyAudit:
    """The steps of the template, with a ``gh`` that only writes down what it is asked."""

    @pytest.fixture
    def audit(self, repository: Repository, installed: dict[str, Any], tmp_path: Path) -> Callable[[str], Job]:
        tools = tmp_path / "tools"
        tools.mkdir()
        gh = tools / "gh"
        gh.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nif [ "$2" = list ]; then echo "$OPEN_ISSUE"; fi\n')
        gh.chmod(0o755)
        temporary = tmp_path / "temporary"
        temporary.mkdir()
        loaded = workflow.load(TEMPLATES / "weekly-audit.yml")

        def start(open_issue: str) -> Job:
            environment = {
                "PATH": os.pathsep.join(
                    [str(tools), str(Path(installed["outputs"]["command"]).parent), os.environ["PATH"]]
                ),
                "OPEN_ISSUE": open_issue,
                "PROJECT": loaded["env"]["PROJECT"],
                # Already there; installing it again needs no index.
                "REQUIREMENT": loaded["env"]["REQUIREMENT"],
                "PIP_NO_INDEX": "1",
                "CI": "true",
            }
            context = {"github": {"server_url": "https://github.com", "repository": "me/app", "run_id": "7"}}
            return Job(repository.path, temporary, environment, context).run(loaded["jobs"]["audit"]["steps"])

        return start

    def asked(self, tmp_path: Path) -> list[str]:
        return [line for line in (tmp_path / "asked").read_text().splitlines() if not line.startswith("issue list")]

    def test_what_is_left_goes_into_an_issue_a_summary_and_an_artifact(self, audit, repository, tmp_path):
        repository.write({SERVICE_FILE: COMMITTING_SERVICE})
        repository.sessionlint("baseline", "create")
        job = audit("")
        folder = tmp_path / "temporary" / "audit"
        assert not job.failed, job.log
        assert self.asked(tmp_path) == [
            f"issue create --title Database connection audit --body-file {folder}/summary.md"
        ]
        assert job.used["actions/upload-artifact"]["path"] == str(folder)
        assert sorted(path.name for path in folder.iterdir()) == ["inventory.md", "report.json", "summary.md"]
        assert json.loads((folder / "report.json").read_text())["summary"]["by_code"] == {"TXN201": 1, "TXN205": 1}
        assert (folder / "summary.md").read_text().endswith("(https://github.com/me/app/actions/runs/7)\n")
        assert "# Database Connection Audit" in job.summary

    def test_the_issue_is_edited_while_it_is_open_and_closed_when_nothing_is_left(self, audit, repository, tmp_path):
        repository.write({SERVICE_FILE: COMMITTING_SERVICE})
        audit("12")
        repository.write({SERVICE_FILE: SERVICE})
        assert not audit("12").failed
        assert [line.partition(" --")[0] for line in self.asked(tmp_path)] == ["issue edit 12", "issue close 12"]

    def test_a_clean_program_without_an_issue_asks_for_nothing(self, audit, tmp_path):
        assert not audit("").failed
        assert self.asked(tmp_path) == []

    def test_what_could_not_be_checked_is_reported_and_fails(self, audit, repository, tmp_path):
        repository.write({"app/broken.py": "def broken(:\n"})
        assert audit("").failed
        assert self.asked(tmp_path)[0].startswith("issue create")
