"""Disguises of an imported name that is called: what the file keeps it in."""

from __future__ import annotations

import ast
from collections.abc import Callable

from tests.disguises.imports import Imported, imported, outermost
from tests.disguises.project import Project
from tests.disguises.syntax import expression, parse, require, walk_scope
from tests.disguises.trees import Replace


def _held(project: Project, made: Callable[[str, str], tuple[str, str, str]]) -> bool:
    """Calls of an imported name in functions go through an object of the module.

    ``made`` gives, for the object's name and the imported name, the statements that make the object, the
    expression that reads it, and a module to import (or nothing).
    """
    changed = False
    for found in list(imported(project)):
        called = _called_in_functions(found)
        if not called:
            continue
        box = project.fresh("held")
        statements, read, module = made(box, found.local)
        by: dict[int, ast.expr] = {}
        for old in called:
            new = expression(read)
            new.origin = getattr(old, "origin", None)  # type: ignore[attr-defined]
            by[id(old)] = new
        Replace(by).visit(found.tree)
        last = max(
            i
            for i, s in enumerate(found.tree.body)
            if s is found.statement or isinstance(s, (ast.Import, ast.ImportFrom))
        )
        found.tree.body[last + 1 : last + 1] = parse(statements)
        if module:
            require(found.tree, module)
        changed = True
    return changed


def _called_in_functions(found: Imported) -> list[ast.Name]:
    """Reads that are the callee of a call in the body of a function, or an argument of one."""
    reads = {id(r) for r in found.reads}
    out: list[ast.Name] = []
    for function in outermost(found.tree):
        for statement in function.body:
            for node in walk_scope(statement):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and id(node.func) in reads:
                    out.append(node.func)
    return out


def held_in_dictionary(project: Project) -> bool:
    """``y(…)`` → ``held["made"](…)`` with a dictionary of the module."""
    return _held(project, lambda box, n: (f"{box} = {{'made': {n}}}", f"{box}['made']", ""))


def held_in_list(project: Project) -> bool:
    """``y(…)`` → ``held[0](…)`` with a list of the module."""
    return _held(project, lambda box, n: (f"{box} = [{n}]", f"{box}[0]", ""))


def held_in_class(project: Project) -> bool:
    """``y(…)`` → ``held.made(…)`` with a class attribute."""
    return _held(project, lambda box, n: (f"class {box}:\n    made = {n}", f"{box}.made", ""))


def held_in_static_method(project: Project) -> bool:
    """``y(…)`` → ``held().made(…)`` with a static method made of it."""
    return _held(project, lambda box, n: (f"class {box}:\n    made = staticmethod({n})", f"{box}().made", ""))


def held_in_instance(project: Project) -> bool:
    """``y(…)`` → ``held.made(…)`` with an object made at import."""
    text = "class Type_{box}:\n    def __init__(self, made):\n        self.made = made\n\n{box} = Type_{box}({n})"
    return _held(project, lambda box, n: (text.format(box=box, n=n), f"{box}.made", ""))


def held_in_dataclass(project: Project) -> bool:
    """``y(…)`` → ``held.made(…)`` with a frozen data class."""
    text = "@dataclasses.dataclass(frozen=True)\nclass Type_{box}:\n    made: object\n\n{box} = Type_{box}(made={n})"
    return _held(project, lambda box, n: (text.format(box=box, n=n), f"{box}.made", "dataclasses"))


def held_in_field_default(project: Project) -> bool:
    """``y(…)`` → ``held().made(…)`` with the default of a data class's field."""
    text = "@dataclasses.dataclass\nclass {box}:\n    made: object = dataclasses.field(default={n})"
    return _held(project, lambda box, n: (text.format(box=box, n=n), f"{box}().made", "dataclasses"))


def held_in_namespace(project: Project) -> bool:
    """``y(…)`` → ``held.made(…)`` with a ``SimpleNamespace``."""
    return _held(project, lambda box, n: (f"{box} = types.SimpleNamespace(made={n})", f"{box}.made", "types"))


def held_in_context_variable(project: Project) -> bool:
    """``y(…)`` → ``held.get()(…)`` with a ``ContextVar``."""
    text = "{box} = contextvars.ContextVar('{box}', default={n})"
    return _held(project, lambda box, n: (text.format(box=box, n=n), f"{box}.get()", "contextvars"))


