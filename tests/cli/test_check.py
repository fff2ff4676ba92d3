"""``sessionlint check``: what it reports, where, and how it exits."""

import json

import pytest

POLICY = {"sessionlint.toml": ""}


def findings(text: str) -> list[tuple[str, int, str]]:
    return [(row["path"], row["line"], row["code"]) for row in json.loads(text)["findings"]]


def test_a_clean_project_exits_0(tree, engine, call):
    result = call("check", tree({**POLICY, "a.py": "x = 1\n"}))
    assert (result.status, result.out, result.err) == (0, "No findings in 1 file.\n", "")


def test_findings_exit_1_and_are_shown_in_order_with_their_source(tree, engine, call):
    root = tree({**POLICY, "b.py": "s.commit()\n", "a.py": "x\ns.commit(Session)\n"})
    result = call("check", root)
    assert result.status == 1
    assert result.out == (
        "a.py:2:3: TXN201 commit here.\n  2 | s.commit(Session)\n    |   ^^^^^^\n\n"
        "a.py:2:10: TXN101 Session here.\n  2 | s.commit(Session)\n    |          ^^^^^^^\n\n"
        "b.py:1:3: TXN201 commit here.\n  1 | s.commit()\n    |   ^^^^^^\n\n"
        "3 findings in 2 of 2 files (0.0% of files compliant).\n"
    )


def test_a_file_that_cannot_be_read_exits_2_and_the_rest_is_checked(tree, engine, call):
    result = call("check", tree({**POLICY, "a.py": "commit\n", "b.py": "broken\n"}), "--format", "json")
    assert result.status == 2
    assert findings(result.out) == [("a.py", 1, "TXN201")]
    assert json.loads(result.out)["errors"] == [{"path": "b.py", "line": 1, "message": "invalid syntax"}]


def test_exit_zero_hides_findings_but_not_problems(tree, engine, call):
    root = tree({**POLICY, "a.py": "commit\n"})
    assert call("check", root, "--exit-zero").status == 0
    (root / "b.py").write_text("broken\n")
    assert call("check", root, "--exit-zero").status == 2


def test_a_rule_that_fails_is_named_and_the_others_still_report(tree, engine, call):
    result = call("check", tree({**POLICY, "a.py": "Session crash\n", "b.py": "commit\n"}), "--format", "json")
    assert result.status == 2
    assert findings(result.out) == [("b.py", 1, "TXN201")]
    (error,) = json.loads(result.out)["errors"]
    assert error["path"] == "TXN101"
    assert error["message"].startswith("the rule TXN101 session-created-directly failed (KeyError: 'Session', conftest")
    assert error["message"].endswith("go on without it: --ignore TXN101")


def test_paths_restrict_what_is_reported_and_not_what_is_read(tree, engine, call):
    root = tree({**POLICY, "app/a.py": "commit\n", "app/b.py": "commit\n", "application/c.py": "commit\n"})
    result = call("check", root / "app", "--format", "json")
    assert findings(result.out) == [("app/a.py", 1, "TXN201"), ("app/b.py", 1, "TXN201")]
    assert json.loads(result.out)["summary"]["files"] == 2
    assert engine.built == [("app/a.py", "app/b.py", "application/c.py")]
    both = call("check", root / "app" / "b.py", root / "application", "--format", "json")
    assert findings(both.out) == [("app/b.py", 1, "TXN201"), ("application/c.py", 1, "TXN201")]


def test_without_paths_the_current_folder_is_reported(tree, engine, call, monkeypatch):
    root = tree({**POLICY, "app/a.py": "commit\n", "b.py": "commit\n"})
    monkeypatch.chdir(root / "app")
    assert findings(call("check", "--format", "json").out) == [("app/a.py", 1, "TXN201")]
    assert len(findings(call("check", "..", "--format", "json").out)) == 2


def test_an_ignored_file_is_checked_when_it_is_named(tree, engine, call):
    root = tree({**POLICY, ".gitignore": "local.py\n", "local.py": "commit\n"})
    assert call("check", root).status == 0
    assert call("check", root / "local.py").status == 1


def test_a_path_that_does_not_exist_is_a_usage_error(tree, engine, call):
    result = call("check", tree(POLICY) / "nope")
    assert result.status == 2
    assert "nope' does not exist." in result.err
    assert engine.built == []


