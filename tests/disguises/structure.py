"""Disguises of the shape of code: functions, classes, modules."""

from __future__ import annotations

import ast
from collections.abc import Callable

from tests.disguises.imports import taken_from
from tests.disguises.project import Project
from tests.disguises.syntax import (
    Function,
    arguments_of,
    clone,
    has,
    header_end,
    is_generator,
    loads,
    local_names,
    name,
    parse,
    require,
    stored,
    walk_scope,
)
from tests.disguises.trees import Replace, walk


def _plain_functions(tree: ast.Module) -> list[Function]:
    return [s for s in tree.body if isinstance(s, Function)]


def in_nested_function(project: Project) -> bool:
    """A function's body moves into a function inside it, which it calls."""
    changed = False
    for tree in project.trees.values():
        for function in [n for n in walk(tree) if isinstance(n, Function)]:
            parameters = {a.arg for a in arguments_of(function)}
            assigned = {n for s in function.body for node in walk_scope(s) for n in stored(node)}
            scoped = any(isinstance(n, (ast.Global, ast.Nonlocal)) for s in function.body for n in walk_scope(s))
            if is_generator(function) or parameters & assigned or scoped or "super" in _all_loads(function):
                continue
            if _declares(function) or _is_stub(function):
                continue
            inner = project.fresh("inner")
            is_async = isinstance(function, ast.AsyncFunctionDef)
            word, wait = ("async ", "await ") if is_async else ("", "")
            new = parse(f"{word}def {inner}():\n    pass\nreturn {wait}{inner}()")
            assert isinstance(new[0], Function)
            new[0].body = function.body
            function.body = new
            changed = True
    return changed


def _all_loads(function: Function) -> set[str]:
    return {n for s in function.body for n in loads(s)}


def _is_stub(function: Function) -> bool:
    """No body to speak of: an abstract method, a protocol's."""
    return all(isinstance(s, (ast.Pass, ast.Raise)) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
               for s in function.body)  # fmt: skip


def _declares(function: Function) -> bool:
    """Decorators that read the function itself, not what it does."""
    return any("property" in ast.unparse(d) or "overload" in ast.unparse(d) for d in function.decorator_list)


def _decorated(project: Project, made: Callable[[str, bool], tuple[str, str]]) -> bool:
    """Adds a decorator of the project, next to the function."""
    changed = False
    for tree in project.trees.values():
        functions = [n for n in walk(tree) if isinstance(n, Function)]
        wanted = [f for f in functions if not is_generator(f) and not _declares(f) and not f.name.startswith("__")]
        if not wanted:
            continue
        helpers: dict[bool, str] = {}
        for function in wanted:
            is_async = isinstance(function, ast.AsyncFunctionDef)
            if is_async not in helpers:
                helpers[is_async] = project.fresh("traced")
                text, _ = made(helpers[is_async], is_async)
                at = header_end(tree)
                tree.body[at:at] = parse(text)
            use = made(helpers[is_async], is_async)[1]
            if any(
                isinstance(d, ast.Name) and d.id in ("staticmethod", "classmethod") for d in function.decorator_list
            ):
                continue
            function.decorator_list.append(ast.parse(use, mode="eval").body)
        require(tree, "functools")
        changed = True
    return changed


def decorator(project: Project) -> bool:
    """Every function gets a decorator that passes the call through."""

    def made(helper: str, is_async: bool) -> tuple[str, str]:
        word, wait = ("async ", "await ") if is_async else ("", "")
        text = (
            f"def {helper}(function):\n    @functools.wraps(function)\n    {word}def wrapper(*args, **kwargs):\n"
            f"        return {wait}function(*args, **kwargs)\n\n    return wrapper"
        )
        return text, helper

    return _decorated(project, made)


def decorator_with_arguments(project: Project) -> bool:
    """Every function gets a decorator that is made by a call and passes the call through."""

    def made(helper: str, is_async: bool) -> tuple[str, str]:
        word, wait = ("async ", "await ") if is_async else ("", "")
        text = (
            f"def {helper}(*, label):\n    def decorate(function):\n        @functools.wraps(function)\n"
            f"        {word}def wrapper(*args, **kwargs):\n            result = {wait}function(*args, **kwargs)\n"
            "            return result\n\n        return wrapper\n\n    return decorate"
        )
        return text, f"{helper}(label='x')"

    return _decorated(project, made)


def decorator_that_returns_it(project: Project) -> bool:
    """Every function gets a decorator that gives the function back."""
    return _decorated(project, lambda helper, _: (f"def {helper}(function):\n    return function", helper))


def inherited(project: Project) -> bool:
    """A class's body moves into a base class of the same module."""
    changed = False
    for tree in project.trees.values():
        for cls in [s for s in tree.body if isinstance(s, ast.ClassDef)]:
            methods = [s for s in cls.body if isinstance(s, Function)]
            text = ast.unparse(cls)
            if not methods or "super(" in text or "__tablename__" in text or cls.decorator_list or cls.keywords:
                continue
            if any(isinstance(n, ast.Name) and n.id == cls.name for s in cls.body for n in walk(s)):
                continue
            base = project.fresh("Base")
            below = ast.ClassDef(cls.name, [name(base)], [], [ast.Pass()], [])
            if hasattr(cls, "origin"):
                below.origin = cls.origin  # type: ignore[attr-defined]
            cls.name = base
            tree.body.insert(tree.body.index(cls) + 1, below)
            changed = True
    return changed


