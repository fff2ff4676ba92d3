"""Dependencies that look at nothing but what a page may be asked for: its number, its order."""

from __future__ import annotations

import builtins

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import Value
from sessionlint.rules.tenancy import mentions_tenant, names_tenant_last
from sessionlint.rules.walking import nodes_below

_BUILTINS = frozenset(dir(builtins)) - {"globals", "vars", "locals", "getattr", "eval", "exec"}
_PLAIN = (ir.KIND_NORMAL, ir.KIND_KWONLY)


def reads_only_options(program: Program, target: Value) -> bool:
    """Whether all that a dependency reads are parameters of the query that have literal defaults.

    Its name ends with what it gives (``tenants_page``), not with a tenant or what tells tenants apart.
    """
    for atom in target:
        if atom.tag == "cls":
            maker = program.solver.method(atom.info, "__init__")
            alone = not atom.info.bases and not atom.info.methods
            told = _asks(program, maker) if maker is not None else alone and _has_options(program, atom.info.attributes)
        else:
            told = atom.tag == "fn" and _asks(program, atom.info)
        if not told or names_tenant_last(program, atom.info.name):
            return False
    return bool(target)


def _has_options(program: Program, fields: dict[str, tuple[ir.Span4, Value, Value, ir.Expr | None]]) -> bool:
    return bool(fields) and all(
        entry[3] is not None and entry[3][0] == "k" and not mentions_tenant(program, name)
        for name, entry in fields.items()
    )


def _asks(program: Program, function: FunctionInfo) -> bool:
    params = (
        function.params[1:] if function.class_info is not None and not function.is_staticmethod else function.params
    )
    for name, kind, _, default, _ in params:
        literal = default is not None and default[0] == "k" and default[2] is not None
        if kind not in _PLAIN or not literal or mentions_tenant(program, name):
            return False
    known = {p[0] for p in function.params}
    nodes = list(nodes_below(function.body))
    known.update(t[2] for n in nodes if n[0] == "=" and len(n) == 4 for t in n[2] if t[0] == "n")
    return bool(params) and all(n[2] in known or n[2] in _BUILTINS for n in nodes if n[0] == "n" and len(n) == 3)
