"""Imports as fixers need them: a name made available in a file, under the name it then has there."""

from __future__ import annotations

import ast
import itertools
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import libcst as cst
from libcst.helpers import get_full_name_for_node

from sessionlint.fixes.model import refuse
from sessionlint.fixes.moves import Edit, statements

if TYPE_CHECKING:
    from sessionlint.fixes.context import Context

_FUTURE = "__future__"


def add_import(edit: Edit, path: str, module: str, name: str = "") -> str:
    """Makes ``from module import name`` (or ``import module``) hold in a file; gives how to write it there.

    An import at the top of the file serves as it is, aliases and all. Refuses when the file uses the name for
    something else.
    """
    wanted = (module, name)
    pending = edit.imports.setdefault(path, {})
    present = imported_as(edit.context, path, module, name)
    if present:
        return present
    local = name or module.partition(".")[0]
    if pending.get(local) == wanted:
        return name or module
    taken = _taken(edit.context, path, local, module, name)
    if taken is not None or pending.get(local, wanted) != wanted:
        refuse(f"the name {local} is taken, so {name or module} cannot be imported under it", path, taken or 1)
    pending[local] = wanted
    return name or module


def import_for(edit: Edit, path: str, dotted: str) -> str:
    """:func:`add_import` for a dotted name as policies write it: ``app.session.get_session``."""
    module, _, name = dotted.rpartition(".")
    program = edit.context.program
    if program.solver.names.path_of(module) == path:
        return name
    owner, _, cls = module.rpartition(".")
    if owner and program.solver.names.path_of(module) is None and program.solver.names.path_of(owner):
        return f"{add_import(edit, path, owner, cls)}.{name}"  # a method of a class
    return add_import(edit, path, module, name)


def imported_as(context: Context, path: str, module: str, name: str = "") -> str:
    """How a file reaches ``module.name`` through an import at its top that runs; empty when it does not."""
    names = context.program.solver.names
    for node in context.tree(path).body:
        if isinstance(node, ast.ImportFrom) and name:
            if names.absolute(path, node.module or "", node.level) == module:
                found = [alias.asname or alias.name for alias in node.names if alias.name == name]
                if found:
                    return found[0]
            package = names.absolute(path, node.module or "", node.level)
            for alias in node.names:
                if f"{package}.{alias.name}" == module and names.path_of(module):
                    return f"{alias.asname or alias.name}.{name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == module:
                    reach = alias.asname or alias.name
                    return f"{reach}.{name}" if name else reach
    return ""


def bound_names(context: Context, path: str) -> dict[str, int]:
    """The names a file binds anywhere outside classes, with the line of the first time; builtins are not among them."""
    found: dict[str, int] = {}
    for name, line in _bindings(context.tree(path)):
        found.setdefault(name, line)
    return found


def free_name(context: Context, path: str, wanted: str, *, line: int = 0, passing: int = 0) -> str:
    """``wanted``, or ``wanted_2``…: a name that nothing in the file mentions (``line``: in the function around it).

    ``passing`` so many others, which are meant for something else.
    """
    tree: ast.AST = context.tree(path)
    if line:
        around = [
            n for n in ast.walk(tree)
            if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef) and n.lineno <= line <= (n.end_lineno or n.lineno)
        ]  # fmt: skip
        tree = min(around, key=lambda n: n.lineno, default=tree)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | {name for name, _ in _bindings(tree)}
    used |= set(bound_names(context, path)) if not line else set()
    names = itertools.chain([wanted], (f"{wanted}_{number}" for number in itertools.count(2)))
    free = (name for name in names if name not in used)
    return next(itertools.islice(free, passing, None))


def _taken(context: Context, path: str, local: str, module: str, name: str) -> int | None:
    """The line on which a file binds a name to something else than ``module.name``."""
    names = context.program.solver.names
    same: set[int] = set()
    for node in ast.walk(context.tree(path)):
        if isinstance(node, ast.ImportFrom) and name:
            if names.absolute(path, node.module or "", node.level) == module:
                same.update(alias.lineno for alias in node.names if alias.name == name and not alias.asname)
        elif isinstance(node, ast.Import) and not name:
            same.update(alias.lineno for alias in node.names if alias.name == module and not alias.asname)
    lines = (line for found, line in _bindings(context.tree(path)) if found == local and line not in same)
    return next(lines, None)


def place_imports(edit: Edit, path: str) -> None:
    """Puts what was asked for by :func:`add_import` into the file."""
    asked = edit.imports.pop(path)
    by_module: dict[str, list[str]] = {}
    for module, name in asked.values():
        by_module.setdefault(module, []).append(name)
    for module, names in sorted(by_module.items()):
        members = sorted(name for name in names if name)
        existing = _from_import(edit.context, path, module) if members else None
        if existing is not None:
            edit.change(path, existing, _Joining(members))
        elif members:
            _insert(edit, path, module, f"from {module} import {', '.join(members)}")
        if "" in names:
            _insert(edit, path, module, f"import {module}")


