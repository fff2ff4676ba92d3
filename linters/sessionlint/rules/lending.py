"""Pools written by hand: what one function takes out of a container, another one puts back there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sessionlint.program.values import Handle, Param, contained

if TYPE_CHECKING:
    from sessionlint.program.model import Event


def lent_by(obtained: Event) -> frozenset[Param]:
    """The parameters of functions whose arguments may come out of the call that handed something out, as well."""
    lender = obtained.callee
    if lender is None:
        return frozenset()
    given = (a for a in lender.summary.returns if isinstance(a, Param) and a.info is not lender)
    # what an object is made with is no place to give anything back to
    return frozenset(a for a in given if a.info.path == lender.path and a.info.name != "__init__")


def gives_back(call: Event, lent: frozenset[Param], handle: Handle) -> bool:
    """Whether a call hands the handle to the function that puts it back for the next who asks."""
    return any(key in lent and any(_is(a, handle) for a in contained(value)) for key, value in call.bindings)


def _is(atom: object, handle: Handle) -> bool:
    return isinstance(atom, Handle) and (atom.site, atom.root) == (handle.site, handle.root)
