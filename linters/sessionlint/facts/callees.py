"""What is called, written the plain way: local names for methods, ``getattr`` with a literal, spread displays."""

from __future__ import annotations

import ast
from collections import Counter


class LocalNames:
    """The names that a function gives to methods and functions: ``add = rows.append``.

    A name counts as long as the function binds it once, and nothing that its value is read from more than once.
    """

    def __init__(self, function: ast.AST | None) -> None:
        self._function = function
        self._values: dict[str, ast.expr] = {}
        self._bound: Counter[str] | None = None

    def note(self, node: ast.Assign) -> None:
        """Takes notice of an assignment."""
        target = node.targets[0]
        if self._function is not None and isinstance(target, ast.Name) and len(node.targets) == 1:
            self._values[target.id] = node.value

    def value(self, name: str) -> ast.expr | None:
        """The name, or the attribute of a name, that a name stands for; ``None`` when it stands for none for sure."""
        value = self._values.get(name)
        if value is None or self._function is None or not is_dotted(value):
            return None
        if self._bound is None:
            self._bound = _bindings(self._function)
        if self._bound[name] != 1:
            return None
        inner = value.value if isinstance(value, ast.Attribute) else value
        while isinstance(inner, ast.Attribute):
            if self._bound[f".{inner.attr}"]:
                return None
            inner = inner.value
        assert isinstance(inner, ast.Name)
        return value if self._bound[inner.id] <= 1 else None


def is_dotted(node: ast.expr) -> bool:
    """Whether an expression is a name or an attribute of one, however deep."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def named(node: ast.Call) -> ast.Attribute | None:
    """``getattr(x, "name")`` as ``x.name``, or ``None``."""
    is_getattr = isinstance(node.func, ast.Name) and node.func.id == "getattr"
    if not is_getattr or len(node.args) != 2 or node.keywords or isinstance(node.args[0], ast.Starred):
        return None
    name = node.args[1]
    if not isinstance(name, ast.Constant) or not isinstance(name.value, str) or not name.value.isidentifier():
        return None
    return ast.copy_location(ast.Attribute(node.args[0], name.value, ast.Load()), node)


def attributes_got(node: ast.Call) -> list[str]:
    """The names of ``attrgetter("session.commit")``: they are read like those of ``x.session.commit``."""
    function = node.func
    name = (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )
    if name != "attrgetter":
        return []
    texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    return [part for text in texts for part in text.split(".") if part.isidentifier()]


def arguments(node: ast.Call) -> tuple[list[ast.expr], list[ast.keyword]]:
    """The arguments of a call; ``*(a, b)`` and ``**{"key": c}`` give what is written in them."""
    args, keywords = node.args, node.keywords
    if any(isinstance(a, ast.Starred) and isinstance(a.value, (ast.Tuple, ast.List)) for a in args):
        args = [inner for a in args for inner in _spread(a)]
    if any(k.arg is None and isinstance(k.value, ast.Dict) for k in keywords):
        keywords = [inner for k in keywords for inner in _keywords(k)]
    return args, keywords


def _spread(argument: ast.expr) -> list[ast.expr]:
    if isinstance(argument, ast.Starred) and isinstance(argument.value, (ast.Tuple, ast.List)):
        return argument.value.elts
    return [argument]


def _keywords(keyword: ast.keyword) -> list[ast.keyword]:
    if keyword.arg is not None or not isinstance(keyword.value, ast.Dict):
        return [keyword]
    found: list[ast.keyword] = []
    for key, value in zip(keyword.value.keys, keyword.value.values, strict=True):
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
            return [keyword]
        found.append(ast.copy_location(ast.keyword(key.value, value), value))
    return found


def _bindings(function: ast.AST) -> Counter[str]:
    """How often names, and (after a dot) attributes, are bound in a function and the functions in it."""
    bound: Counter[str] = Counter()
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound[node.id] += 1
        elif isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            bound[f".{node.attr}"] += 1
        elif isinstance(node, ast.arg):
            bound[node.arg] += 1
        elif isinstance(node, ast.alias):
            bound[(node.asname or node.name).partition(".")[0]] += 1
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound[node.name] += node is not function
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            bound[node.name] += 1
        elif isinstance(node, ast.MatchMapping) and node.rest:
            bound[node.rest] += 1
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            bound.update(dict.fromkeys(node.names, 2))
    return bound
