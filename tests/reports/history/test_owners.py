"""CODEOWNERS says who owns a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from sessionlint.errors import SessionlintError
from sessionlint_reports.history.owners import owners_under
from tests.conftest import Tree


def test_the_last_matching_line_decides(tree: Tree) -> None:
    root = tree({".github/CODEOWNERS": "* @everyone\n/app/ @team/app\n*.py ada@example.org grace@example.org\n/x/ \n"})
    owners = owners_under(root)
    assert owners("app/a.py") == ("ada@example.org", "grace@example.org")
    assert owners("app/a.txt") == ("@team/app",)
    assert owners("b.txt") == ("@everyone",)
    assert owners("x/b.txt") == ()


def test_a_project_in_a_sub_folder_has_the_owners_of_its_repository(tree: Tree) -> None:
    root = tree({"CODEOWNERS": "/shop/app/ @shop\n", ".git/HEAD": "", "shop/app/a.py": ""})
    assert owners_under(root / "shop")("app/a.py") == ("@shop",)


def test_a_file_above_the_repository_does_not_count(tree: Tree) -> None:
    root = tree({"CODEOWNERS": "* @outside\n", "shop/.git/HEAD": "", "shop/a.py": ""})
    assert owners_under(root / "shop")("a.py") == ()


def test_a_pattern_that_cannot_be_read_is_an_error_that_names_the_file(tree: Tree) -> None:
    root: Path = tree({"CODEOWNERS": "/app/[ab @team\n"})
    with pytest.raises(SessionlintError, match="CODEOWNERS is not a CODEOWNERS file: unterminated"):
        owners_under(root)
