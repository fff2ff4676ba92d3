"""Dependencies that resolve a tenant, and the values they inject."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sessionlint.patterns import regex
from sessionlint.program import headers
from sessionlint.program.api import Program
from sessionlint.program.listing import FileListing
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import Dependency, Value, contained
from sessionlint.rules.kept_tenants import settles_tenant
from sessionlint.rules.plain_options import reads_only_options
from sessionlint.rules.tenancy import is_tenant_expression, is_tenant_key, mentions_tenant

_PLACES = ("headers", "cookies", "query_params", "path_params")
_UNDER_ANY = tuple([f".{place}{how}" for place in _PLACES for how in ("[]", ".get()")])
_CONVERTS = "uuid.UUID"
#: FastAPI's schemes that read the header, cookie or parameter of a name.
_NAMED_SCHEME = regex(r"^fastapi\.security\..*\[([^\]]*)\]\(\)$")
#: Services and the like are about tenants without resolving one for the request.
_NO_RESOLVER = regex(r"(?:service|repository|repo|client|manager|settings|config)s?$", re.I)


def resolves_tenant(program: Program, dependency: Dependency) -> bool:
    """Whether the dependency is named after a tenant, returns one, or keeps or demands that of the request."""
    # thousands of endpoints ask for the same few
    known = program.shared(_known)
    if dependency.target not in known:
        known[dependency.target] = _resolves(program, dependency)
    return known[dependency.target]


def _known(program: Program) -> dict[Value, bool]:
    return {}


def _resolves(program: Program, dependency: Dependency) -> bool:
    for atom in dependency.target:
        if atom.tag == "ext" and (named := _NAMED_SCHEME.match(atom.name)) and is_tenant_key(program, named[1]):
            return True
        info = getattr(atom, "info", None)
        about = info is not None and mentions_tenant(program, info.name) and not _NO_RESOLVER.search(info.name)
        if about and not reads_only_options(program, (atom,)):
            return True
    for function in program.targets(dependency):
        if _returns_tenant(program, function) or _keeps_tenant(program, function) or settles_tenant(program, function):
            return True
    told = any(_is_told_tenant(program, atom) for atom in dependency.target)
    return told and any(_reads_what_it_is_told(f) for f in program.targets(dependency))


def _is_told_tenant(program: Program, atom: Any) -> bool:
    """Whether an object was made with a tenant's name, or a function closes over one: ``FromHeader("X-Tenant-ID")``."""
    made = atom.receiver if atom.tag == "fn" else atom
    given = made.bindings if made is not None and made.tag in ("inst", "closed") else ()
    texts = (a.value for _, value in given for a in contained(value, 1) if a.tag == "const" and a.kind == "str")
    return any(is_tenant_key(program, text) for text in texts)


def _reads_what_it_is_told(function: FunctionInfo) -> bool:
    """Whether a function returns what the request has under a name that is not written in it, or converts it."""
    given = [e.value for e in function.events if e.kind in ("return", "yield")]
    given += [e.args[0] for e in function.events if e.kind == "external" and e.name == _CONVERTS and e.args]
    read = (a for value in given for one in value for a in (one.holes if one.tag == "text" else (one,)))
    return any(a.tag == "ext" and a.name.endswith(_UNDER_ANY) for a in read)


def _returns_tenant(program: Program, function: FunctionInfo) -> bool:
    events = [e for e in function.events if e.kind in ("return", "yield")]
    if any(is_tenant_expression(program, e.expr) for e in events):
        return True
    return any(
        a.tag == "ext" and a.name.endswith("]") and mentions_tenant(program, a.name.rpartition("[")[2])
        for e in events
        for a in _with_headers(function, e.value)
    )


def _keeps_tenant(program: Program, function: FunctionInfo) -> bool:
    """Whether a constructor that FastAPI calls keeps a tenant's header or cookie on the object."""
    if function.name != "__init__":
        return False
    fields = function.class_info is not None and function is function.class_info.maker
    kept: Value = tuple([a for e in function.events if e.kind == "setattr" for a in e.value])
    if fields:
        kept = tuple([a for _, default in function.param_values.values() for a in default])
    read = (a for a in _with_headers(function, kept) if headers.is_read(a) and a.name.endswith("]"))
    return any(is_tenant_key(program, a.name.rpartition("[")[2][:-1]) for a in read)


def _with_headers(function: FunctionInfo, value: Value) -> Value:
    """A value, and what the request holds for those parameters in it that FastAPI fills: ``x_tenant_id = Header()``."""
    filled = [a.name for a in value if a.tag == "param" and a.info is function]
    return (*value, *(a for name in filled for a in function.param_values.get(name, ((), ()))[1]))


def injected_tenants(program: Program) -> frozenset[Any]:
    """What tenant resolvers inject, but for sessions and the objects that hold one."""
    return program.shared(_injected)


def _injecting(listing: FileListing) -> Iterator[FunctionInfo]:
    return (f for f in listing.functions if f.dependencies)


def _injected(program: Program) -> frozenset[Any]:
    found = {
        atom
        for function in program.by_file(_injecting)
        for name, dependency in function.dependencies.items()
        if isinstance(dependency, Dependency) and resolves_tenant(program, dependency)
        for atom in function.param_values.get(name, ((), ()))[1]
        if atom.tag == "injected"
    }
    return frozenset(a for a in found if not program.handles(tuple(contained((a, *program.solver.views(a))))))
