"""Streamed answers: what they are made of, and the generators that run for as long as the client reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.knowledge import STREAMING
from sessionlint.program.values import UNKNOWN, Ext, Value, contained

if TYPE_CHECKING:
    from sessionlint.program.api import Program
    from sessionlint.program.model import Event, FunctionInfo

#: Through so many parameters a generator is followed to the answer that is made of it.
_HOPS = 3


def makes_stream(program: Program, event: Event) -> bool:
    """Whether a streaming response is made by a call."""
    if event.kind == "external":
        return event.name in STREAMING
    return any(bool(program.solver.external_bases(a.info) & STREAMING) for a in event.value)


def body_of(response: Event) -> Value:
    """What a response is made of; something unknown for what is not known."""
    body = response.args[0] if response.args else dict(response.keywords).get("content", UNKNOWN)
    return body or (Ext("?"),)


def streamed_generators(program: Program) -> frozenset[FunctionInfo]:
    """The generators that streaming responses are made of, wherever they are written."""
    return program.shared(_streamed)


def _streamed(program: Program) -> frozenset[FunctionInfo]:
    made = (e for e in program.events("external", "construct") if makes_stream(program, e))
    return frozenset(f for event in made for f in _generators(program, body_of(event), _HOPS))


def _generators(program: Program, body: Value, hops: int) -> Iterator[FunctionInfo]:
    for atom in contained(body):
        if atom.tag == "pending" and atom.kind == "gen":
            yield atom.info
        elif atom.tag == "param" and hops:
            passed: Any = program.solver.arguments_of(atom)
            yield from _generators(program, passed, hops - 1)


__all__ = ["body_of", "makes_stream", "streamed_generators"]