def held_in_property(project: Project) -> bool:
    """``y(…)`` → ``held.made(…)`` with a property."""
    text = "class Type_{box}:\n    @property\n    def made(self):\n        return {n}\n\n{box} = Type_{box}()"
    return _held(project, lambda box, n: (text.format(box=box, n=n), f"{box}.made", ""))


def held_in_cached_property(project: Project) -> bool:
    """``y(…)`` → ``held.made(…)`` with a cached property."""
    text = (
        "class Type_{box}:\n    @functools.cached_property\n    def made(self):\n        return {n}\n\n"
        "{box} = Type_{box}()"
    )
    return _held(project, lambda box, n: (text.format(box=box, n=n), f"{box}.made", "functools"))


def held_in_cached_function(project: Project) -> bool:
    """``y(…)`` → ``held()(…)`` with a cached function that gives it."""
    text = "@functools.lru_cache(maxsize=None)\ndef {box}():\n    return {n}"
    return _held(project, lambda box, n: (text.format(box=box, n=n), f"{box}()", "functools"))


def held_in_partial(project: Project) -> bool:
    """``y(…)`` → ``held(…)`` with ``held = functools.partial(y)``."""
    return _held(project, lambda box, n: (f"{box} = functools.partial({n})", box, "functools"))


def held_in_lambda(project: Project) -> bool:
    """``y(…)`` → ``held(…)`` with ``held = lambda *args, **kwargs: y(*args, **kwargs)``."""
    return _held(project, lambda box, n: (f"{box} = lambda *args, **kwargs: {n}(*args, **kwargs)", box, ""))


def held_since_start(project: Project) -> bool:
    """``y(…)`` → ``held(…)`` with a global that a function called at import sets."""
    text = "{box} = None\n\ndef start_{box}():\n    global {box}\n    {box} = {n}\n\nstart_{box}()"
    return _held(project, lambda box, n: (text.format(box=box, n=n), box, ""))


def held_since_start_up(project: Project) -> bool:
    """``y(…)`` → ``held.made(…)`` with an object whose ``start`` method, called at import, sets the attribute."""
    text = (
        "class Type_{box}:\n    made = None\n\n    def start(self):\n        self.made = {n}\n\n"
        "{box} = Type_{box}()\n{box}.start()"
    )
    return _held(project, lambda box, n: (text.format(box=box, n=n), f"{box}.made", ""))


def held_by_choice(project: Project) -> bool:
    """``y(…)`` → ``held(…)`` with ``held = y if … else y``."""
    return _held(project, lambda box, n: (f"{box} = {n} if __debug__ else {n}", box, ""))


def held_as_default(project: Project) -> bool:
    """``y(…)`` → ``held()(…)`` with the default argument of a function that returns it."""
    return _held(project, lambda box, n: (f"def {box}(made={n}):\n    return made", f"{box}()", ""))


def held_by_inner_function(project: Project) -> bool:
    """``y(…)`` → ``held(…)`` with a closure made at import."""
    text = (
        "def make_{box}(made):\n    def call(*args, **kwargs):\n        return made(*args, **kwargs)\n\n"
        "    return call\n\n"
        "{box} = make_{box}({n})"
    )
    return _held(project, lambda box, n: (text.format(box=box, n=n), box, ""))


def held_by_callable_object(project: Project) -> bool:
    """``y(…)`` → ``held(…)`` with an object that has ``__call__``."""
    text = (
        "class Type_{box}:\n    def __call__(self, *args, **kwargs):\n        return {n}(*args, **kwargs)\n\n"
        "{box} = Type_{box}()"
    )
    return _held(project, lambda box, n: (text.format(box=box, n=n), box, ""))


def held_in_sys_modules(project: Project) -> bool:
    """``y(…)`` → ``sys.modules["x"].y(…)`` for modules of the project."""
    changed = False
    for found in list(imported(project)):
        called = _called_in_functions(found)
        if not called or not found.module.startswith("app"):
            continue
        for old in called:
            new = expression(f"sys.modules[{found.module!r}].{found.alias.name}")
            new.origin = getattr(old, "origin", None)  # type: ignore[attr-defined]
            Replace({id(old): new}).visit(found.tree)
        require(found.tree, "sys")
        changed = True
    return changed
