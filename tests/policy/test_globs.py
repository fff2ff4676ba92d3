"""Patterns mean what they mean in ``.gitignore``; git itself agrees."""

import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessionlint.globs import IgnoreFile, PathMatcher


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("app", "app/a.py", True),
        ("app", "deep/app/a.py", True),
        ("/app", "deep/app/a.py", False),
        ("app/", "app/a.py", True),
        ("app/*.py", "app/a.py", True),
        ("app/*.py", "app/b/a.py", False),
        ("app/**", "app/b/a.py", True),
        ("app/**", "app", False),
        ("app/**/a.py", "app/a.py", True),
        ("app/**/a.py", "app/b/c/a.py", True),
        ("**/views.py", "views.py", True),
        ("**/views.py", "a/b/views.py", True),
        ("**/views.py", "a/myviews.py", False),
        ("app/?.py", "app/a.py", True),
        ("app/?.py", "app/ab.py", False),
        ("app/[ab].py", "app/b.py", True),
        ("app/[!ab].py", "app/b.py", False),
        ("app/[!ab].py", "app/c.py", True),
        ("app/[ab.py", "app/[ab.py", False),
        ("app/[z-a].py", "app/b.py", False),
        (r"app/\*.py", "app/*.py", True),
        (r"app/\*.py", "app/a.py", False),
        ("büro/**", "büro/ä b.py", True),
    ],
)
def test_a_pattern_matches_paths_and_what_lies_beneath(pattern, path, matches):
    assert PathMatcher((pattern,)).matches(path) is matches


def test_no_pattern_matches_nothing():
    assert not PathMatcher(()).matches("a.py")
    assert not PathMatcher(("/",)).matches("a.py")


def ignored(lines: list[str], path: str) -> bool:
    """Whether the way down to ``path`` meets an ignored folder, or the file itself is ignored."""
    rules = IgnoreFile(lines)
    segments = path.split("/")
    for depth in range(1, len(segments) + 1):
        part = "/".join(segments[:depth])
        if rules.verdict(segments[depth - 1], part, depth < len(segments)):
            return True
    return False


@pytest.mark.parametrize(
    ("lines", "path", "expected"),
    [
        (["*.py", "!keep.py"], "a/keep.py", False),
        (["!keep.py", "*.py"], "a/keep.py", True),
        (["keep.py", "!keep.py"], "keep.py", False),
        (["a/", "!a/keep.py"], "a/keep.py", True),
        (["build/"], "build", False),
        (["# comment", "", r"\#odd.py"], "#odd.py", True),
        ([r"\!odd.py"], "!odd.py", True),
        (["a.py   "], "a.py", True),
        (["a.py\\ "], "a.py ", True),
        (["a.py\r\n"], "a.py", True),
        (["doc/*.py"], "x/doc/a.py", False),
    ],
)
def test_an_ignore_file_decides_on_the_way_down(lines, path, expected):
    assert ignored(lines, path) is expected


_SEGMENT = st.sampled_from(["a", "b", "ab", "*", "a*", "?", "**", "[ab]", "*.py", "b.py", "[!a]"])
_PATTERN = st.builds(
    lambda negated, anchored, segments, folder: negated + anchored + "/".join(segments) + folder,
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/"]),
    st.lists(_SEGMENT, min_size=1, max_size=3),
    st.sampled_from(["", "", "/"]),
)
_PATH = st.lists(st.sampled_from(["a", "b", "ab", "c", "b.py", "a.py"]), min_size=1, max_size=4).map("/".join)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    return folder


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the reference")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(lines=st.lists(_PATTERN, max_size=4), paths=st.lists(_PATH, min_size=1, max_size=20, unique=True))
def test_ignore_files_agree_with_git(repository, lines, paths):
    (repository / ".gitignore").write_text("".join(f"{line}\n" for line in lines))
    answer = subprocess.run(
        ["git", "-C", repository, "check-ignore", "--no-index", "--stdin", "-z"],
        input="\0".join(paths),
        capture_output=True,
        text=True,
        check=False,
    )
    assert {path for path in paths if ignored(lines, path)} == set(answer.stdout.split("\0")[:-1])