def test_a_path_outside_the_project_of_the_given_policy_is_a_usage_error(tree, engine, call):
    root = tree({"a/sessionlint.toml": "", "b/x.py": ""})
    result = call("check", root / "b", "--config", root / "a" / "sessionlint.toml")
    assert result.status == 2
    assert "lies outside the project" in result.err


TWO_PROJECTS = {
    "one/pyproject.toml": "[tool.sessionlint]\n",
    "two/sessionlint.toml": "",
    "one/a.py": "",
    "two/b.py": "",
}


@pytest.mark.parametrize("command", ["check", "fix"])
def test_paths_of_projects_with_policies_of_their_own_are_a_usage_error(tree, engine, call, monkeypatch, command):
    monkeypatch.chdir(tree({**TWO_PROJECTS, "c.py": ""}))
    result = call(command, "one/a.py", "two", "c.py")
    assert result.status == 2
    assert result.err.splitlines()[-1] == (
        "Error: the paths belong to projects with policies of their own (one/pyproject.toml for one, "
        "two/sessionlint.toml for two, no policy for .). Run the command on each project by itself, or name one policy "
        "for all by --config."
    )
    assert engine.built == []


def test_a_named_policy_is_one_for_all_paths(tree, engine, call):
    root = tree({**TWO_PROJECTS, "all.toml": 'ignore = ["TXN2"]\n', "one/a.py": "commit\n"})
    assert call("check", root / "one", root / "two", "--config", root / "all.toml").status == 0


def test_a_mistake_in_the_policy_of_any_named_path_is_told(tree, engine, call):
    root = tree({**TWO_PROJECTS, "two/sessionlint.toml": "foo = 1\n"})
    result = call("check", root / "one", root / "two")
    assert (result.status, "foo: unknown key." in result.err) == (2, True)


PASSED_OVER = (
    "one/pyproject.toml and two/sessionlint.toml hold policies that do not count here: all files are judged as one "
    "program. Run sessionlint in each of these folders to have them count, or leave the folders out of this run by "
    "`exclude`.\n"
)


def test_policies_below_the_checked_folder_are_named_because_they_do_not_count(tree, engine, call):
    root = tree({**TWO_PROJECTS, "pyproject.toml": "[tool.sessionlint]\n"})
    for _ in range(2):
        assert call("check", root).err == PASSED_OVER
    (root / "one" / "pyproject.toml").unlink()
    assert call("check", root).err.startswith("two/sessionlint.toml holds a policy that does not count here")
    (root / "pyproject.toml").write_text('[tool.sessionlint]\nexclude = ["two/"]\n')
    assert call("check", root).err == ""


@pytest.mark.parametrize("command", ["baseline create", "inventory", "init", "fix --diff", "report --no-history"])
def test_every_command_names_the_policies_that_do_not_count(tree, call, command):
    assert PASSED_OVER in call(*command.split(), tree(TWO_PROJECTS)).err


@pytest.mark.parametrize("command", ["check", "fix"])
@pytest.mark.parametrize("option", ["--select", "--ignore"])
@pytest.mark.parametrize("value", ["", " , "])
def test_an_option_that_names_no_rule_is_a_usage_error(tree, engine, call, command, option, value):
    result = call(command, tree(POLICY), option, value)
    assert result.status == 2
    said = f"Error: Invalid value for '{option}': it names no rule; name some or leave the option out."
    assert result.err.splitlines()[-1] == said


def test_an_empty_name_among_others_is_passed_over(tree, engine, call):
    assert call("check", tree({**POLICY, "a.py": "commit\n"}), "--select", "TXN1,").status == 0


def test_a_project_without_python_files_says_so(tree, engine, call):
    root = tree(POLICY)
    result = call("check", root)
    assert (result.status, result.err) == (0, f"Warning: no Python files to check in {root}.\n")


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        (["--select", "TXN2"], ["TXN201"]),
        (["--select", "TXN201,TXN101"], ["TXN101", "TXN201"]),
        (["--select", "explicit-commit"], ["TXN201"]),
        (["--ignore", "txn1"], ["TXN201"]),
        (["--ignore", "TXN1", "--ignore", "TXN2"], []),
        (["--select", "TXN", "--ignore", "TXN201"], ["TXN101"]),
    ],
)
def test_rules_are_selected_and_ignored_on_the_command_line(tree, engine, call, options, codes):
    result = call("check", tree({**POLICY, "a.py": "Session\ncommit\n"}), "--format", "json", *options)
    assert [code for _, _, code in findings(result.out)] == codes


