"""Where a policy is looked for, and what is said of files that cannot be read."""

import pytest

from sessionlint.errors import PolicyError
from sessionlint.policy import load_policy, locate, read_policy
from sessionlint.policy_file import key_lines

PYPROJECT = '[project]\nname = "x"\n\n[tool.sessionlint]\ntls = "off"\n'


def test_a_policy_in_pyproject_is_found_from_a_folder_and_a_file_below(tree):
    root = tree({"pyproject.toml": PYPROJECT, "app/db/session.py": ""})
    for start in (root, root / "app" / "db", root / "app" / "db" / "session.py"):
        policy = load_policy(start)
        assert policy is not None
        assert (policy.root, policy.source, policy.tls) == (root, "pyproject.toml", "off")


def test_sessionlint_toml_wins_over_pyproject(tree):
    root = tree({"pyproject.toml": PYPROJECT, "sessionlint.toml": 'tls = "required"\n'})
    policy = load_policy(root)
    assert policy is not None
    assert (policy.source, policy.tls) == ("sessionlint.toml", "required")


def test_the_nearest_policy_counts_and_a_pyproject_without_one_is_passed_over(tree):
    root = tree(
        {"pyproject.toml": PYPROJECT, "a/pyproject.toml": '[project]\nname = "a"\n', "a/b/sessionlint.toml": ""}
    )
    outer, inner = load_policy(root / "a"), load_policy(root / "a" / "b")
    assert outer is not None
    assert inner is not None
    assert (outer.root, inner.root) == (root, root / "a" / "b")


def test_root_true_alone_ends_the_search_without_a_policy(tree):
    root = tree({"pyproject.toml": PYPROJECT, "a/sessionlint.toml": "root = true\n", "a/b/x.py": ""})
    place = locate(root / "a" / "b")
    assert (place.root, place.policy) == (root / "a", None)


def test_without_a_policy_the_root_is_the_nearest_folder_that_looks_like_a_project(tree):
    root = tree({"a/pyproject.toml": '[project]\nname = "a"\n', "a/b/c/x.py": ""})
    place = locate(root / "a" / "b" / "c")
    assert (place.root, place.policy) == (root / "a", None)


def test_the_home_folder_is_no_project_for_what_lies_below_it(tree, monkeypatch):
    home = tree({"pyproject.toml": '[project]\nname = "stray"\n', "work/app/x.py": ""})
    monkeypatch.setenv("HOME", str(home))
    assert locate(home / "work" / "app").root == home / "work" / "app"
    assert locate(home).root == home


def test_a_policy_in_the_home_folder_counts_for_what_lies_below_it(tree, monkeypatch):
    home = tree({"pyproject.toml": PYPROJECT, "work/app/x.py": ""})
    monkeypatch.setenv("HOME", str(home))
    assert locate(home / "work" / "app").root == home


def test_the_folder_of_temporary_files_is_no_project_for_what_lies_below_it(tree, monkeypatch):
    shared = tree({"pyproject.toml": '[project]\nname = "stray"\n', "work/app/x.py": "", "work/.git/HEAD": ""})
    monkeypatch.setattr("tempfile.tempdir", str(shared))
    assert locate(shared / "work" / "app").root == shared / "work"
    assert locate(shared).root == shared


def test_bad_toml_is_reported_with_its_line(tree):
    root = tree({"sessionlint.toml": 'tls = "off"\nselect = [\n"TXN"\nx = 1\n'})
    with pytest.raises(PolicyError) as caught:
        load_policy(root)
    assert caught.value.source == str(root / "sessionlint.toml")
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith("is not valid TOML: Unclosed array (at line 4,")


def test_a_file_that_is_not_utf8_is_reported_with_its_line(tree):
    root = tree({})
    (root / "sessionlint.toml").write_bytes(b'tls = "off"\nsrc = ["\xff"]\n')
    with pytest.raises(PolicyError) as caught:
        load_policy(root)
    assert caught.value.problems == ["line 2: is not UTF-8; save the file as UTF-8."]


