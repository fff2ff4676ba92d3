"""Whether anything names a function: what nothing names, nothing calls, in sight or out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import FunctionInfo, ModuleInfo


def can_be_called(program: Program, function: FunctionInfo) -> bool:
    """Whether the program, a framework or a library may call a function that no call in sight calls."""
    if function.name.startswith(("__", "<")) or function.decorators or function.parent is not None:
        return True
    owner = function.class_info
    if owner is not None and (owner.decorators or program.solver.external_bases(owner) - {"builtins.object"}):
        return True
    modules = program.solver.modules.items()
    near = [m for path, m in modules if path == function.path or program.solver.mentions(path, function.name)]
    return any(_is_named_in(program, module, function) for module in near)


def _is_named_in(program: Program, module: ModuleInfo, function: FunctionInfo) -> bool:
    """A method is named behind a dot, a function by its own name, both in a text: ``"app.jobs:close"``.

    An import alone names nothing, unless a package hands out so what others call.
    """
    words = ("a",) if function.class_info is not None else ("a", "n")
    handed_out = (function.name, "*") if module.is_package else ("*",)
    if "n" in words and any(name in handed_out for _, name, _, _ in module.imports):
        return True
    inside = (f for f in program.functions if f.module is module)
    return any(_names(node, function.name, words) for f in (module.body, *inside) for node in _parts(f, function.name))


def _parts(function: FunctionInfo, name: str) -> tuple[Any, ...]:
    """What may name something: of a function whose words lack the name, not its body."""
    parts = (function.params, function.decorators)
    return (*parts, function.body) if not function.facts[8] or name in function.facts[8] else parts


def _names(node: Any, name: str, words: tuple[str, ...]) -> bool:
    for child in node:
        if type(child) is not tuple or not child:
            continue
        if len(child) == 2 and child[0] == name and type(child[1]) is str:
            return True  # imported under another name
        if len(child) > 2 and type(child[-1]) is str:
            if child[0] in words and child[-1] == name:
                return True
            if child[0] == "k" and child[-1].endswith((f".{name}", f":{name}")):
                return True
        if _names(child, name, words):
            return True
    return False
