"""Which classes keep a registry: they put what they are given into a container of theirs, and call what is in it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

_PUTS = frozenset({"append", "add", "insert", "appendleft", "setdefault"})
#: Methods of a metaclass that make a class.
_MAKES = frozenset({"__new__", "__init__"})
#: Methods of what is in a container that is a container itself: nothing is called that was put in.
_OF_CONTAINERS = _PUTS | {"get", "items", "keys", "values", "pop", "popleft", "update", "extend", "remove", "discard"}


def keeps_registry(node: ast.ClassDef) -> bool:
    """Whether objects of a class differ in what their methods were given to call.

    ``self.listeners[name].append(listener)`` in one method, ``for listener in self.listeners[name]: listener()`` in
    another.
    """
    inside = list(ast.walk(node))
    itself = ("self", "cls", node.name)
    if any(_keeps_classes(n, node) for n in node.body if isinstance(n, ast.FunctionDef)):
        return True
    # what ``def inner(handler)`` of a method is given comes first
    given = {a.arg for n in inside if isinstance(n, ast.FunctionDef) for a in n.args.args[n in node.body :]}
    filled = {name for n in inside for source in _filled(n, given) for name in _attributes(source, itself)}
    if not filled:
        return False
    sources: dict[str, list[ast.expr]] = {}
    for name, source in (pair for n in inside for pair in _sources(n)):
        sources.setdefault(name, []).append(source)
    called = (source for n in inside if isinstance(n, ast.Call) for source in _called(n, sources))
    return any(not filled.isdisjoint(_attributes(source, itself)) for source in called)


def _keeps_classes(method: ast.FunctionDef, node: ast.ClassDef) -> bool:
    """Whether a class keeps those below it, or a metaclass those it makes: ``Plugin.known[key] = cls``."""
    if method.name != "__init_subclass__":
        bases = (b.attr if isinstance(b, ast.Attribute) else getattr(b, "id", "") for b in node.bases)
        if method.name not in _MAKES or not any(base == "type" or base.endswith("Meta") for base in bases):
            return False
    owners = (*(a.arg for a in method.args.args[:1]), node.name)
    return any(name for n in ast.walk(method) for source in _filled(n, set()) for name in _attributes(source, owners))


def _filled(node: ast.AST, given: set[str]) -> Iterator[ast.expr]:
    """The containers that a statement puts the value of a name into, or an object of the class that is ``given``."""
    if isinstance(node, ast.Assign):
        for target in node.targets if _is_given(node.value, given) else ():
            if isinstance(target, ast.Subscript):
                yield target.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _PUTS:
        yield from [node.func.value] if any(_is_given(a, given) for a in node.args[-1:]) else ()


def _is_given(node: ast.expr, given: set[str]) -> bool:
    """A name, a tuple with what is ``given``, an object of that class, or one made with it: ``Handler(session)``."""
    if isinstance(node, ast.Tuple):
        return any(isinstance(part, ast.Name) and part.id in given for part in node.elts)
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return isinstance(node, ast.Name)
    if node.func.id in given:
        return True
    passed = (*node.args, *(k.value for k in node.keywords)) if node.func.id[:1].isupper() else ()
    return any(isinstance(a, ast.Name) and a.id in given for a in passed)


def _sources(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The names that a loop or assignment gives something, and what that is taken from."""
    if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        for n in ast.walk(node.target):
            if isinstance(n, ast.Name):
                yield n.id, node.iter
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            for name in target.elts if isinstance(target, ast.Tuple) else (target,):
                if isinstance(name, ast.Name):
                    yield name.id, node.value
    elif isinstance(node, ast.NamedExpr):
        yield node.target.id, node.value


def _called(node: ast.Call, sources: dict[str, list[ast.expr]]) -> Iterator[ast.expr]:
    """What that which is called was taken out of."""
    called = node.func.value if isinstance(node.func, ast.Attribute) else node.func
    if isinstance(called, ast.Name):
        yield from sources.get(called.id, ())
    elif isinstance(called, ast.Subscript | ast.Call) and called is node.func:
        yield called.func if isinstance(called, ast.Call) else called
    elif isinstance(called, ast.Subscript) and isinstance(node.func, ast.Attribute):
        # a method of what is in the container
        yield from () if node.func.attr in _OF_CONTAINERS else (called,)


def _attributes(expr: ast.expr, owners: tuple[str, ...]) -> Iterator[str]:
    """The attributes of an object that an expression mentions."""
    for n in ast.walk(expr):
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id in owners:
            yield n.attr


__all__ = ["keeps_registry"]
