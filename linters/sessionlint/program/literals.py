"""String literals where they stand in the source, with the name they are given: for rules about what is written down.

Values (see :mod:`sessionlint.program.values`) tell what reaches a call; a literal tells where it was written.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.facts.packing import unpack
from sessionlint.patterns import regex
from sessionlint.program.model import FunctionInfo, ModuleInfo
from sessionlint.program.strings import HOLE

#: Calls that hand on the literal in them: ``os.getenv("DATABASE_URL", "…")``, ``Field("…")``, ``SecretStr("…")``.
_HANDS_ON = frozenset(
    {
        "AnyUrl", "Argument", "Field", "MultiHostUrl", "Option", "PostgresDsn", "SecretStr", "Setting", "URL", "attrib",
        "cast", "config", "db_url", "default", "dj_db_url", "env", "environ", "field", "get", "getenv", "ib",
        "make_url", "setdefault", "str",
    }
)  # fmt: skip
_DEFAULTS = ("default", "server_default", "value")
#: Calls that declare an option of a command, by its name: ``parser.add_argument("--dsn", default="…")``.
_OPTIONS = frozenset({"add_argument", "add_option", "argument", "option"})

#: Where ``%`` and ``format()`` put something into a template.
_FILLED_IN = regex(r"%(?:\(\w+\))?[#0\- +\d.*]*[diouxXeEfFgGcrsa]|\{[^{}]*\}")

#: The name of what a function returns.
RETURNED = "return"
#: What stands behind the name of a list for its elements, as a key does behind that of a dictionary.
EACH = "[]"


class Literal(NamedTuple):
    """A string in code: ``text`` with ``\\0`` for what an f-string puts in, ``name`` of what it is assigned to.

    ``kept``: a name is assigned it, or a function returns it, or what ``%``, ``+`` or ``format()`` makes of it.
    ``returned_by``: the name of that function.
    """

    module: ModuleInfo
    expr: ir.Expr
    text: str
    name: str
    kept: bool = False
    returned_by: str = ""


def literals(module: ModuleInfo, needle: bytes) -> Iterator[Literal]:
    """All strings of a module whose functions mention ``needle``; docstrings and bare strings are left out."""
    for statement in module.body.body if module.mentions(needle) else ():
        yield from _walk(module, statement, "", needle)


def owner_of(module: ModuleInfo, span: ir.Span4) -> FunctionInfo:
    """The innermost function around a place."""
    best = module.body
    for function in module.functions:
        outer = function.span
        around = outer[:2] <= span[:2] and span[2:] <= outer[2:]
        if around and (best is module.body or outer[:2] >= best.span[:2]):
            best = function
    return best


def _walk(module: ModuleInfo, node: tuple[Any, ...], name: str, needle: bytes) -> Iterator[Literal]:
    op = node[0] if node else None
    if op == "k" or op == "f":
        if op == "f" or isinstance(node[2], str):
            yield Literal(module, node, _text(node), name)
        return
    if op == "E" and node[2][0] == "k":
        return
    if op == "F":
        yield from _function(module, node[2], needle)
    elif op == "C":
        # past the class's name, which may be spelled like an op
        yield from _each(module, node[2][3:], "", needle)
    elif op == "R":
        if node[2] is not None:
            yield from _kept(module, node[2], RETURNED, needle)
    elif op in ("=", ":"):
        target = node[2][0] if op == "=" else node[2]
        value = node[3] if op == "=" else node[4]
        if value is not None and target[0] == "t" and value[0] == "t" and len(target[2]) == len(value[2]):
            for own, part in zip(target[2], value[2], strict=True):
                yield from _kept(module, part, _name(own), needle)
        elif value is not None:
            yield from _kept(module, value, _name(target), needle)
    elif op == "c":
        yield from _call(module, node, name, needle)
    elif op == "d":
        for key, value in zip(node[2], node[3], strict=True):
            own = str(key[2]) if key is not None and key[0] == "k" else ""
            yield from _walk(module, value, f"{name} {own}".strip(), needle)
    elif op in ("l", "t", "e"):
        for child in node[2]:
            yield from _walk(module, child, name and f"{name} {EACH}", needle)
    elif op in ("o", "q", "b", "aw"):
        for child in node[2:]:
            if type(child) is tuple:
                yield from _each(module, child, name, needle)
    else:
        for child in node[2:] if type(op) is str else node:
            if type(child) is tuple:
                yield from _each(module, child, "", needle)


def _kept(module: ModuleInfo, value: ir.Expr, name: str, needle: bytes) -> Iterator[Literal]:
    begins = beginning(value)
    for found in _walk(module, value, name, needle):
        if found.expr is begins:
            yield found._replace(
                kept=True,
                name=found.name or name,
                text=found.text if begins is value else _FILLED_IN.sub(HOLE, found.text),
            )
        else:
            yield found


def beginning(expr: ir.Expr) -> ir.Expr:
    """What a text is made from: the first of what is added, a template that is filled in; else the expression."""
    while True:
        if expr[0] == "b" and expr[2] in ("+", "%"):
            expr = expr[3]
        elif expr[0] == "c" and expr[2][0] == "a" and expr[2][3] in ("format", "format_map"):
            expr = expr[2][2]
        elif expr[0] == "c" and expr[2][0] == "a" and expr[2][3] == "join" and _listed(expr):
            expr = _listed(expr)[0]
        else:
            return expr


def _listed(call: ir.Expr) -> tuple[ir.Expr, ...]:
    """The elements of the list or tuple that ``"".join([…])`` is given."""
    given = call[3][0] if len(call[3]) == 1 else None
    return given[2] if given is not None and given[0] in ("l", "t") else ()


def name_of(module: ModuleInfo, span: ir.Span4) -> str:
    """The name that what stands at a place is assigned to; ``""`` where it is to none."""
    for function in (module.body, *module.functions):
        for node in _assigned(function.body):
            value = node[3] if node[0] == "=" else node[4]
            if value is not None and value[1] == span:
                return _name(node[2][0] if node[0] == "=" else node[2])
    return ""


def _assigned(node: Any) -> Iterator[ir.Stmt]:
    """The assignments below, those of classes among them."""
    for child in node:
        if type(child) is tuple and child:
            if (child[0] == "=" and len(child) == 4) or (child[0] == ":" and len(child) == 5):
                yield child
            else:
                yield from _assigned(child)


def _each(module: ModuleInfo, node: tuple[Any, ...], name: str, needle: bytes) -> Iterator[Literal]:
    if len(node) > 1 and type(node[0]) is str and type(node[1]) is tuple and node[1] and type(node[1][0]) is int:
        yield from _walk(module, node, name, needle)
        return
    for child in node:
        if type(child) is tuple:
            yield from _each(module, child, name, needle)


def _function(module: ModuleInfo, function: tuple[Any, ...], needle: bytes) -> Iterator[Literal]:
    for _, name, _, default, _ in function[3]:
        if default is not None:
            yield from _walk(module, default, name, needle)
    for decorator in function[5]:
        yield from _walk(module, decorator, "", needle)
    body = function[4]
    if isinstance(body, bytes):
        if needle not in body:
            return
        body = unpack(body)
    for statement in body:
        for found in _walk(module, statement, "", needle):
            returned = found.name.startswith(RETURNED) and not found.returned_by
            yield found._replace(returned_by=function[0]) if returned else found


def _call(module: ModuleInfo, node: tuple[Any, ...], name: str, needle: bytes) -> Iterator[Literal]:
    callee = node[2][3] if node[2][0] == "a" else node[2][2] if node[2][0] == "n" else ""
    hands_on = callee in _HANDS_ON
    given = name
    if hands_on and node[3] and node[3][0][0] == "k" and (len(node[3]) > 1 or any(k in _DEFAULTS for k, _ in node[4])):
        given = f"{name} {node[3][0][2]}"
    elif callee in _OPTIONS:
        given = " ".join(a[2] for a in node[3] if a[0] == "k" and isinstance(a[2], str))
    yield from _walk(module, node[2], "", needle)
    for argument in node[3]:
        yield from _walk(module, argument, given if hands_on else "", needle)
    for keyword, value in node[4]:
        passed = given if (hands_on or callee in _OPTIONS) and keyword in _DEFAULTS else keyword or ""
        yield from _walk(module, value, passed, needle)


def _name(target: ir.Expr) -> str:
    if target[0] == "n":
        return str(target[2])
    if target[0] == "a":
        return str(target[3])
    if target[0] == "i" and target[3][0] == "k":
        return str(target[3][2])
    return ""


def _text(node: ir.Expr) -> str:
    if node[0] == "k":
        return node[2] if isinstance(node[2], str) else HOLE
    return "".join(_text(part) if part[0] in ("k", "f") else HOLE for part in node[2])
