"""Passwords that are written where a function is called which puts them into a URL, or connects with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from sessionlint.facts import ir
from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.strings import HOLE, texts_of
from sessionlint.program.values import Param, Text
from sessionlint.report import TraceStep
from sessionlint.rules.database_urls import URL_MADE, is_database, parse
from sessionlint.rules.sqltext import calls_of

_MAX_HOPS = 3
#: Stands in a URL for one of the values that are put into it.
_MARK = "\1"
_PASSWORD = 2


class PassedPassword(NamedTuple):
    """A call with a password, and where that stands in it."""

    call: Event
    span: ir.Span4
    secret: str
    trace: tuple[TraceStep, ...]


def passed_passwords(
    program: Program, connects: Callable[[Event], bool], names: tuple[str, ...]
) -> Iterator[PassedPassword]:
    """Every such call; ``connects`` says which events connect, with a password among the arguments of these names."""
    wanted = dict(_put_into_urls(program))
    for event in program.events("create", "external"):
        if connects(event):
            for param in [a for k, value in event.keywords if k in names for a in value if isinstance(a, Param)]:
                wanted.setdefault(param, (program.step(event.site, "it connects with the password here"),))
    for _ in range(_MAX_HOPS):
        found: dict[Param, tuple[TraceStep, ...]] = {}
        for call, callee, bindings in calls_of(program, {p.info for p in wanted}):
            for param in [p for p in bindings if isinstance(p, Param) and p in wanted and p.info is callee]:
                given = _argument(call, callee, param.name)
                for atom in bindings[param] if given is not None else ():
                    if isinstance(atom, Param) and atom not in wanted:
                        step = program.step(call.site, f"{atom.info.called} passes it on here")
                        found[atom] = (step, *wanted[param])
                    elif given is not None and atom.tag == "const" and isinstance(atom.value, str):
                        yield PassedPassword(call, given[1], atom.value, wanted[param])
        if not found:
            return
        wanted = found


def _put_into_urls(program: Program) -> Iterator[tuple[Param, tuple[TraceStep, ...]]]:
    for event in program.events("external", "url"):
        if event.kind == "url":
            params = [p for text in texts_of(event.value) for p in _passwords_of(text)]
        elif event.name == URL_MADE:
            given = [*event.args[_PASSWORD : _PASSWORD + 1], *(v for k, v in event.keywords if k == "password")]
            params = [a for value in given for a in value if isinstance(a, Param)]
        else:
            continue
        for param in params:
            yield param, (program.step(event.site, "the password is put into the URL here"),)


def _passwords_of(text: Text) -> Iterator[Param]:
    """The parameters that are the password of a URL."""
    pieces = text.text.split(HOLE)
    if len(pieces) != len(text.holes) + 1:
        return
    for index, hole in enumerate(text.holes):
        if isinstance(hole, Param):
            marked = HOLE.join(pieces[: index + 1]) + _MARK + HOLE.join(pieces[index + 1 :])
            url = parse(marked)
            if url is not None and url.password == _MARK and is_database(url):
                yield hole


def _argument(call: Event, callee: FunctionInfo, name: str) -> ir.Expr | None:
    """What a call writes for a parameter; nothing where that has its default."""
    expr = call.expr
    if expr is None or expr[0] != "c" or any(arg[0] == "*" for arg in expr[3]):
        return None
    for key, value in expr[4]:
        if key == name:
            return value  # type: ignore[no-any-return]
    names = [p[0] for p in callee.params]
    if name not in names:
        return None
    bound = callee.class_info is not None and callee.parent is None and not callee.is_staticmethod
    index = names.index(name) - (1 if bound else 0)
    return expr[3][index] if 0 <= index < len(expr[3]) else None


__all__ = ["PassedPassword", "passed_passwords"]