def mixed_in(project: Project) -> bool:
    """The methods of a class but its constructor move into a mixin."""
    changed = False
    for tree in project.trees.values():
        for cls in [s for s in tree.body if isinstance(s, ast.ClassDef)]:
            moved = [s for s in cls.body if isinstance(s, Function) and not s.name.startswith("__")]
            text = ast.unparse(cls)
            if not moved or "super(" in text or "__tablename__" in text or cls.decorator_list or cls.keywords:
                continue
            others = {n for s in cls.body if s not in moved for node in walk(s) for n in stored(node)}
            if any(set(loads(s.args)) & others for s in moved) or others & {
                n for s in moved for d in s.decorator_list for n in loads(d)
            }:
                continue
            mixin = project.fresh("Mixin")
            tree.body.insert(tree.body.index(cls), ast.ClassDef(mixin, [], [], list(moved), []))
            cls.body = [s for s in cls.body if s not in moved] or [ast.Pass()]
            cls.bases.insert(0, name(mixin))
            changed = True
    return changed


def _movable(function: Function, tree: ast.Module) -> bool:
    """Whether a plain function can become a member of a class: only called by its name, below it."""
    if function.decorator_list or has(function.args, ast.Lambda):
        return False
    return sum(n == function.name for s in tree.body for node in walk_scope(s) for n in stored(node)) == 1


def as_static_method(project: Project) -> bool:
    """Plain functions become static methods of a class, called through it."""

    def how(owner: str, function: str) -> str:
        return f"{owner}.{function}"

    return _as_member(project, "staticmethod", how, False)


def as_class_method(project: Project) -> bool:
    """Plain functions become class methods of a class."""
    return _as_member(project, "classmethod", lambda owner, function: f"{owner}.{function}", True)


def as_method(project: Project) -> bool:
    """Plain functions become methods, called on an object that is made for the call."""
    return _as_member(project, "", lambda owner, function: f"{owner}().{function}", True)


def _as_member(project: Project, kind: str, how: Callable[[str, str], str], takes_owner: bool) -> bool:
    changed = False
    for path, tree in project.trees.items():
        taken = taken_from(project, path)
        for function in _plain_functions(tree):
            if not _movable(function, tree) or function.name in taken:
                continue
            reads = [n for n in walk(tree) if isinstance(n, ast.Name) and n.id == function.name]
            if not reads or any(isinstance(n.ctx, ast.Store) for n in reads):
                continue
            if "_self" in local_names(function):
                continue
            owner = project.fresh("Steps")
            for read in reads:
                new = ast.parse(how(owner, function.name), mode="eval").body
                new.origin = getattr(read, "origin", None)  # type: ignore[attr-defined]
                Replace({id(read): new}).visit(tree)
            if takes_owner:
                arguments = function.args.posonlyargs or function.args.args
                arguments.insert(0, ast.arg("_self"))
            if kind:
                function.decorator_list.append(name(kind))
            cls = ast.ClassDef(owner, [], [], [function], [])
            tree.body[tree.body.index(function)] = cls
            changed = True
    return changed


def split_module(project: Project) -> bool:
    """The first half of a module moves into one of its own, which the second half imports from."""
    changed = False
    for path, tree in list(project.trees.items()):
        if path in project.sealed or path.endswith("__init__.py"):
            continue
        is_import = [isinstance(s, (ast.Import, ast.ImportFrom)) for s in tree.body]
        start = len(tree.body) - next((i for i, f in enumerate(reversed(is_import)) if f), len(tree.body))
        rest = tree.body[start:]
        cut = _cut(rest)
        if cut is None:
            continue
        first, second = rest[:cut], rest[cut:]
        made = path.removesuffix(".py") + "_first"
        imports = [clone(s) for s in tree.body[:start]]
        project.trees[f"{made}.py"] = ast.Module([*imports, *first], [])
        defined = {n for s in first for n in _bound(s)}
        used = [n for n in dict.fromkeys(n for s in second for n in _mentioned(s)) if n in defined]
        back = ast.ImportFrom(made.replace("/", "."), [ast.alias(n) for n in used or sorted(defined)], 0)
        wanted = taken_from(project, path) & defined - set(used)
        back.names += [ast.alias(n) for n in sorted(wanted) if n not in {a.name for a in back.names}]
        tree.body = [*tree.body[:start], back, *second]
        changed = True
    return changed


def _bound(statement: ast.stmt) -> set[str]:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return stored(statement)
    return {n for node in walk_scope(statement) for n in stored(node)}


def _mentioned(statement: ast.stmt) -> list[str]:
    return [n.id for n in walk(statement) if isinstance(n, ast.Name)]


def _cut(rest: list[ast.stmt]) -> int | None:
    """Where a module can be cut so that nothing above mentions what is defined below, near the middle."""
    for cut in sorted(range(1, len(rest)), key=lambda i: abs(i - len(rest) / 2)):
        below = {n for s in rest[cut:] for n in _bound(s)}
        above = {n for s in rest[:cut] for n in _mentioned(s)}
        names = {n for s in rest[:cut] for n in _bound(s)}
        text = " ".join(ast.unparse(s) for s in rest[:cut])
        shared = any(isinstance(n, ast.Global) for s in rest for n in walk(s))
        routed = any(isinstance(s, (ast.FunctionDef, ast.AsyncFunctionDef)) and s.decorator_list for s in rest)
        if names and not below & above and not shared and "__name__" not in text and not routed:
            return cut
    return None
