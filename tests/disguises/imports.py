"""Disguises of an imported name: how the file gets it, and what it is called there."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.disguises.project import Project
from tests.disguises.syntax import (
    Function,
    arguments_of,
    clone,
    expression,
    header_end,
    local_names,
    name,
    parse,
    require,
    stored,
)
from tests.disguises.trees import Replace, children, walk


@dataclass(frozen=True, slots=True)
class Imported:
    """One name of a ``from module import name`` at the top of a file, and every place that reads it."""

    path: str
    tree: ast.Module
    statement: ast.ImportFrom
    alias: ast.alias
    reads: tuple[ast.Name, ...]

    @property
    def local(self) -> str:
        """What the file calls it."""
        return self.alias.asname or self.alias.name

    @property
    def module(self) -> str:
        """The absolute name of the module it comes from."""
        statement = self.statement
        if not statement.level:
            return statement.module or ""
        package = self.path.split("/")[: -statement.level]
        return ".".join([*package, *([statement.module] if statement.module else [])])

    def remove(self) -> None:
        """Takes the name out of its import statement."""
        self.statement.names.remove(self.alias)
        if not self.statement.names:
            self.tree.body.remove(self.statement)


def imported(project: Project) -> Iterator[Imported]:
    """Names imported at the top of a file that mean one thing all over it and that no other file takes from there."""
    for path, tree in list(project.trees.items()):
        taken = taken_from(project, path)
        for statement in [s for s in tree.body if isinstance(s, ast.ImportFrom) and s.module != "__future__"]:
            for alias in list(statement.names):
                local = alias.asname or alias.name
                if alias.name == "*" or local in taken:
                    continue
                reads = _reads(tree, local)
                if reads:
                    yield Imported(path, tree, statement, alias, tuple(reads))


def taken_from(project: Project, path: str) -> set[str]:
    """Names other files take from this one."""
    module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    last = module.rpartition(".")[2]
    names: set[str] = set()
    for other, tree in project.trees.items():
        for node in walk(tree) if other != path else ():
            if isinstance(node, ast.ImportFrom) and (node.module or "").rpartition(".")[2] in (last, ""):
                names |= {a.name for a in node.names}
            elif isinstance(node, ast.Attribute):
                names.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value)
    return names


def _reads(tree: ast.Module, local: str) -> list[ast.Name]:
    """The reads of a name that is bound nowhere else; none when it is, or when text mentions it."""
    reads: list[ast.Name] = []
    bound = 0
    for node in walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            if node.id == local:
                reads.append(node)
        elif (
            local in stored(node)
            or (
                isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
                and local in {a.arg for a in arguments_of(node)}
            )
            or (isinstance(node, (ast.Global, ast.Nonlocal)) and local in node.names)
        ):
            bound += 1
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and local in node.value:
            return []
    # a definition is both a statement and a name of its scope
    return reads if bound == 1 else []


def _replaced(project: Project, how: Callable[[Imported], str | None], remove: bool = True) -> bool:
    """Every read of an imported name becomes the expression that ``how`` gives."""
    changed = False
    for found in list(imported(project)):
        text = how(found)
        if text is None:
            continue
        by: dict[int, ast.expr] = {}
        for read in found.reads:
            new = expression(text)
            new.origin = getattr(read, "origin", None)  # type: ignore[attr-defined]
            by[id(read)] = new
        Replace(by).visit(found.tree)
        if remove:
            found.remove()
        changed = True
    return changed


def alias(project: Project) -> bool:
    """``from x import y`` → ``from x import y as z``."""
    changed = False
    for found in list(imported(project)):
        local = project.fresh("Given" if found.local[0].isupper() else "given")
        for read in found.reads:
            read.id = local
        found.alias.asname = local
        changed = True
    return changed


def module_alias(project: Project) -> bool:
    """``from x import y`` → ``import x as m``, ``m.y``."""

    def how(found: Imported) -> str | None:
        local = project.fresh("module")
        found.tree.body.insert(header_end(found.tree), ast.Import([ast.alias(found.module, local)]))
        return f"{local}.{found.alias.name}"

    return _replaced(project, how)


def whole_module(project: Project) -> bool:
    """``from x.y import z`` → ``import x.y``, ``x.y.z``."""

    def how(found: Imported) -> str | None:
        if found.module.partition(".")[0] in {n for node in walk(found.tree) for n in _bindings(node)}:
            return None
        require(found.tree, found.module)
        return f"{found.module}.{found.alias.name}"

    return _replaced(project, how)


def _bindings(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {a.asname for a in node.names if a.asname}
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        return stored(node) | {a.arg for a in arguments_of(node)}
    return stored(node)


def by_getattr(project: Project) -> bool:
    """``from x import y`` → ``y = getattr(importlib.import_module("x"), "y")``."""
    changed = False
    for found in list(imported(project)):
        require(found.tree, "importlib")
        at = found.tree.body.index(found.statement)
        text = f"{found.local} = getattr(importlib.import_module({found.module!r}), {found.alias.name!r})"
        found.tree.body[at + 1 : at + 1] = parse(text)
        found.remove()
        changed = True
    return changed


def by_import_module(project: Project) -> bool:
    """``from x import y`` → ``m = importlib.import_module("x")``, ``m.y``."""

    def how(found: Imported) -> str | None:
        require(found.tree, "importlib")
        local = project.fresh("module")
        at = found.tree.body.index(found.statement)
        found.tree.body[at + 1 : at + 1] = parse(f"{local} = importlib.import_module({found.module!r})")
        return f"{local}.{found.alias.name}"

    return _replaced(project, how)


def by_dunder_import(project: Project) -> bool:
    """``from x import y`` → ``y = __import__("x", fromlist=["y"]).y``."""
    changed = False
    for found in list(imported(project)):
        at = found.tree.body.index(found.statement)
        text = f"{found.local} = __import__({found.module!r}, fromlist=[{found.alias.name!r}]).{found.alias.name}"
        found.tree.body[at + 1 : at + 1] = parse(text)
        found.remove()
        changed = True
    return changed


def in_function(project: Project) -> bool:
    """An import moves into the functions that use its name."""
    changed = False
    for found in list(imported(project)):
        owners = _functions_reading(found)
        if not owners:
            continue
        for function in owners:
            at = 1 if ast.get_docstring(function) is not None else 0
            kept = clone(found.statement)
            kept.names = [clone(found.alias)]
            function.body.insert(at, kept)
        found.remove()
        changed = True
    return changed


def _functions_reading(found: Imported) -> list[Function]:
    """The outermost functions whose bodies hold every read; nothing when a read stands elsewhere."""
    owners: list[Function] = []
    inside: set[int] = set()
    for function in outermost(found.tree):
        mine = {id(n) for s in function.body for n in walk(s)}
        if any(id(read) in mine for read in found.reads) and found.local not in local_names(function):
            owners.append(function)
            inside |= mine
    return owners if all(id(read) in inside for read in found.reads) else []


def outermost(tree: ast.AST) -> Iterator[Function]:
    for node in children(tree):
        if isinstance(node, Function):
            yield node
        elif not isinstance(node, ast.Lambda):
            yield from outermost(node)


def under_try(project: Project) -> bool:
    """``try: from x import y`` with ``except ImportError: raise``."""
    changed = False
    for tree in project.trees.values():
        for statement in [s for s in tree.body if isinstance(s, (ast.Import, ast.ImportFrom))]:
            if isinstance(statement, ast.ImportFrom) and (statement.module == "__future__"):
                continue
            handler = ast.ExceptHandler(name("ImportError"), None, [ast.Raise()])
            tree.body[tree.body.index(statement)] = ast.Try([statement], [handler], [], [])
            changed = True
    return changed


def _offered(project: Project, path: str, line: Callable[[Imported, str], str], source: str) -> bool:
    """Names are imported from a new module ``path`` of the project, which holds the lines that ``line`` gives."""
    changed = False
    for found in list(imported(project)):
        if found.path in project.sealed:
            continue
        tree = project.trees.setdefault(path, ast.Module([], []))
        offered = project.fresh("Offered" if found.local[0].isupper() else "offered")
        tree.body.extend(parse(line(found, offered)))
        at = found.tree.body.index(found.statement)
        moved = ast.ImportFrom(source, [ast.alias(offered, found.local)], 0)
        moved.origin = getattr(found.statement, "origin", None)  # type: ignore[attr-defined]
        found.tree.body.insert(at + 1, moved)
        found.remove()
        changed = True
    return changed


def through_module(project: Project) -> bool:
    """Names come from a module of the project that imports them from where they are."""
    return _offered(project, "app/names.py", lambda f, o: f"from {f.module} import {f.alias.name} as {o}", "app.names")


def through_package(project: Project) -> bool:
    """Names come from a package whose ``__init__`` takes everything from a module inside it."""
    changed = _offered(
        project,
        "app/names/deep.py",
        lambda f, o: f"from {f.module} import {f.alias.name} as {o}",
        "app.names",
    )
    if changed:
        offered = [a.asname for s in project.trees["app/names/deep.py"].body for a in s.names]  # type: ignore[attr-defined]
        project.trees["app/names/deep.py"].body.extend(parse(f"__all__ = {offered!r}"))
        project.trees["app/names/__init__.py"] = ast.parse("from .deep import *")
    return changed


def through_assignment(project: Project) -> bool:
    """Names come from a module of the project that assigns them anew."""
    return _offered(
        project,
        "app/names.py",
        lambda f, o: f"import {f.module}\n{o} = {f.module}.{f.alias.name}",
        "app.names",
    )


def through_lazy_module(project: Project) -> bool:
    """Names come from a package whose ``__getattr__`` imports them when they are asked for."""
    changed = _offered(
        project,
        "app/names/deep.py",
        lambda f, o: f"from {f.module} import {f.alias.name} as {o}",
        "app.names",
    )
    if changed:
        project.trees["app/names/__init__.py"] = ast.parse(
            "def __getattr__(name):\n    from app.names import deep\n\n    return getattr(deep, name)\n"
        )
    return changed


def future_annotations(project: Project) -> bool:
    """Annotations are text: ``from __future__ import annotations``."""
    changed = False
    for tree in project.trees.values():
        is_on = any(isinstance(s, ast.ImportFrom) and s.module == "__future__" for s in tree.body)
        if tree.body and not is_on:
            tree.body.insert(header_end(tree), ast.ImportFrom("__future__", [ast.alias("annotations")], 0))
            changed = True
    return changed
