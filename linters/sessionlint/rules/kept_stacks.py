"""Exit stacks that an object keeps and nobody ends: what was entered on one stays open."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from sessionlint.facts import ir
from sessionlint.rules.walking import nodes_below

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import FunctionInfo
    from sessionlint.program.values import Handle

_ENTERS: Final = frozenset({"enter_context", "enter_async_context"})
#: What a stack is asked for without ending it, or giving what is on it to another one.
_FILLS: Final = _ENTERS | {"push", "push_async_exit", "callback", "push_async_callback"}


def is_left_on_stack(program: Program, function: FunctionInfo, handle: Handle) -> bool:
    """Whether a method has entered a handle on ``self.stack``, which the program does nothing else with."""
    name = _stack_of(function, handle)
    return name is not None and not any(_is_used(body, name) for body in _bodies(program, name))


def _stack_of(function: FunctionInfo, handle: Handle) -> str | None:
    """The attribute of its object on whose stack a method has entered a handle."""
    if function.class_info is None or not function.params or handle.site[0] != function.path:
        return None
    start, end = handle.site[1][:2], handle.site[1][2:]
    for node in nodes_below(function.body):
        if node[0] != "c" or len(node) != 5 or node[2][0] != "a" or node[2][3] not in _ENTERS:
            continue
        stack = node[2][2]
        own = stack[0] == "a" and stack[2][0] == "n" and stack[2][2] == function.params[0][0]
        if own and node[1][:2] <= start and end <= node[1][2:]:
            name: str = stack[3]
            return name
    return None


def _bodies(program: Program, name: str) -> Iterator[Any]:
    """The statements of all modules and functions, also those that nothing else asks for, where a name is mentioned."""
    text = name.encode()
    for module in program.modules:
        if module.mentions(text):
            body = module.body.body
            yield body
            # what stands in functions of a module or class is packed
            yield from (ir.body_of(n[2]) for n in nodes_below(body) if _is_packed(n))


def _is_packed(node: Any) -> bool:
    """Whether a node is a function whose statements are packed; a name may be spelled like its op."""
    facts = node[2] if node[0] == "F" and len(node) == 3 else ()
    return type(facts) is tuple and len(facts) > 4 and isinstance(facts[4], bytes)


def _is_used(body: Any, name: str) -> bool:
    """Whether a stack under this name is ended, entered or handed on: anything but assigned and filled."""
    seen: list[Any] = []
    harmless: list[Any] = []
    for node in nodes_below(body):
        if node[0] == "a" and len(node) == 4 and node[3] == name:
            seen.append(node)
        elif node[0] == "c" and len(node) == 5 and node[2][0] == "a" and node[2][3] in _FILLS:
            harmless.append(node[2][2])
        elif node[0] in ("=", ":") and _makes_stack(node[-1]):
            harmless.extend(node[2] if node[0] == "=" else (node[2],))
    return any(node not in harmless for node in seen)


def _makes_stack(value: ir.Expr | None) -> bool:
    return value is not None and value[0] == "c" and (ir.dotted(value[2]) or "").endswith("ExitStack")


__all__ = ["is_left_on_stack"]
