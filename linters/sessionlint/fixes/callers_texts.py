"""Which texts and which calls can be about a function at all."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sessionlint.fixes.callers_bindings import BY_NAME, Bindings, Parents, last_name

if TYPE_CHECKING:
    from sessionlint.fixes.context import Context
    from sessionlint.program.model import ClassInfo, FunctionInfo

_METHODS = frozenset(("get", "put", "post", "patch", "delete", "head", "options", "trace"))
#: Decorators that leave the parameters of a function as they are.
_PLAIN = frozenset(("staticmethod", "classmethod", "override", "abstractmethod", "final"))


def may_name(
    context: Context, path: str, text: ast.Constant, parents: Parents, wanted: FunctionInfo, bindings: Bindings
) -> bool:
    """Whether a text may name a function: ``"app.orders.place"``, ``patch.object(orders, "place")``.

    A bare word does so only as an argument of what reaches attributes by name, and not when the object it is looked
    up in is another module; words in log messages, keys and columns name nothing.
    """
    owner = re.sub(r"[.:]?\w+$", "", str(text.value)).replace(":", ".")
    if owner:
        return _owns(context, path, owner, wanted, bindings)
    call = parents.get(text)
    if not isinstance(call, ast.Call) or last_name(call.func) not in BY_NAME or text not in call.args[:2]:
        return False
    looked_in = call.args[0]
    if looked_in is text or bindings.modules(looked_in) is None:
        return looked_in is text or not _is_self(looked_in) or wanted.class_info is not None
    return bindings.holds_one(looked_in)


def _owns(context: Context, path: str, owner: str, wanted: FunctionInfo, bindings: Bindings) -> bool:
    """Whether ``owner`` (what stands before the last dot) may be the module or class of the function."""
    names = context.program.solver.names
    module = names.path_of(owner, path)
    if wanted.class_info is not None:
        related = {info.name for info in context.program.classes if are_related(info, wanted.class_info)}
        return module is None and owner.rpartition(".")[2] in related
    if module is not None:
        return bindings.holds(module)
    return f".{wanted.module.name}".endswith(f".{owner}")


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def is_route(node: ast.Attribute, parents: Parents) -> bool:
    """``@router.put("/items")`` is a route, whatever methods are called ``put`` elsewhere."""
    call = parents.get(node)
    definition = parents.get(call) if isinstance(call, ast.Call) else None
    decorators = getattr(definition, "decorator_list", ())
    return node.attr in _METHODS and isinstance(call, ast.Call) and any(call is one for one in decorators)


def fits(context: Context, call: ast.Call, wanted: FunctionInfo) -> bool:
    """Whether a call can be one of the function: its parameters take the arguments, and none is left without one.

    A decorated function may take other arguments than it says.
    """
    definition = _definition(context, wanted)
    if definition is None or any(isinstance(arg, ast.Starred) for arg in call.args):
        return True
    if any(keyword.arg is None for keyword in call.keywords):
        return True
    if any(last_name(d.func if isinstance(d, ast.Call) else d) not in _PLAIN for d in definition.decorator_list):
        return True
    args = definition.args
    positional = [*args.posonlyargs, *args.args]
    if _takes(call, args, positional, args.defaults):
        return True
    return wanted.class_info is not None and _takes(call, args, positional[1:], args.defaults)


def _takes(call: ast.Call, args: ast.arguments, positional: Sequence[ast.arg], defaults: Sequence[ast.expr]) -> bool:
    if len(call.args) > len(positional) and args.vararg is None:
        return False
    given = {keyword.arg for keyword in call.keywords}
    known = {arg.arg for arg in (*positional, *args.kwonlyargs)}
    if given - known and args.kwarg is None:
        return False
    required = [arg.arg for arg in positional[: max(0, len(positional) - len(defaults))]]
    required += [arg.arg for arg, default in zip(args.kwonlyargs, args.kw_defaults, strict=True) if default is None]
    filled = {arg.arg for arg in positional[: len(call.args)]}
    return not set(required) - filled - given and not filled & given


def _definition(context: Context, wanted: FunctionInfo) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    parsed = context.parsed(wanted.path)
    if parsed is None:
        return None
    found = context.trees.mentions(wanted.path, context.sources[wanted.path]).functions.get(wanted.name, ())
    return next((node for node in found if node.lineno == wanted.header[0]), None)


def are_related(one: ClassInfo, other: ClassInfo | None) -> bool:
    """Whether one of two classes inherits from the other, as far as the program shows."""
    return one in _above(other) or other in _above(one)


def _above(cls: object) -> Iterator[object]:
    pending = [cls]
    seen: set[object] = set()
    while pending:
        current = pending.pop()
        if current in seen or current is None:
            continue
        seen.add(current)
        yield current
        pending.extend(getattr(a, "info", None) for a in getattr(current, "bases", ()))
