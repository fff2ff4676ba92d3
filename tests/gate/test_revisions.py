"""Checking what git holds, without a checkout: equal to checking the files on disk."""

from __future__ import annotations

import datetime

import pytest

from sessionlint.facts.reading import Outcome, Reader
from sessionlint.policy import load_policy
from sessionlint.revision_facts import RevisionFacts
from sessionlint.revisions import Repository, check_revision, check_tree, known_in, policy_of
from sessionlint.run import run
from tests.gate.support import COMMIT, FILES, Repo

LEDGER = "app/services/ledger.py"


def lines(report) -> list[tuple[str, int, str]]:
    return [(finding.path, finding.span.line, finding.code) for finding in report.findings]


def test_a_revision_gives_the_report_that_its_checkout_gives(repo):
    on_disk = run(repo.root, load_policy(repo.root), use_cache=False)
    assert check_revision(repo.root, "HEAD", use_cache=False).findings == on_disk.findings
    assert check_revision(repo.root, "HEAD", use_cache=False).files == on_disk.files


def test_the_work_tree_has_no_say_and_stays_as_it_is(repo):
    before = check_revision(repo.root, "HEAD")
    repo.write({LEDGER: "def (\n", "new.py": "x = 1\n", "pyproject.toml": "[tool.sessionlint]\nbad = 1\n"})
    status = repo.git("status", "--porcelain")
    assert check_revision(repo.root, "HEAD", use_cache=False) == before
    assert repo.git("status", "--porcelain") == status


def test_the_index_is_checked_as_it_is_staged(repo):
    repo.edit(LEDGER, COMMIT, COMMIT * 2)
    repo.git("add", LEDGER)
    repo.edit(LEDGER, COMMIT, "")
    with Repository(repo.root) as repository:
        tree = repository.index()
        report = check_tree(repository, tree, policy_of(repository, tree))
    assert [line for path, line, _ in lines(report)] == [6, 7, 8, 12]


def test_of_a_changed_index_only_the_changed_file_is_read(repo, monkeypatch):
    read: list[str] = []
    fresh = Reader._fresh

    def counted(self: Reader, path: str, key: bytes, data: bytes, wanted: bool) -> Outcome:
        read.append(path)
        return fresh(self, path, key, data, wanted)

    def check() -> set[str]:
        read.clear()
        with Repository(repo.root) as repository:
            assert len(check_tree(repository, repository.index()).findings) == 3
        return set(read)

    monkeypatch.setattr(Reader, "_fresh", counted)
    assert LEDGER in check()
    assert check() == set()
    repo.edit("app/settings.py", "object()", "dict()")
    repo.git("add", "-A")
    assert check() == {"app/settings.py"}


def test_files_in_conflict_in_the_index_are_errors(repo):
    repo.git("checkout", "-q", "-b", "other")
    repo.edit(LEDGER, COMMIT, COMMIT.replace("session", "sess"))
    repo.commit()
    repo.git("checkout", "-q", "main")
    repo.edit(LEDGER, COMMIT, COMMIT.replace("session", "s"))
    repo.commit()
    repo.git("merge", "-q", "other", status=1)
    with Repository(repo.root) as repository:
        report = check_tree(repository, repository.index())
    assert [(error.path, error.message) for error in report.errors] == [
        (LEDGER, "has a merge conflict; resolve it and stage the file")
    ]


def test_a_bare_repository_and_a_project_in_a_sub_folder_of_it(repo, tmp_path):
    top = Repo(tmp_path / "mono")
    top.root.mkdir()
    top.git("init", "-q", "-b", "main")
    top.write({f"services/shop/{name}": text for name, text in FILES.items()})
    top.write({".gitignore": "services/shop/app/services/ledger.py\n"})
    top.git("add", "-Af")
    top.git("commit", "-qm", "start")
    expected = lines(run(top.root / "services/shop", load_policy(top.root / "services/shop"), use_cache=False))
    assert lines(check_revision(top.root / "services/shop", "main", use_cache=False)) == expected == []
    top.write({".gitignore": ""})
    top.commit()
    top.git("clone", "-q", "--bare", ".", str(tmp_path / "bare.git"))
    with Repository(tmp_path / "bare.git", project="services/shop") as repository:
        report = check_tree(repository, repository.tree("main"))
    assert len(lines(report)) == 3
    assert {path.name for path in (tmp_path / "bare.git").iterdir()} >= {"HEAD", "objects"}
    assert not (tmp_path / "bare.git" / ".sessionlint_cache").exists()


