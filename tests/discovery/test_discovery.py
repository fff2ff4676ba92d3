"""Which files a run reads."""

import os
from pathlib import Path

import pytest

from sessionlint.discovery import DEFAULT_EXCLUDES, discover
from sessionlint.policy import Policy, policy_from_mapping
from sessionlint.report import CheckError


def found(root: Path, *named: str, **keys: object) -> tuple[str, ...]:
    policy = policy_from_mapping(dict(keys), root, "sessionlint.toml")
    result = discover(root, policy, named)
    assert result.errors == ()
    assert len(result.stamps) == len(result.files)
    return result.files


def test_python_files_are_found_sorted_and_nothing_else(tree):
    root = tree({"b.py": "", "a/z.py": "", "a/a.py": "", "a/types.pyi": "", "a/x.txt": "", "a.py/inner.py": ""})
    assert found(root) == ("a.py/inner.py", "a/a.py", "a/z.py", "b.py")


def test_an_empty_folder_has_no_files(tmp_path):
    assert found(tmp_path) == ()


@pytest.mark.parametrize("folder", sorted(DEFAULT_EXCLUDES))
def test_tool_folders_are_never_read(tree, folder):
    assert found(tree({f"deep/{folder}/x.py": "", "deep/ok.py": ""})) == ("deep/ok.py",)


def test_policy_excludes_are_left_out(tree):
    root = tree({"Docs/a.py": "", "app/a.py": "", "app/gen/b.py": ""})
    assert found(root, exclude=["Docs/**", "gen"]) == ("app/a.py",)


def test_import_roots_leave_nothing_out(tree):
    root = tree({"src/app/a.py": "", "scripts/load.py": "", "tests/test_a.py": "", "setup.py": ""})
    assert found(root, src=["src"]) == ("scripts/load.py", "setup.py", "src/app/a.py", "tests/test_a.py")


def test_nested_ignore_files_hold_for_their_own_folder(tree):
    root = tree(
        {
            ".gitignore": "generated/\n*.tmp.py\n!keep.tmp.py\n",
            "generated/a.py": "",
            "x.tmp.py": "",
            "keep.tmp.py": "",
            "app/.gitignore": "/local.py\n!x.tmp.py\n",
            "app/local.py": "",
            "app/x.tmp.py": "",
            "app/deep/local.py": "",
            "app/deep/generated/b.py": "",
        }
    )
    assert found(root) == ("app/deep/local.py", "app/x.tmp.py", "keep.tmp.py")


def test_ignore_files_above_the_root_count_up_to_the_repository(tree):
    root = tree(
        {".git/HEAD": "", ".gitignore": "out/\n/back/old/\n", "back/out/a.py": "", "back/old/b.py": "", "back/c.py": ""}
    )
    assert found(root / "back") == ("c.py",)


def test_ignore_files_above_a_folder_that_is_in_no_repository_do_not_count(tree):
    root = tree({".gitignore": "c.py\n", "back/c.py": ""})
    assert found(root / "back") == ("c.py",)


def test_a_named_file_is_read_even_when_excluded(tree):
    root = tree({".gitignore": "local.py\n", "local.py": "", "Docs/a.py": "", "b.py": ""})
    assert found(root, "local.py", "Docs/a.py", exclude=["Docs/"]) == ("Docs/a.py", "b.py", "local.py")


def test_names_with_blanks_and_other_alphabets_are_kept(tree):
    root = tree({"mit leer/größe 数.py": "", "emoji 🐍.py": ""})
    assert found(root) == ("emoji 🐍.py", "mit leer/größe 数.py")


def test_a_loop_of_links_ends_and_every_file_is_read_once_under_its_real_name(tree):
    root = tree({"pkg/a.py": "", "pkg/sub/b.py": ""})
    (root / "pkg" / "sub" / "loop").symlink_to(root / "pkg", target_is_directory=True)
    (root / "aaa").symlink_to(root / "pkg", target_is_directory=True)
    (root / "aaa.py").symlink_to(root / "pkg" / "a.py")
    assert found(root) == ("pkg/a.py", "pkg/sub/b.py")


def test_links_to_the_outside_are_followed(tree, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    (outside / "lib.py").write_text("")
    root = tree({"a.py": ""})
    (root / "linked").symlink_to(outside, target_is_directory=True)
    (root / "one.py").symlink_to(outside / "lib.py")
    assert found(root) == ("a.py", "linked/lib.py")


def test_a_link_that_leads_nowhere_is_an_error_and_the_rest_is_read(tree):
    root = tree({"a.py": ""})
    (root / "gone.py").symlink_to(root / "nothing.py")
    result = discover(root, Policy(root=root))
    assert result.files == ("a.py",)
    assert result.errors == (CheckError("gone.py", 1, "the symbolic link leads nowhere; remove it or exclude it."),)


def test_a_folder_that_cannot_be_read_is_an_error_and_the_rest_is_read(tree, monkeypatch):
    root = tree({"a.py": "", "secret/b.py": ""})
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    result = discover(root, Policy(root=root))
    assert result.files == ("a.py",)
    assert result.errors == (CheckError("secret", 1, "cannot be read: Permission denied; grant access or exclude it."),)


def test_a_root_that_does_not_exist_is_an_error(tmp_path):
    result = discover(tmp_path / "none", Policy())
    assert result.files == ()
    assert [error.path for error in result.errors] == ["."]


@pytest.mark.skipif(os.name == "nt" or os.uname().sysname == "Darwin", reason="the file system refuses such names")
def test_a_file_name_that_is_no_text_is_an_error(tree):
    root = tree({"a.py": ""})
    Path(os.fsdecode(os.fsencode(root) + b"/bad\xff.py")).write_text("")
    result = discover(root, Policy(root=root))
    assert result.files == ("a.py",)
    assert result.errors == (CheckError("bad?.py", 1, "the file name is not valid UTF-8; rename the file."),)


def test_a_changed_file_has_another_stamp(tree):
    root = tree({"a.py": "x = 1\n"})
    before = discover(root, Policy(root=root)).stamps
    (root / "a.py").write_text("x = 22\n")
    assert discover(root, Policy(root=root)).stamps != before


def test_policies_in_folders_below_are_noted_the_first_three_by_name(tree):
    files = {f"{name}/sessionlint.toml": "" for name in "abcde"}
    more = {
        "venv/sessionlint.toml": "",
        "sessionlint.toml": "",
        "f/pyproject.toml": '[project]\nname = "sessionlint"\n',
    }
    root = tree({**files, **more})
    (note,) = discover(root, Policy(root=root)).notes
    assert note.startswith(
        "a/sessionlint.toml, b/sessionlint.toml, c/sessionlint.toml and 2 more hold policies that do"
    )


def test_a_policy_below_that_cannot_be_read_is_noted_too(tree):
    root = tree({"a/pyproject.toml": "[tool.sessionlint\n"})
    (note,) = discover(root, Policy(root=root)).notes
    assert note.startswith("a/pyproject.toml holds a policy that does not count here")
