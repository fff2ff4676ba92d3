"""``rules`` and ``explain`` read the rule files."""

import json


def test_a_rule_is_explained_by_code_or_name(engine, call):
    by_code, by_name = call("explain", "txn201"), call("explain", "explicit-commit")
    assert by_code.status == 0
    assert by_code.out == by_name.out
    assert by_code.out.startswith("TXN201 explicit-commit (error)\n\ncommit is used.\n")


def test_an_unknown_rule_is_a_usage_error_with_the_nearest_one(engine, call):
    result = call("explain", "explicit-comit")
    assert result.status == 2
    assert "'explicit-comit' is no rule. Did you mean TXN201 (explicit-commit)?" in result.err


def test_a_reserved_code_says_so(engine, call):
    result = call("explain", "TXN902")
    assert result.status == 2
    assert "TXN902 (suppression-without-reason) is reserved" in result.err


def test_rules_are_listed_in_every_format(engine, call):
    assert "TXN101  session-created-directly  Session is used." in call("rules").out
    assert [row["code"] for row in json.loads(call("rules", "--format", "json").out)] == ["TXN101", "TXN201"]
    assert "| TXN201 | explicit-commit |" in call("rules", "--format", "markdown").out


def test_the_version_and_the_help_exit_0(call):
    assert call("--version").status == 0
    assert call("check", "--help").status == 0
    assert call("chekc").status == 2