def test_a_byte_order_mark_and_windows_line_ends_are_read(tree):
    root = tree({"sessionlint.toml": '\ufefftls = "off"\r\n'})
    policy = load_policy(root)
    assert policy is not None
    assert policy.tls == "off"


def test_mistakes_carry_the_line_of_their_key(tree):
    root = tree(
        {"pyproject.toml": PYPROJECT + 'zebra = 1\n\n[tool.sessionlint.layers]\n"rooter" = ["a"]\nrouter = 1\n'}
    )
    with pytest.raises(PolicyError) as caught:
        load_policy(root)
    assert [problem.partition(":")[0] for problem in caught.value.problems] == ["line 6", "line 9", "line 10"]


def test_the_table_of_pyproject_inside_sessionlint_toml_is_refused(tree):
    root = tree({"sessionlint.toml": '[tool.sessionlint]\ntls = "off"\n'})
    with pytest.raises(PolicyError) as caught:
        load_policy(root)
    assert caught.value.problems == [
        "[tool.sessionlint] belongs to pyproject.toml; in sessionlint.toml write its keys at the top level."
    ]


def test_a_named_policy_file_must_exist_and_hold_a_policy(tree):
    root = tree({"pyproject.toml": '[project]\nname = "x"\n', "ci/policy.toml": 'tls = "off"\n'})
    with pytest.raises(PolicyError, match="there is no such file"):
        read_policy(root / "none.toml")
    with pytest.raises(PolicyError, match=r"holds no \[tool.sessionlint\] table"):
        read_policy(root / "pyproject.toml")
    policy = read_policy(root / "ci" / "policy.toml")
    assert (policy.root, policy.source, policy.tls) == (root / "ci", "policy.toml", "off")


def test_key_lines_name_keys_and_tables_by_their_line():
    text = 'a = 1\n[tool.sessionlint]\nb = 2\n[tool.sessionlint.layers]\n"router" = []\n[tool.other]\nc = 3\n'
    assert key_lines(text, "tool.sessionlint") == {"b": 3, "layers": 4, "layers.router": 5}
    assert key_lines("b = 2\n[layers]\nrouter = []\n", "") == {"b": 1, "layers": 2, "layers.router": 3}


def test_key_lines_name_dotted_keys():
    assert key_lines('severity.TXN201 = "info"\nlayers.router = []\n', "") == {"severity.TXN201": 1, "layers.router": 2}


def test_a_mistake_in_a_table_is_told_at_its_own_line(tree):
    layers = '[layers]\nrouter = []\n"servise" = []\n'
    text = layers + '[severity]\nTXN201 = "info"\n\nTXN999 = "info"\n[per-file-ignores]\n"a[" = []\n'
    with pytest.raises(PolicyError) as caught:
        load_policy(tree({"sessionlint.toml": text}))
    assert [problem.partition(" (")[0].partition(" is")[0] for problem in caught.value.problems] == [
        'line 3: layers: "servise"',
        'line 7: severity: "TXN999"',
        'line 9: per-file-ignores: "a[" holds a "[" that',
    ]


def test_a_mistake_in_an_inline_table_is_told_at_the_line_of_the_table(tree):
    with pytest.raises(PolicyError) as caught:
        load_policy(tree({"sessionlint.toml": '\nseverity = { TXN201 = "warn" }\n'}))
    assert caught.value.problems[0].startswith("line 2: severity.TXN201: ")


def test_a_policy_that_was_saved_as_utf_16_is_not_passed_over(tree):
    root = tree({"a.py": ""})
    (root / "pyproject.toml").write_bytes('[tool.sessionlint]\ntls = "off"\n'.encode("utf-16"))
    with pytest.raises(PolicyError) as caught:
        load_policy(root)
    assert caught.value.problems == ["line 1: is not UTF-8; save the file as UTF-8."]
