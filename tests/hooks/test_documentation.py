"""What the pages say about hooks and actions is what the files hold."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.hooks import workflow
from tests.hooks.repository import BIN, CHECKOUT

PRE_COMMIT_PAGE = (CHECKOUT / "docs" / "pre-commit.md").read_text(encoding="utf-8")
CI_PAGE = (CHECKOUT / "docs" / "ci.md").read_text(encoding="utf-8")
MANIFEST: list[dict[str, Any]] = yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))


def test_the_configuration_shown_is_valid_and_names_a_hook_there_is(empty):
    shown = re.findall(r"```yaml\n(.*?)```", PRE_COMMIT_PAGE, re.DOTALL)[0]
    empty.write({"shown.yaml": shown})
    done = empty.run(str(BIN / "pre-commit"), "validate-config", "shown.yaml")
    assert (done.status, done.output) == (0, "")
    used = {hook["id"] for repo in yaml.safe_load(shown)["repos"] for hook in repo["hooks"]}
    assert used <= {hook["id"] for hook in MANIFEST}


def test_the_hooks_are_described_and_valid(empty):
    assert re.findall(r"^\| `(sessionlint[\w-]*)` \|", PRE_COMMIT_PAGE, re.MULTILINE) == [
        hook["id"] for hook in MANIFEST
    ]
    manifest = str(CHECKOUT / ".pre-commit-hooks.yaml")
    assert empty.run(str(BIN / "pre-commit"), "validate-manifest", manifest).status == 0


def test_the_inputs_of_the_action_are_described_with_their_defaults():
    inputs = workflow.load(CHECKOUT / "action.yml")["inputs"]
    described = re.findall(r"^\| `([\w-]+)` \| (?:`([^`|]*)`)? ?\|", CI_PAGE, re.MULTILINE)
    assert described == [(name, given["default"]) for name, given in inputs.items()]


def test_the_variables_of_the_gitlab_template_are_described():
    variables = workflow.load(CHECKOUT / "hooks" / "gitlab" / "sessionlint.gitlab-ci.yml")["variables"]
    assert set(re.findall(r"SESSIONLINT_[A-Z]+", CI_PAGE)) == set(variables)


def test_this_repositorys_own_hooks_are_valid_and_run_what_ci_installs(empty):
    config = CHECKOUT / ".pre-commit-config.yaml"
    assert empty.run(str(BIN / "pre-commit"), "validate-config", str(config)).status == 0
    entries = [hook["entry"].split()[0] for repo in workflow.load(config)["repos"] for hook in repo["hooks"]]
    assert [entry for entry in entries if not (BIN / entry.removeprefix(".venv/bin/")).exists()] == []
