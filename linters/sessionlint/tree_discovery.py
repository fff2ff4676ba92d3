"""Which files of a git tree belong to the program: the same ones as in a work tree that holds this revision."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from sessionlint.discovery import DEFAULT_EXCLUDES, POLICY_FILES
from sessionlint.git_store import LINK, SUBMODULE, Entry, Repository, Tree
from sessionlint.globs import IgnoreFile
from sessionlint.policy_file import holds_policy
from sessionlint.policy_model import Policy

_IGNORE_FILE = ".gitignore"
_Ignores = tuple[tuple[str, IgnoreFile], ...]


@dataclass(frozen=True, slots=True)
class TreeFiles:
    """Python files by path, and what a revision cannot show: links (to files read elsewhere) and submodules.

    ``policies`` are the policy files below the root, by which nothing is judged.
    """

    files: dict[str, Entry]
    links: tuple[str, ...]
    submodules: tuple[str, ...]
    policies: tuple[str, ...] = ()


def discover_tree(repository: Repository, tree: Tree, policy: Policy) -> TreeFiles:
    """The Python files of ``tree`` that no ignore file, default or policy entry excludes."""
    folders: dict[str, dict[str, Entry | None]] = defaultdict(dict)
    for path, entry in tree.files.items():
        folder, slash, name = path.rpartition("/")
        folders[folder + slash][name] = entry
        while folder:
            folder, slash, name = folder.rpartition("/")
            folders[folder + slash].setdefault(name, None)
    walk = _Walk(repository, policy, folders)
    above = tuple((f">{down}", walk.ignore_file(oid)) for down, oid in tree.above)
    walk.visit("", above)
    rest = (tuple(sorted(found)) for found in (walk.links, walk.submodules, walk.policies))
    return TreeFiles(dict(sorted(walk.files.items())), *rest)


class _Walk:
    """One pass down the folders; a folder maps names to entries, None for a folder in it."""

    def __init__(self, repository: Repository, policy: Policy, folders: dict[str, dict[str, Entry | None]]) -> None:
        self.files: dict[str, Entry] = {}
        self.links: list[str] = []
        self.submodules: list[str] = []
        self.policies: list[str] = []
        self._repository = repository
        self._policy = policy
        self._folders = folders

    def visit(self, prefix: str, ignores: _Ignores) -> None:
        listing = self._folders.get(prefix, {})
        own = listing.get(_IGNORE_FILE)
        if own is not None and own.is_file:
            ignores = (*ignores, (prefix, self.ignore_file(own.oid)))
        for name, entry in listing.items():
            path = prefix + name
            if entry is None or entry.mode == SUBMODULE:
                wanted = name not in DEFAULT_EXCLUDES
                if not wanted or self._excluded(name, path, True, ignores):
                    continue
                if entry is None:
                    self.visit(path + "/", ignores)
                else:
                    self.submodules.append(path)
            elif entry.mode == LINK:
                self.links.append(path)
            elif prefix and name in POLICY_FILES:
                if holds_policy(self._repository.blob(entry.oid), Path(path)):
                    self.policies.append(path)
            elif name.endswith(".py") and not self._excluded(name, path, False, ignores):
                self.files[path] = entry

    def ignore_file(self, oid: str) -> IgnoreFile:
        return IgnoreFile(self._repository.blob(oid).decode("utf-8-sig", errors="replace").splitlines())

    def _excluded(self, name: str, path: str, is_folder: bool, ignores: _Ignores) -> bool:
        if self._policy.is_excluded(path):
            return True
        for base, rules in reversed(ignores):
            below = base[1:] + path if base.startswith(">") else path[len(base) :]
            verdict = rules.verdict(name, below, is_folder)
            if verdict is not None:
                return verdict
        return False
