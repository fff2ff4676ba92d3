"""Tenants that an endpoint takes from the request itself: from a header, a cookie or an alias, whatever it calls it."""

from __future__ import annotations

from collections.abc import Iterator

from sessionlint.facts import ir
from sessionlint.program import headers
from sessionlint.program.api import Program
from sessionlint.program.listing import FileListing
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.rules.shown_texts import is_shown
from sessionlint.rules.tenancy import is_tenant_key, is_tenant_name

_READS = tuple([f".{place}{how}" for place in ("headers", "cookies", "query_params") for how in (".get", "[]")])
#: A call, and what stands under a key.
_WRITTEN = ("c", "i")


def filled_parameters(program: Program, function: FunctionInfo) -> Iterator[tuple[str, str, ir.Span4]]:
    """The parameters of an endpoint that a tenant's header fills, with that and their places."""
    for name, _, _, _, span in function.params:
        for atom in function.param_values.get(name, ((), ()))[1]:
            key = atom.name.rpartition("[")[2][:-1] if headers.is_read(atom) and atom.name.endswith("]") else ""
            if is_tenant_key(program, key) and not is_tenant_name(program, name):
                yield name, key, span


def looking_up(listing: FileListing) -> Iterator[Event]:
    """The events of a file that read a header, cookie or parameter of the query by its name."""
    return (e for e in listing.by_kind.get("external", ()) if e.name.endswith(_READS))


def looked_up(program: Program, event: Event) -> str | None:
    """The tenant's header that an event reads, unless that is only shown."""
    first = event.args[0] if event.args else ()
    key = first[0].value if len(first) == 1 and first[0].tag == "const" else ""
    if not isinstance(key, str) or not is_tenant_key(program, key):
        return None
    return None if any(is_shown(event.function, (op, event.span)) for op in _WRITTEN) else key


__all__ = ["filled_parameters", "looked_up", "looking_up"]
