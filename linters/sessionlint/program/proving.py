"""The way from a function down to where its effect happens, or a handle is made, for the steps that prove a finding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.program.model import Effect, FunctionInfo, Hop

_MAX_STEPS = 12


def way_to(function: FunctionInfo, effect: Any) -> list[Hop]:
    """The hops from inside ``function`` down to where its effect happens; none when no code is found that does it.

    Every function knows one hop for each effect. Of functions that call each other these may lead round in a circle,
    past the one that does it: then the shortest way by any of their calls is taken.
    """
    hops: list[Hop] = []
    seen: set[tuple[FunctionInfo, Any]] = set()
    current, wanted = function, effect
    while (current, wanted) not in seen:
        seen.add((current, wanted))
        hop = current.summary.hop(wanted)
        if hop is None:
            return hops
        hops.append(hop)
        if hop.callee is None or hop.inner is None:
            return hops
        current, wanted = hop.callee, hop.inner
    return _shortest(function, effect) or hops


def _shortest(function: FunctionInfo, effect: Any) -> list[Hop]:
    ways: list[tuple[FunctionInfo, Any, list[Hop]]] = [(function, effect, [])]
    seen = {(function, effect)}
    for current, wanted, hops in ways:
        for hop in _hops(current, wanted):
            if hop.callee is None or hop.inner is None:
                return [*hops, hop]
            if (hop.callee, hop.inner) not in seen:
                seen.add((hop.callee, hop.inner))
                ways.append((hop.callee, hop.inner, [*hops, hop]))
    return []


def _hops(function: FunctionInfo, effect: Any) -> Iterator[Hop]:
    """Every call of a function that has an effect of it, as far as they tell."""
    hop = function.summary.hop(effect)
    if hop is None:
        return
    yield hop
    if not isinstance(effect, Effect) or effect.subject is not None:
        return  # another name for what it is done to
    for event in function.events:
        if event.kind == "effect" and event.effect == effect and event.callee is not None:
            yield Hop(event.site, f"{event.callee.called} is called here", event.callee, effect)


def way_to_source(function: FunctionInfo, key: Any) -> list[Hop]:
    """The hops from inside ``function``, which hands out a handle (by kind and root), down to where that is made."""
    hops: list[Hop] = []
    current: FunctionInfo | None = function
    seen: set[FunctionInfo] = set()
    while current is not None and current not in seen and len(hops) < _MAX_STEPS:
        seen.add(current)
        hop: Hop | None = current.summary.sources.get(key)
        if hop is None:
            break
        hops.append(hop)
        current = hop.callee
    return hops
