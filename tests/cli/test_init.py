"""``sessionlint init`` writes a policy and touches nothing else."""

import stat
import tomllib
from pathlib import Path

import pytest

from sessionlint.errors import UsageError
from sessionlint.policy import Policy, load_policy, policy_from_mapping
from sessionlint.policy_text import insert, remove, render

PYPROJECT = '# mine\n[project]\nname = "x"  # kept\n\n[tool.ruff]\nline-length = 90\n'


def test_the_policy_goes_into_pyproject_after_everything_else(tree, engine, call):
    root = tree({"pyproject.toml": PYPROJECT, "db.py": ""})
    result = call("init", root)
    assert result.status == 0
    assert result.out == f"Wrote {root / 'pyproject.toml'}. Read it through, then run 'sessionlint check'.\n"
    text = (root / "pyproject.toml").read_text()
    assert text.startswith(PYPROJECT + "\n# Inferred: db.py makes the engine.\n[tool.sessionlint]\n")
    policy = load_policy(root)
    assert policy is not None
    assert policy.session_modules == ("db.py",)


def test_a_byte_order_mark_stays_where_it_is(tree, engine, call):
    root = tree({"db.py": ""})
    (root / "pyproject.toml").write_bytes(b"\xef\xbb\xbf" + PYPROJECT.encode())
    assert call("init", root).status == 0
    written = (root / "pyproject.toml").read_bytes()
    assert written.startswith(b"\xef\xbb\xbf# mine\n")
    assert written.count(b"\xef\xbb\xbf") == 1
    policy = load_policy(root)
    assert policy is not None
    assert policy.session_modules == ("db.py",)


def test_without_pyproject_it_goes_into_its_own_file(tree, engine, call):
    root = tree({"db.py": ""})
    assert call("init", root).status == 0
    policy = load_policy(root)
    assert policy is not None
    assert (policy.source, policy.session_modules) == ("sessionlint.toml", ("db.py",))


@pytest.mark.parametrize("name", ["pyproject.toml", "sessionlint.toml"])
def test_an_existing_policy_is_replaced_only_by_force(tree, engine, call, name):
    own = {"pyproject.toml": PYPROJECT + '[tool.sessionlint]\ntls = "off"\n', "sessionlint.toml": 'tls = "off"\n'}
    root = tree({name: own[name]})
    refused = call("init", root)
    assert refused.status == 2
    assert "--force replaces it." in refused.err
    assert (root / name).read_text() == own[name]
    assert call("init", root, "--force").status == 0
    policy = load_policy(root)
    assert policy is not None
    assert (policy.tls, policy.session_modules) == ("verified", ("db.py",))


def test_stdout_writes_no_file(tree, engine, call):
    root = tree({"pyproject.toml": PYPROJECT})
    result = call("init", root, "--stdout")
    assert tomllib.loads(result.out)["tool"]["sessionlint"]["session-modules"] == ["db.py"]
    assert (root / "pyproject.toml").read_text() == PYPROJECT


def test_stdout_has_the_form_of_the_file_that_would_be_written(tree, engine, call):
    root = tree({"pyproject.toml": PYPROJECT, "broken/pyproject.toml": "[project\n", "own/sessionlint.toml": ""})
    printed = call("init", root, "--stdout").out
    assert call("init", root).status == 0
    assert (root / "pyproject.toml").read_text() == f"{PYPROJECT}\n{printed}"
    assert call("init", root, "--stdout").out == printed
    for folder in ("broken", "own"):
        assert tomllib.loads(call("init", root / folder, "--stdout").out)["session-modules"] == ["db.py"]


def test_a_pyproject_that_is_no_toml_is_left_alone(tree, engine, call):
    root = tree({"pyproject.toml": "[project\n"})
    result = call("init", root)
    assert result.status == 2
    assert "cannot be read" in result.err
    assert (root / "pyproject.toml").read_text() == "[project\n"


def test_permissions_links_and_line_ends_are_kept(tree, engine, call):
    root = tree({"real/pyproject.toml": PYPROJECT.replace("\n", "\r\n"), "app/db.py": ""})
    target = root / "real" / "pyproject.toml"
    target.chmod(0o640)
    (root / "app" / "pyproject.toml").symlink_to(target)
    assert call("init", root / "app").status == 0
    assert (root / "app" / "pyproject.toml").is_symlink()
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    data = target.read_bytes()
    assert data.count(b"\n") == data.count(b"\r\n") > 20


def test_everything_a_policy_says_survives_being_written(tmp_path):
    stated = {
        "preset": "scrapersky",
        "src": ["backend"],
        "exclude": ["Docs/**"],
        "session-modules": ["backend/db.py"],
        "session-dependencies": ["db.get_db"],
        "session-contexts": ["db.session"],
        "session-types": ["db.MySession"],
        "network-calls": ["lib.call"],
        "tenant-names": ["org_id"],
        "tenant-policy": "off",
        "tls": "off",
        "allow-unprotected": ["/health"],
        "select": ["TXN1"],
        "ignore": ["TXN108"],
        "layers": {"router": ["backend/api/**"], "test": ["checks/**"]},
        "severity": {"TXN1": "warning"},
        "per-file-ignores": {"a b.py": ["TXN101"]},
    }
    policy = policy_from_mapping(stated, tmp_path, "sessionlint.toml")
    for table in ("", "tool.sessionlint"):
        document = tomllib.loads(render(policy, ["found"], table=table))
        again = document["tool"]["sessionlint"] if table else document
        assert again == stated


def test_a_policy_without_anything_is_written_as_a_template(tmp_path):
    text = render(Policy(root=tmp_path))
    read = policy_from_mapping(tomllib.loads(text), tmp_path, "sessionlint.toml")
    assert (read.preset, read.session_modules, read.tls) == ("unit-of-work", (), "verified")
    uncommented = "\n".join(line.removeprefix("# ") if " = " in line else line for line in text.splitlines())
    assert policy_from_mapping(tomllib.loads(uncommented), tmp_path, "sessionlint.toml").select == ("TXN",)


def test_the_layers_of_the_template_are_folders_as_people_name_them(tmp_path):
    lines = render(Policy(root=tmp_path)).partition("[layers]\n")[2].splitlines()
    assert [line.partition("  # ")[0] for line in lines] == [
        '# router = ["app/routers/**"]',
        '# service = ["app/services/**"]',
        '# background = ["app/tasks/**"]',
        '# auth = ["app/auth/**"]',
        '# model = ["app/models/**"]',
        '# migration = ["migrations/", "alembic/"]',
        '# test = ["tests/", "test/", "test_*.py", "*_test.py", "conftest.py"]',
    ]


def test_a_table_is_removed_with_its_sub_tables_and_nothing_else():
    text = (
        "[a]\nx = 1\n\n# about the policy\n[tool.sessionlint]\ntls = 'off'\n[tool.sessionlint.layers]\nr = []\n"
        "# about b\n[b]\ny = 2\n[tool.sessionlinter]\nz = 3\n"
    )
    kept = remove(text)
    assert tomllib.loads(kept) == {"a": {"x": 1}, "b": {"y": 2}, "tool": {"sessionlinter": {"z": 3}}}


def test_a_file_the_table_does_not_fit_into_is_refused():
    with pytest.raises(UsageError, match=r"cannot be added to pyproject\.toml"):
        insert("tool = {ruff = {}}\n", render(Policy(root=Path()), table="tool.sessionlint"))
