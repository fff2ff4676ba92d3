"""Names and imports of a file before and after a change: what is no longer bound, what no longer resolves."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from pyflakes import checker, messages

from sessionlint.facts.source import SourceError, parse
from sessionlint.program.modules import ModuleNames

_UNBOUND = (messages.UndefinedName, messages.UndefinedLocal, messages.UndefinedExport, messages.DuplicateArgument)


@dataclass(frozen=True)
class Names:
    """What one file binds, uses and imports."""

    path: str
    tree: ast.Module

    @cached_property
    def _messages(self) -> list[messages.Message]:
        found: list[messages.Message] = checker.Checker(self.tree, self.path).messages
        return found

    @cached_property
    def unbound(self) -> Counter[str]:
        """Names that are used and bound nowhere, with how often."""
        return Counter(str(m.message_args[0]) for m in self._messages if isinstance(m, _UNBOUND))

    def line_of(self, name: str) -> int:
        """The first line that uses an unbound name."""
        unbound = (message for message in self._messages if isinstance(message, _UNBOUND))
        return min((message.lineno for message in unbound if message.message_args[0] == name), default=1)

    @cached_property
    def unused(self) -> Mapping[str, tuple[int, ...]]:
        """Imports nothing uses, as pyflakes words them (``module``, ``module.name as alias``), and their lines."""
        found: dict[str, tuple[int, ...]] = {}
        for message in self._messages:
            if isinstance(message, messages.UnusedImport):
                words = str(message.message_args[0])
                found[words] = (*found.get(words, ()), message.lineno)
        return found

    @cached_property
    def import_lines(self) -> tuple[int, ...]:
        """The lines of all import statements, in the order of the text."""
        found = [n for n in ast.walk(self.tree) if isinstance(n, ast.Import | ast.ImportFrom)]
        return tuple(place[0] for place in sorted((node.lineno, node.col_offset) for node in found))

    @cached_property
    def bound(self) -> frozenset[str]:
        """The names of the module."""
        return frozenset(_bound(self.tree.body))

    @cached_property
    def is_open(self) -> bool:
        """Whether the module may have names that are not written in it: ``import *``, ``__getattr__``."""
        stars = any(isinstance(n, ast.ImportFrom) and n.names[0].name == "*" for n in ast.walk(self.tree))
        return stars or "__getattr__" in self.bound

    @cached_property
    def imports(self) -> frozenset[tuple[str, int, str | None]]:
        """Module, level and member of every import anywhere in the file."""
        return frozenset(_imported(ast.walk(self.tree)))

    @cached_property
    def running(self) -> frozenset[tuple[str, int, str | None]]:
        """The same for those that run when the module is imported."""
        return frozenset(_imported(_at_import(self.tree.body)))


@lru_cache(maxsize=4000)
def names_in(path: str, data: bytes) -> Names | None:
    """The names of a file; None when it cannot be parsed."""
    try:
        return Names(path, parse(data, path).tree)
    except SourceError:
        return None


def modules_imported(names: ModuleNames, path: str, imports: frozenset[tuple[str, int, str | None]]) -> set[str]:
    """The project files that import statements of ``path`` load, packages on the way included."""
    found: set[str] = set()
    for module, level, member in imports:
        dotted = names.absolute(path, module, level)
        for name in (dotted, f"{dotted}.{member}" if member else dotted):
            parts = name.split(".")
            for end in range(1, len(parts) + 1):
                target = names.path_of(".".join(parts[:end]), path)
                if target is not None and target != path:
                    found.add(target)
    return found


def import_problem(
    names: ModuleNames, sources: Mapping[str, bytes], before: bytes, path: str
) -> tuple[int, str] | None:
    """What is wrong with an import that a change of ``path`` brought, with its line; ``before``: its old content."""
    old, new = names_in(path, before), names_in(path, sources[path])
    if old is None or new is None:
        return None
    for module, level, member in sorted(new.imports - old.imports, key=str):
        problem = _unresolved(names, sources, path, names.absolute(path, module, level), member)
        if problem:
            return _line(new.tree, module, member), problem
    fresh = modules_imported(names, path, new.running) - modules_imported(names, path, old.running)
    for target in sorted(fresh):
        way = _way(names, sources, target, path)
        if way:
            return 1, f"importing {target} would close a circle of imports: {' -> '.join([path, *way])}"
    return None


def lost_names(
    names: ModuleNames, sources: Mapping[str, bytes], before: bytes, path: str
) -> Iterator[tuple[str, int, str]]:
    """Places (path, line, name) in other files that need a name which ``path`` no longer has."""
    old, new = names_in(path, before), names_in(path, sources[path])
    if old is None or new is None or new.is_open:
        return
    for name in sorted(old.bound - new.bound):
        for other, data in sources.items():
            if other == path or name.encode() not in data:
                continue
            line = used_from(names, other, data, path, name)
            if line:
                yield other, line, name


def used_from(names: ModuleNames, other: str, data: bytes, path: str, name: str) -> int:
    """The line on which the file ``other`` takes ``name`` from the module ``path``; 0 when it does not."""
    found = names_in(other, data)
    if found is None:
        return 0
    reached: set[str] = set()
    dotted = {f"{module}.{name}" for module, place in names.by_name.items() if place == path}
    for node in ast.walk(found.tree):
        if isinstance(node, ast.ImportFrom):
            module = names.absolute(other, node.module or "", node.level)
            for alias in node.names:
                if names.path_of(module, other) == path and alias.name in (name, "*"):
                    return node.lineno
                if names.path_of(f"{module}.{alias.name}", other) == path:
                    reached.add(alias.asname or alias.name)
        elif isinstance(node, ast.Import):
            reached.update(a.asname or a.name for a in node.names if names.path_of(a.name, other) == path)
        elif isinstance(node, ast.Constant) and node.value in dotted:
            return node.lineno
    for node in ast.walk(found.tree) if reached else ():
        if isinstance(node, ast.Attribute) and node.attr == name and ast.unparse(node.value) in reached:
            return node.lineno
    return 0


def _unresolved(names: ModuleNames, sources: Mapping[str, bytes], path: str, module: str, member: str | None) -> str:
    target = names.path_of(module, path)
    if target is None:
        top = module.partition(".")[0]
        if names.path_of(top) or names.is_namespace(top):
            return "" if names.is_namespace(module) else f"there is no module {module}"
        known = top in sys.stdlib_module_names or any(_mentions(data, top) for data in sources.values())
        return "" if known else f"{top} is not used by the program so far"
    if member is None or member == "*" or names.path_of(f"{module}.{member}", path):
        return ""
    there = names_in(target, sources[target]) if target in sources else None
    if there is None or there.is_open or member in there.bound:
        return ""
    return f"{module} has no {member}"


def _mentions(data: bytes, top: str) -> bool:
    return f"import {top}".encode() in data or f"from {top}".encode() in data


def _way(names: ModuleNames, sources: Mapping[str, bytes], start: str, goal: str) -> list[str]:
    """The files from ``start`` to ``goal`` along imports that run on import; empty when there is no way."""
    came: dict[str, str] = {start: ""}
    pending = [start]
    while pending:
        path = pending.pop(0)
        if path == goal:
            way = [path]
            while came[way[0]]:
                way.insert(0, came[way[0]])
            return way
        found = names_in(path, sources[path]) if path in sources else None
        for target in sorted(modules_imported(names, path, found.running)) if found else ():
            # a package that holds the goal is on its way already when the goal is imported
            if target not in came and not (target.endswith("__init__.py") and goal.startswith(target[:-11])):
                came[target] = path
                pending.append(target)
    return []


def _bound(body: list[ast.stmt]) -> Iterator[str]:
    for node in _at_import(body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _at_import(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Nodes that run on import: not those in functions, and not what only type checkers see."""
    pending: list[ast.AST] = list(body)
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending.extend(node.orelse)
            continue
        pending.extend(ast.iter_child_nodes(node))


def _imported(nodes: Iterator[ast.AST]) -> Iterator[tuple[str, int, str | None]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", node.level, alias.name) for alias in node.names)


def _line(tree: ast.Module, module: str, member: str | None) -> int:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and member and (node.module or "") == module:
            return node.lineno
        if isinstance(node, ast.Import) and any(alias.name == module for alias in node.names):
            return node.lineno
    return 1
