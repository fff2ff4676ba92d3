"""What a name in a file may mean: the function that is looked for, something else, or nobody knows."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sessionlint.fixes.context import Context
    from sessionlint.fixes.mentions import Mentions
    from sessionlint.program.model import FunctionInfo

Parents = Mapping[ast.AST, ast.AST]

#: Functions that reach an attribute by its name.
BY_NAME = frozenset((
    "setattr", "getattr", "hasattr", "delattr", "patch", "object", "multiple", "attrgetter", "methodcaller", "spy",
))  # fmt: skip


class Bindings:
    """The names of one file, as far as they can be about one function."""

    def __init__(self, context: Context, path: str, mentions: Mentions, wanted: FunctionInfo, name: str) -> None:
        self._context = context
        self._wanted = wanted
        self._name = name
        self._is_method = wanted.class_info is not None
        #: other names the function has in this file
        self.aliases: set[str] = set()
        self._modules = modules_of(context, path, mentions)
        self._ours = self._plainly(path, mentions)

    def _plainly(self, path: str, mentions: Mentions) -> bool | None:
        """What the plain name means at the top of the file."""
        if self._is_method:
            return False
        names = self._context.program.solver.names
        ours: bool | None = None
        for node in mentions.imports:
            if not isinstance(node, ast.ImportFrom):
                continue
            target = names.path_of(names.absolute(path, node.module or "", node.level), path)
            for alias in node.names:
                if alias.name != self._name:
                    continue
                here = alias.asname or alias.name
                leads = self.holds(target)
                if leads:
                    self.aliases.add(here)
                if here == self._name:
                    ours = leads
        wanted = self._wanted
        if path == wanted.path and wanted.parent is None and self._name == wanted.name:
            return True
        return False if ours is None and self._name in mentions.bound else ours

    def holds(self, path: str | None) -> bool:
        """Whether the function can be reached under its name through the module at ``path``."""
        if path is None or self._is_method:
            return False
        if path == self._wanted.path:
            return True
        solver = self._context.program.solver
        if path not in solver.modules:
            return False
        return any(getattr(atom, "info", None) is self._wanted for atom in solver.member(path, self._name))

    def is_ours(self, node: ast.Name, parents: Parents) -> bool | None:
        """For a plain name; a parameter or local of that name hides the function."""
        scope = parents.get(node)
        while scope is not None:
            if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) and _hides(scope, self._name):
                return False
            scope = parents.get(scope)
        return self._ours

    def is_ours_through(self, node: ast.Attribute) -> bool | None:
        """For ``x.name``: through a module, or perhaps through an object."""
        if self.modules(node.value) is not None:
            return self.holds_one(node.value)
        if self._is_method:
            return None
        # a function of a module is no attribute of anything else, unless the module is handed around
        return None if self._context.is_handed_around(self._wanted.path) else False

    def modules(self, node: ast.expr) -> set[str | None] | None:
        """The files that an expression may be the module of (None: one of another package); None: no module."""
        return self._modules.get(ast.unparse(node)) if isinstance(node, ast.Name | ast.Attribute) else None

    def holds_one(self, node: ast.expr) -> bool:
        """Whether an expression that is a module may be one that holds the function."""
        return any(self.holds(path) for path in self.modules(node) or ())


def modules_of(context: Context, path: str, mentions: Mentions) -> dict[str, set[str | None]]:
    """The names that are bound to modules somewhere in a file, with the modules' files (None: not of the program)."""
    names = context.program.solver.names
    found: dict[str, set[str | None]] = {}
    for node in mentions.imports:
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.setdefault(alias.asname or alias.name, set()).add(names.path_of(alias.name, path))
            continue
        package = names.absolute(path, node.module or "", node.level)
        known = names.path_of(package, path) is not None or names.is_namespace(package)
        for alias in node.names:
            target = names.path_of(f"{package}.{alias.name}", path)
            if target is not None or not known:
                found.setdefault(alias.asname or alias.name, set()).add(target)
    return found


def is_handed_around(context: Context, wanted: str) -> bool:
    """Whether the module at ``wanted`` is anywhere used as a value, so that anything may be it."""
    last = wanted.removesuffix("/__init__.py").removesuffix(".py").rpartition("/")[2].encode()
    for path, data in context.sources.items():
        if last not in data or context.parsed(path) is None:
            continue
        mentions = context.trees.mentions(path, data)
        aliases = [name for name, targets in modules_of(context, path, mentions).items() if wanted in targets]
        if not aliases:
            continue
        parents = context.trees.parents(path, data)
        for alias in aliases:
            head, _, tail = alias.rpartition(".")
            nodes = mentions.attributes.get(tail, ()) if head else mentions.loads.get(alias, ())
            for node in nodes:
                if ast.unparse(node) == alias and _is_value(node, parents):
                    return True
    return False


def _is_value(node: ast.expr, parents: Parents) -> bool:
    parent = parents.get(node)
    if isinstance(parent, ast.Attribute):
        return False
    by_name = isinstance(parent, ast.Call) and last_name(parent.func) in BY_NAME and node in parent.args[:1]
    return not by_name


def last_name(function: ast.expr) -> str:
    """``c`` of ``a.b.c``."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _hides(scope: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, name: str) -> bool:
    args = scope.args
    every = [*args.posonlyargs, *args.args, *args.kwonlyargs, *filter(None, (args.vararg, args.kwarg))]
    if any(arg.arg == name for arg in every):
        return True
    if isinstance(scope, ast.Lambda):
        return False
    return any(
        isinstance(n, ast.Name) and n.id == name and isinstance(n.ctx, ast.Store)
        for statement in scope.body
        for n in ast.walk(statement)
    )
