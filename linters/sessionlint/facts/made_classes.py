"""Classes that a call makes: ``Loud = type("Loud", (Ending, Command), {"retries": 3})`` is a class statement."""

from __future__ import annotations

import ast


def as_statement(node: ast.Assign) -> ast.ClassDef | None:
    """The class statement that an assignment stands for, at its place; ``None`` for others."""
    call, target = node.value, node.targets[0]
    if not isinstance(call, ast.Call) or len(call.args) != 3 or call.keywords or len(node.targets) > 1:
        return None
    name, bases, members = call.args
    if not isinstance(call.func, ast.Name) or call.func.id != "type" or not isinstance(target, ast.Name):
        return None
    if not isinstance(name, ast.Constant) or not isinstance(bases, ast.Tuple) or not isinstance(members, ast.Dict):
        return None
    body: list[ast.stmt] = []
    for key, value in zip(members.keys, members.values, strict=True):
        if not isinstance(key, ast.Constant) or not isinstance(key.value, str) or not key.value.isidentifier():
            return None
        member = ast.copy_location(ast.Name(key.value, ast.Store()), key)
        body.append(ast.copy_location(ast.Assign([member], value), value))
    if any(isinstance(base, ast.Starred) for base in bases.elts):
        return None
    body = body or [ast.copy_location(ast.Pass(), node)]
    made = ast.ClassDef(name=target.id, bases=bases.elts, keywords=[], body=body, decorator_list=[])
    return ast.copy_location(made, node)