def _bindings(node: ast.AST) -> Iterator[tuple[str, int]]:
    for child in ast.walk(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield child.name, child.lineno
        elif isinstance(child, ast.alias):
            yield child.asname or child.name.partition(".")[0], child.lineno
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id, child.lineno
        elif isinstance(child, ast.arg):
            yield child.arg, child.lineno
        elif isinstance(child, ast.ExceptHandler) and child.name:
            yield child.name, child.lineno


class _Joining:
    """Adds names to ``from x import a, b``: in their order where the names are in order, else at the end."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def __call__(self, old: Any) -> Any:
        aliases: list[cst.ImportAlias] = list(old.names)
        for name in self._names:
            ordered = [get_full_name_for_node(alias.name) or "" for alias in aliases]
            at = len(aliases)
            if ordered == sorted(ordered, key=_natural):
                at = sum(_natural(other) < _natural(name) for other in ordered)
            aliases = _with_alias(aliases, at, name)
        return old.with_changes(names=aliases)


def _natural(name: str) -> tuple[int, str]:
    """How import sorters order members: constants, classes, the rest."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2
    return (kind, name)


def _with_alias(aliases: list[cst.ImportAlias], at: int, name: str) -> list[cst.ImportAlias]:
    """The names with one more; commas and line breaks follow the pattern of those there."""
    if at == len(aliases):
        last = aliases[-1]
        before = aliases[-2].comma if len(aliases) > 1 else cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
        joined = last.with_changes(comma=before)
        return [*aliases[:-1], joined, cst.ImportAlias(cst.Name(name), comma=last.comma)]
    comma = aliases[at].comma
    if at == len(aliases) - 1:
        comma = aliases[at - 1].comma if at else cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    return [*aliases[:at], cst.ImportAlias(cst.Name(name), comma=comma), *aliases[at:]]


def _from_import(context: Context, path: str, module: str) -> cst.ImportFrom | None:
    """A ``from module import …`` at the top of the file that names can be added to."""
    for line in context.source(path).module.body:
        for small in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            if not isinstance(small, cst.ImportFrom) or isinstance(small.names, cst.ImportStar):
                continue
            written = get_full_name_for_node(small.module) if small.module else ""
            if context.program.solver.names.absolute(path, written or "", len(small.relative)) == module:
                return small
    return None


def _insert(edit: Edit, path: str, module: str, code: str) -> None:
    """Puts an import where import sorters would: in its section, by the name of the module."""
    context = edit.context
    source = context.source(path)
    key = _section(context, module), code.startswith("from"), module.lower()
    found = [(line, k) for line in source.module.body if (k := _key(context, path, line)) is not None]
    if not found:
        _insert_first(edit, path, code)
        return
    (made,) = statements(code)
    section = [(line, k) for line, k in found if k[0] == key[0]]
    gap = [] if section else [cst.EmptyLine(indent=False)]
    before = [line for line, k in section or found if k <= key]
    if before:
        new = made.with_changes(leading_lines=gap)
        edit.change(path, before[-1], lambda old: cst.FlattenSentinel([old, new]))
    else:
        edit.change(path, (section or found)[0][0], lambda old: _above(old, made, gap))


def _above(old: Any, made: Any, gap: Sequence[cst.EmptyLine]) -> Any:
    """An import above another: it takes the lines above that one, and stands apart when it begins a section."""
    new = made.with_changes(leading_lines=old.leading_lines)
    return cst.FlattenSentinel([new, old.with_changes(leading_lines=gap)])


def _insert_first(edit: Edit, path: str, code: str) -> None:
    """The first import of a file: below its docstring, or on top."""
    body = edit.context.source(path).module.body
    (made,) = statements(code)
    blank = cst.EmptyLine(indent=False)
    if not body:
        refuse("the file is empty", path, 1)
    first = body[0]
    if _is_docstring(first):
        edit.change(path, first, lambda old: cst.FlattenSentinel([old, made.with_changes(leading_lines=[blank])]))
        return
    gap = [] if isinstance(first, cst.SimpleStatementLine) and first.leading_lines else [blank, blank]
    if isinstance(first, cst.SimpleStatementLine):
        gap = gap[:1]

    def put(old: Any) -> Any:
        return cst.FlattenSentinel([made, old.with_changes(leading_lines=[*gap, *old.leading_lines])])

    edit.change(path, first, put)


def _is_docstring(line: cst.CSTNode) -> bool:
    return (
        isinstance(line, cst.SimpleStatementLine)
        and isinstance(line.body[0], cst.Expr)
        and isinstance(line.body[0].value, cst.SimpleString | cst.ConcatenatedString)
    )


def _key(context: Context, path: str, line: cst.CSTNode) -> tuple[int, bool, str] | None:
    """Where an import at the top of a file sorts; None for other statements."""
    small = line.body[0] if isinstance(line, cst.SimpleStatementLine) else None
    if isinstance(small, cst.ImportFrom):
        if small.relative:
            return (4, True, "")
        module = get_full_name_for_node(small.module) if small.module else ""
        return (_section(context, module or ""), True, (module or "").lower())
    if isinstance(small, cst.Import):
        module = get_full_name_for_node(small.names[0].name) or ""
        return (_section(context, module), False, module.lower())
    return None


def _section(context: Context, module: str) -> int:
    """0 for ``__future__``, 1 the standard library, 2 other packages, 3 the project."""
    top = module.partition(".")[0]
    if top == _FUTURE:
        return 0
    if top in sys.stdlib_module_names:
        return 1
    names = context.program.solver.names
    return 3 if names.path_of(module) or names.path_of(top) or names.is_namespace(top) else 2