def test_excluded_and_ignored_files_are_left_out_as_on_disk(repo):
    repo.write({".gitignore": "generated/\n!keep.py\n", "app/.gitignore": "local_*.py\n"})
    repo.write(dict.fromkeys(("generated/a.py", "app/local_a.py", "app/keep.py", "venv/b.py", "build/c.py"), "x = 1\n"))
    repo.edit("pyproject.toml", "[tool.sessionlint]", '[tool.sessionlint]\nexclude = ["app/routers/**"]\nsrc = ["app"]')
    repo.git("add", "-Af")
    repo.git("commit", "-qm", "more")
    on_disk = run(repo.root, load_policy(repo.root), use_cache=False)
    assert check_revision(repo.root, "HEAD", use_cache=False).files == on_disk.files
    assert "app/keep.py" in on_disk.files
    assert not {"app/local_a.py", "generated/a.py", "app/routers/items.py"} & set(on_disk.files)


def test_links_pointers_and_submodules_are_no_python(repo, tmp_path):
    module = Repo(tmp_path / "module")
    module.root.mkdir()
    module.git("init", "-q")
    module.write({"m.py": "x = 1\n"})
    module.commit()
    repo.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(module.root), "vendor")
    (repo.root / "app/link.py").symlink_to("session.py")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
    repo.write({"app/big.py": pointer})
    repo.commit()
    report = check_revision(repo.root, "HEAD", use_cache=False)
    assert [(error.path, error.message[:23]) for error in report.errors] == [("app/big.py", "is a Git LFS pointer: i")]
    assert "vendor is a submodule; its files are not in this repository." in report.notes
    assert "app/link.py" not in report.files
    assert len(report.findings) == 3


def test_names_with_blanks_line_ends_and_other_letters_are_read(repo):
    names = ["app/a b.py", "app/ä\N{CJK UNIFIED IDEOGRAPH-4E2D}.py", "app/-x.py", 'app/"q".py']
    repo.write(dict.fromkeys(names, FILES[LEDGER]))
    repo.commit()
    report = check_revision(repo.root, "HEAD", use_cache=False)
    assert {path for path, _, _ in lines(report)} == {*names, LEDGER}


def test_a_tag_a_short_name_and_an_ancestor_name_revisions(repo):
    first = repo.git("rev-parse", "HEAD").strip()
    repo.git("tag", "-a", "v1", "-m", "one")
    repo.edit(LEDGER, COMMIT, "")
    repo.commit()
    for rev in ("v1", first[:8], "HEAD~1"):
        assert len(check_revision(repo.root, rev).findings) == 3
    assert len(check_revision(repo.root, "HEAD").findings) == 2


def test_many_revisions_read_every_version_of_a_file_once(repo, monkeypatch):
    for number in range(5):
        repo.edit("app/settings.py", "settings", f"# {number}\nsettings")
        repo.commit(f"change {number}")
    asked: list[str] = []
    blob = Repository.blob

    def counted(self: Repository, oid: str) -> bytes:
        asked.append(oid)
        return blob(self, oid)

    monkeypatch.setattr(Repository, "blob", counted)
    with Repository(repo.root) as repository:
        facts = RevisionFacts(repository)
        trees = [repository.tree(f"HEAD~{n}") for n in range(5)]

        def check_all() -> set[str]:
            asked.clear()
            for tree in trees:
                assert len(check_tree(repository, tree, facts=facts, use_cache=False).findings) == 3
            return set(asked)

        versions = {tree.files["app/settings.py"].oid for tree in trees}
        assert versions <= check_all()
        assert not versions & check_all()


def test_an_expired_suppression_is_judged_by_the_given_day(repo):
    repo.edit(LEDGER, "rollback()\n", "rollback()  # sessionlint: ignore[TXN202] until=2026-06-30 -- until summer\n")
    repo.commit()
    june, july = datetime.date(2026, 6, 30), datetime.date(2026, 7, 1)
    assert len(check_revision(repo.root, "HEAD", today=june).findings) == 2
    assert [code for _, _, code in lines(check_revision(repo.root, "HEAD", today=july))][-2:] == ["TXN202", "TXN904"]


def test_the_baseline_of_a_revision_absorbs_what_it_knows(repo, call):
    call("baseline", "create")
    repo.commit()
    (repo.root / "sessionlint-baseline.json").unlink()
    with Repository(repo.root) as repository:
        tree = repository.tree("HEAD")
        policy = policy_of(repository, tree)
        report = check_tree(repository, tree, policy, baseline=known_in(repository, tree, policy))
    assert (len(report.findings), len(report.absorbed)) == (0, 3)


@pytest.mark.parametrize("broken", ["objects", "nothing"])
def test_a_repository_that_lost_its_objects_is_an_error_with_the_remedy(repo, broken):
    from sessionlint.revisions import RevisionError

    oid = repo.git("rev-parse", f"HEAD:{LEDGER}").strip()
    if broken == "objects":
        (repo.root / ".git/objects" / oid[:2] / oid[2:]).unlink()
        with pytest.raises(RevisionError, match="is missing; fetch the whole history"):
            check_revision(repo.root, "HEAD", use_cache=False)
    else:
        with pytest.raises(RevisionError, match="install git, or name a folder that exists"):
            check_revision(repo.root / "nowhere", "HEAD")