def test_an_unknown_rule_is_a_usage_error_with_the_nearest_name(tree, engine, call):
    result = call("check", tree(POLICY), "--select", "TXN1O1")
    assert result.status == 2
    assert "'TXN1O1' is no rule. Did you mean TXN101 (session-created-directly)?" in result.err


def test_the_policy_sets_severity_and_silences_files(tree, engine, call):
    root = tree(
        {
            "sessionlint.toml": '[severity]\nTXN2 = "warning"\n[per-file-ignores]\n"scripts/**" = ["TXN2"]\n',
            "a.py": "commit\n",
            "scripts/b.py": "commit\n",
        }
    )
    rows = json.loads(call("check", root, "--format", "json").out)["findings"]
    assert [(row["path"], row["severity"]) for row in rows] == [("a.py", "warning")]


def test_a_bad_policy_lists_every_mistake_and_exits_2(tree, engine, call):
    root = tree({"sessionlint.toml": 'tls = "on"\nzebra = 1\n'})
    result = call("check", root)
    assert result.status == 2
    assert result.err == (
        "Error: the policy in sessionlint.toml has 2 mistakes:\n"
        "  line 1: tls: is \"on\"; write one of 'verified', 'required', 'off'.\n"
        "  line 2: zebra: unknown key.\n"
    )


def test_a_policy_from_elsewhere_counts_when_named(tree, engine, call):
    root = tree({**POLICY, "strict.toml": 'select = ["TXN1"]\n', "a.py": "commit\nSession\n"})
    result = call("check", root, "--config", root / "strict.toml", "--format", "json")
    assert [code for _, _, code in findings(result.out)] == ["TXN101"]


def test_without_a_policy_one_is_inferred_and_the_run_says_so(tree, engine, call):
    root = tree({"pyproject.toml": '[project]\nname = "x"\n', "db.py": "commit\n"})
    for _ in range(2):
        result = call("check", root)
        assert (result.status, result.err) == (1, "Inferred: db.py makes the engine.\n")
    assert len(engine.built) == 1


def test_the_policy_chooses_the_format_and_the_option_beats_it(tree, engine, call):
    root = tree({"sessionlint.toml": 'output-format = "json"\n', "a.py": ""})
    assert json.loads(call("check", root).out)["version"] == 1
    assert call("check", root, "--format", "text").out == "No findings in 1 file.\n"


def test_the_report_goes_to_a_file(tree, engine, call):
    root = tree({**POLICY, "a.py": "commit\n"})
    result = call("check", root, "--format", "json", "--output-file", root / "out.json")
    assert (result.status, result.out) == (1, "")
    assert findings((root / "out.json").read_text()) == [("a.py", 1, "TXN201")]
    refused = call("check", root, "--output-file", root / "no" / "such" / "folder.txt")
    assert refused.status == 2
    assert "cannot write" in refused.err


def test_colour_comes_only_when_asked_for(tree, engine, call):
    root = tree({**POLICY, "a.py": "commit\n"})
    assert "\x1b[" not in call("check", root).out
    assert "\x1b[31m" in call("check", root, "--color", "always").out


def test_statistics_count_rules_and_unknowns(tree, engine, call):
    root = tree({**POLICY, "a.py": "commit\ncommit\n"})
    assert "       2  TXN201 explicit-commit\n" in call("check", root, "--statistics").out
    as_json = call("check", root, "--statistics", "--format", "json")
    assert "unknown receivers: 3" in as_json.err
    json.loads(as_json.out)


def test_a_failure_of_the_tool_is_a_message_and_never_a_traceback(tree, engine, call, monkeypatch):
    def fail(*_arguments, **_options):
        raise ValueError("boom")

    monkeypatch.setattr("sessionlint.run.discover", fail)
    result = call("check", tree(POLICY))
    assert result.status == 2
    assert result.err.startswith("Error: sessionlint failed: ValueError: boom\n")
    assert "Traceback" not in result.err


def test_debug_shows_the_traceback(tree, engine, monkeypatch):
    from sessionlint import cli

    def fail(*_arguments, **_options):
        raise ValueError("boom")

    monkeypatch.setattr("sessionlint.run.discover", fail)
    with pytest.raises(ValueError, match="boom"):
        cli.main(["check", str(tree(POLICY)), "--debug"])
