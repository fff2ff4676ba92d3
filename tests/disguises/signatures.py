"""Disguises of what a function declares: names, dependencies, routes."""

from __future__ import annotations

import ast
from collections.abc import Callable

from tests.disguises.project import Project
from tests.disguises.syntax import (
    Function,
    arguments_of,
    loads,
    local_names,
    name,
    require,
    stored,
)
from tests.disguises.trees import walk


def _plain_functions(tree: ast.Module) -> list[Function]:
    return [s for s in tree.body if isinstance(s, Function)]


def annotated_dependency(project: Project) -> bool:
    """``p: T = Depends(f)`` → ``p: Annotated[T, Depends(f)]``, the parameters with a default after it by name only."""
    return _annotated(project, False)


def annotated_alias(project: Project) -> bool:
    """``p: T = Depends(f)`` → ``Alias = Annotated[T, Depends(f)]`` at the top, ``p: Alias``."""
    return _annotated(project, True)


def _annotated(project: Project, by_alias: bool) -> bool:
    changed = False
    for tree in project.trees.values():
        for top in list(tree.body):
            for function in [n for n in walk(top) if isinstance(n, Function)]:
                a = function.args
                without = len(a.args) - len(a.defaults)
                new: list[tuple[ast.arg, ast.expr | None]] = []
                found = False
                for index, parameter in enumerate(a.args):
                    default = a.defaults[index - without] if index >= without else None
                    if default is not None and _is_depends(default) and parameter.annotation is not None:
                        target = ast.Tuple([parameter.annotation, default], ast.Load())
                        annotated: ast.expr = ast.Subscript(
                            ast.Attribute(name("typing"), "Annotated", ast.Load()), target, ast.Load()
                        )
                        if by_alias and not set(loads(default)) & local_names_around(top, function):
                            held = project.fresh("Dep")
                            tree.body.insert(tree.body.index(top), ast.Assign([ast.Name(held, ast.Store())], annotated))
                            annotated = name(held)
                        parameter.annotation, default, found = annotated, None, True
                    new.append((parameter, default))
                if found:
                    plain = [(p, d) for p, d in new if d is None]
                    given = [(p, d) for p, d in new if d is not None]
                    a.args = [p for p, _ in (*plain, *given)]
                    a.defaults = [d for _, d in given if d is not None]
                    require(tree, "typing")
                    changed = True
    return changed


def local_names_around(top: ast.stmt, function: Function) -> set[str]:
    """Names of the functions around a function that is not of the module itself."""
    return set() if top is function else {n for f in walk(top) if isinstance(f, Function) for n in local_names(f)}


def _is_depends(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Depends", "Security") \
        and bool(node.args)  # fmt: skip


def default_dependency(project: Project) -> bool:
    """``p: Annotated[T, Depends(f)]`` → ``p: T = Depends(f)``."""
    changed = False
    for tree in project.trees.values():
        for function in [n for n in walk(tree) if isinstance(n, Function)]:
            a = function.args
            if a.defaults or a.posonlyargs:
                continue
            new: list[tuple[ast.arg, ast.expr | None]] = []
            for parameter in a.args:
                annotation, default = parameter.annotation, None
                if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value).endswith("Annotated"):
                    parts = annotation.slice.elts if isinstance(annotation.slice, ast.Tuple) else []
                    if len(parts) == 2 and _is_depends(parts[1]):
                        parameter.annotation, default = parts[0], parts[1]
                        changed = True
                new.append((parameter, default))
            a.args = [p for p, d in new if d is None] + [p for p, d in new if d is not None]
            a.defaults = [d for _, d in new if d is not None]
    return changed


def route_by_call(project: Project) -> bool:
    """``@router.get("/x")`` → ``router.get("/x")(f)`` below the function."""
    return _routed(project, lambda route, function: ast.Expr(ast.Call(route, [name(function)], [])))


def route_added(project: Project) -> bool:
    """``@router.get("/x")`` → ``router.add_api_route("/x", f, methods=["GET"])`` below the function."""

    def how(route: ast.Call, function: str) -> ast.stmt:
        assert isinstance(route.func, ast.Attribute)
        methods = ast.keyword("methods", ast.List([ast.Constant(route.func.attr.upper())], ast.Load()))
        target = ast.Attribute(route.func.value, "add_api_route", ast.Load())
        path = route.args[:1] or [k.value for k in route.keywords if k.arg == "path"]
        kept = [k for k in route.keywords if k.arg != "path"]
        return ast.Expr(ast.Call(target, [*path, name(function)], [*kept, methods]))

    return _routed(project, how)


def _routed(project: Project, how: Callable[[ast.Call, str], ast.stmt]) -> bool:
    changed = False
    for tree in project.trees.values():
        for function in _plain_functions(tree):
            if len(function.decorator_list) != 1:
                continue
            route = function.decorator_list[0]
            if not isinstance(route, ast.Call) or not isinstance(route.func, ast.Attribute):
                continue
            if route.func.attr not in ("get", "post", "put", "patch", "delete"):
                continue
            function.decorator_list = []
            tree.body.insert(tree.body.index(function) + 1, how(route, function.name))
            changed = True
    return changed


#: Words in names that rules read: a name that has one keeps it.
_SAYS = ("tenant", "token", "id", "claim", "jwt", "key", "secret", "password", "role", "url", "user", "request")


def renamed_locals(project: Project) -> bool:
    """Local variables get other names, unless a rule reads the name."""
    changed = False
    for tree in project.trees.values():
        for function in [n for n in walk(tree) if isinstance(n, Function)]:
            changed = (
                _renamed(project, function, local_names(function) - {a.arg for a in arguments_of(function)}) or changed
            )
    return changed


def renamed_parameters(project: Project) -> bool:
    """Annotated parameters that are given by position only get other names, unless a rule reads the name."""
    changed = False
    by_name = {k.arg for t in project.trees.values() for n in walk(t) if isinstance(n, ast.Call) for k in n.keywords}
    for tree in project.trees.values():
        for function in [n for n in walk(tree) if isinstance(n, Function)]:
            annotated = {a.arg for a in arguments_of(function) if a.annotation is not None} - by_name
            if any(k is None for k in by_name):
                continue
            changed = _renamed(project, function, annotated) or changed
    return changed


def _renamed(project: Project, function: Function, names: set[str]) -> bool:
    shared = {n for f in walk(function) if isinstance(f, Function) and f is not function for n in local_names(f)}
    shared |= {a.arg for f in walk(function) if isinstance(f, ast.Lambda) for a in arguments_of(f)}
    shared |= {n for s in walk(function) if isinstance(s, (ast.Global, ast.Nonlocal)) for n in s.names}
    binding = (
        ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.Import, ast.ImportFrom, ast.ExceptHandler,
        ast.MatchAs, ast.MatchStar, ast.MatchMapping,
    )  # fmt: skip
    shared |= {n for s in walk(function) if isinstance(s, binding) for n in stored(s)}
    new = {n: project.fresh("var") for n in sorted(names - shared) if not any(w in n.lower() for w in _SAYS)}
    if not new:
        return False
    for node in walk(function):
        if isinstance(node, ast.Name) and node.id in new:
            node.id = new[node.id]
    for argument in arguments_of(function):
        argument.arg = new.get(argument.arg, argument.arg)
    return True
