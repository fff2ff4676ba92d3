"""SQL text as rules see it: where a text is handed over, directly or through functions that pass it on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.strings import texts_of
from sessionlint.program.values import Param, Text, Value
from sessionlint.report import TraceStep

_MAX_HOPS = 4


class SqlUse(NamedTuple):
    """SQL text handed over at ``event``; ``trace`` leads on to the place that executes it."""

    event: Event
    texts: tuple[Text, ...]
    trace: tuple[TraceStep, ...] = ()


def sql_uses(program: Program) -> Iterator[SqlUse]:
    """Every place that supplies SQL text, once per place."""
    seen: set[tuple[str, object]] = set()
    for use in _all(program):
        if use.event.site not in seen:
            seen.add(use.event.site)
            yield use


def _all(program: Program) -> Iterator[SqlUse]:
    wanted: dict[Param, tuple[TraceStep, ...]] = {}
    for event in program.events("sql"):
        texts = tuple(t for t in event.value if t.tag == "text")
        if texts:
            yield SqlUse(event, texts)
        for atom in event.args[0] if event.args else ():
            if isinstance(atom, Param):
                wanted.setdefault(atom, (program.step(event.site, "the text is executed as SQL here"),))
    for _ in range(_MAX_HOPS):
        found: dict[Param, tuple[TraceStep, ...]] = {}
        for call, param, value in _passed(program, wanted):
            trace = wanted[param]
            texts = texts_of(value)
            if texts:
                yield SqlUse(call, texts, trace)
            step = program.step(call.site, f"{param.info.name}() passes it on here")
            found.update({a: (step, *trace) for a in value if isinstance(a, Param) and a not in wanted})
        if not found:
            return
        wanted = {**wanted, **found}


def _passed(program: Program, wanted: dict[Param, tuple[TraceStep, ...]]) -> Iterator[tuple[Event, Param, Value]]:
    functions: set[FunctionInfo] = {p.info for p in wanted}
    for call in program.events("call"):
        if call.callee in functions:
            for identity, value in call.bindings:
                if isinstance(identity, Param) and identity in wanted and identity.info is call.callee:
                    yield call, identity, value
