"""An example project as syntax trees that remember where each node stood, and its text once it is disguised."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count

from sessionlint.rules.markers import without_markers
from tests.disguises.trees import children, walk

#: Path and line in the example as written.
Place = tuple[str, int]
#: A definition that a disguise adds stands for no place of the example.
_OWN_PLACE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


class NotDisguisedError(Exception):
    """A disguise produced a tree whose text does not read back as that tree: a mistake of the disguise."""


@dataclass
class Project:
    """The files of an example; ``sealed`` are those whose code must stay where the policy names it."""

    trees: dict[str, ast.Module]
    others: dict[str, str] = field(default_factory=dict)
    sealed: frozenset[str] = frozenset()
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def fresh(self, word: str) -> str:
        """A name that nothing else in the project has."""
        return f"{word}_{next(self._numbers)}"


@dataclass(frozen=True, slots=True)
class Rendered:
    """The disguised text, and for each file the original place of what stands at a line and column."""

    files: dict[str, str]
    places: dict[str, dict[tuple[int, int], Place | None]]
    lines: dict[str, dict[int, Place]]

    def origin(self, path: str, line: int, column: int) -> Place | None:
        """Where the code at this place (1-based) stood before; ``None`` for code a disguise added."""
        known = self.places.get(path)
        if known is None:
            return (path, line)
        return known[line, column] if (line, column) in known else self.lines[path].get(line)


def read(files: Mapping[str, str], sealed: frozenset[str] = frozenset()) -> Project:
    """Parses the example; comments are gone, and every node knows the line it stood at."""
    project = Project({}, {}, sealed)
    for path, text in files.items():
        if not path.endswith(".py"):
            project.others[path] = text
            continue
        tree = ast.parse(without_markers(text))
        for node in walk(tree):
            if hasattr(node, "lineno"):
                node.origin = (path, node.lineno)  # type: ignore[attr-defined]
        project.trees[path] = tree
    return project


def render(project: Project) -> Rendered:
    """The text of a project. Raises :class:`NotDisguisedError`."""
    files = dict(project.others)
    places: dict[str, dict[tuple[int, int], Place | None]] = {}
    lines: dict[str, dict[int, Place]] = {}
    for path, tree in project.trees.items():
        for statement in walk(tree):
            if isinstance(statement, ast.stmt) and not hasattr(statement, "lineno"):
                statement.lineno = 1  # ``unparse`` looks for a type comment there
        text = ast.unparse(tree) + "\n"
        files[path] = text
        places[path], lines[path] = _places(tree, ast.parse(text), path)
    return Rendered(files, places, lines)


def _places(tree: ast.AST, again: ast.AST, path: str) -> tuple[dict[tuple[int, int], Place | None], dict[int, Place]]:
    places: dict[tuple[int, int], Place | None] = {}
    lines: dict[int, Place] = {}
    pending: list[tuple[ast.AST, ast.AST, Place | None]] = [(tree, again, None)]
    while pending:
        node, twin, outer = pending.pop()
        if type(node) is not type(twin):
            raise NotDisguisedError(f"{path}: {ast.dump(node)[:200]} reads back as {ast.dump(twin)[:200]}")
        own: Place | None = getattr(node, "origin", None if isinstance(node, _OWN_PLACE) else outer)
        if isinstance(twin, (ast.stmt, ast.expr, ast.arg, ast.keyword, ast.alias, ast.excepthandler, ast.pattern)):
            places.setdefault((twin.lineno, twin.col_offset + 1), own)
            if own is not None:
                lines.setdefault(twin.lineno, own)
        inside, twins = children(node), children(twin)
        if len(inside) != len(twins):
            raise NotDisguisedError(f"{path}: {ast.dump(node)[:200]} reads back as {ast.dump(twin)[:200]}")
        pending.extend((c, t, own) for c, t in zip(reversed(inside), reversed(twins), strict=True))
    return places, lines
