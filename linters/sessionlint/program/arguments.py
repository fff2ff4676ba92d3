"""Arguments: evaluated at the call, bound to the parameters of what is called."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import awaitables, consuming, decorated, knowledge, passed_options, supplied, wrapping
from sessionlint.program.frame import Frame, identity
from sessionlint.program.model import FunctionInfo
from sessionlint.program.records import mapped
from sessionlint.program.values import (
    ABSENT,
    UNKNOWN,
    UNKNOWN_KEYWORDS,
    Const,
    Fn,
    Inst,
    Map,
    Seq,
    Value,
    join_all,
    of_keywords,
    whole_of,
)

Keywords = list[tuple[str, Value]]


def _spread(value: Value) -> list[Value]:
    """The elements of ``*value``, joined by position; elements that repeat come twice."""
    alternatives = [a.items * 2 if a.many else a.items for a in value if a.tag == "seq"]
    return [join_all(list(row)) for row in zip_longest(*alternatives, fillvalue=UNKNOWN)]


def _place(function: ir.Expr) -> str:
    """What a keyword argument is: ``dict(id=…)`` writes a key, ``values(id=…)`` a column."""
    if function[0] == "a":
        return "values" if function[3] == "values" else "keyword"
    return "key" if function[0] == "n" and function[2] == "dict" else "keyword"


def arguments(frame: Frame, e: ir.Expr) -> tuple[list[Value], Keywords]:
    """Evaluated arguments; ``*`` and ``**`` are spread when their content is known."""
    args: list[Value] = []
    for arg in e[3]:
        if arg[0] == "*":
            value = awaitables.as_keys(consuming.run_out(frame, frame.evaluate(arg[2]), arg[1]))
            args.extend(_spread(value) or [value])
        else:
            args.append(frame.evaluate(arg))
    keywords: Keywords = []
    passed_on: list[Map] = []
    for name, expr in e[4]:
        value = frame.evaluate(expr)
        if name is not None:
            frame.identifier(name, value, expr, _place(e[2]))
            keywords.append((name, value))
            continue
        value = mapped(frame, value)
        maps = [a for a in value if a.tag == "map"]
        for key in dict.fromkeys(k for m in maps for k, _ in m.items if isinstance(k, str)):
            if any(key == written for written, _ in e[4]):
                continue  # what the call writes out is in no dictionary beside it: that would raise
            # a dictionary that lacks the key on some path leaves the parameter its default
            found = [m.get(key) for m in maps]
            keywords.append((key, join_all([(ABSENT,) if v is None else v for v in found])))
        passed_on.extend(m for m in maps if m.whole)
        if not any(not m.partial for m in maps):
            keywords.append((UNKNOWN_KEYWORDS, tuple(a for a in value if _is_claims(frame, a))))
    return args, _passing_on(keywords, passed_on, e) if passed_on else keywords


def _passing_on(keywords: Keywords, spread: list[Map], e: ir.Expr) -> Keywords:
    """With what says that some of them are those which the function itself is passed (``**options``)."""
    names = tuple((k, UNKNOWN) for m in spread for k, _ in m.items if isinstance(k, str))
    if any(arg[0] == "*" for arg in e[3]):
        names = (*names, (passed_options.STARRED, UNKNOWN))
    claims = join_all([v for k, v in keywords if k == UNKNOWN_KEYWORDS])
    rest = (*claims, Map(names, True, None, whole_of(spread)))
    return [*(k for k in keywords if k[0] != UNKNOWN_KEYWORDS), (UNKNOWN_KEYWORDS, rest)]


def _is_claims(frame: Frame, atom: Any) -> bool:
    """What a token decodes to: a dictionary of which it matters who gets it, whatever its keys are."""
    if atom.tag in ("param", "injected"):
        return any(a.tag == "ext" and _is_claims(frame, a) for a in frame.solver.views(atom))
    return bool(atom.tag == "ext" and atom.name.endswith("()") and knowledge.JWT_DECODERS.match(atom.name[:-2]))


#: The kinds of parameters one of which is the last where there are starred ones.
_AT_END = (ir.KIND_VARARGS, ir.KIND_KWARGS, ir.KIND_KWONLY)
_BY_NAME = (ir.KIND_POSONLY, ir.KIND_NORMAL, ir.KIND_KWONLY)


def bind(frame: Frame, function: FunctionInfo, callee: Fn, args: list[Value], keywords: Keywords) -> dict[Any, Value]:
    """Parameter identities to argument values; defaults fill the rest. The function is told what it is given."""
    bindings = bound(frame, function, callee, args, keywords)
    if frame.function in function.wrappers:
        bindings = decorated.as_given(frame, function, bindings)
    elif keywords and keywords[-1][0] == UNKNOWN_KEYWORDS:
        left = passed_options.left_to(function, dict(keywords), len(args) + (callee.receiver is not None))
        if left:
            bindings[passed_options.LEFT] = left
    options = function.params[-1][0] if function.params and function.params[-1][1] == ir.KIND_KWARGS else None
    for key, value in bindings.items():
        if key.tag == "param" and value:
            # for the function itself others may pass other keys
            told = tuple(Map(a.items, True) for a in value) if key.name == options else value
            frame.solver.flow(function, key.name, told)
    return bindings


def none_given(function: FunctionInfo, bindings: dict[Any, Value], e: ir.Expr) -> None:
    """``Desk(session)``: a call that writes out all it passes leaves ``*hooks`` and ``**options`` empty."""
    if not function.params or function.params[-1][1] not in _AT_END or e[0] != "c":
        return
    for arg in e[3]:
        if arg[0] == "*":
            return
    for name, _ in e[4]:
        if name is None:
            return
    for name, kind, *_ in function.params:
        if kind in (ir.KIND_VARARGS, ir.KIND_KWARGS) and not bindings.get(identity(function, name)):
            bindings[identity(function, name)] = (Seq(()),) if kind == ir.KIND_VARARGS else (Map(()),)


def _replaces(function: FunctionInfo, callee: Fn) -> bool:
    """Whether a plain function is called as a method that it has taken the place of."""
    return function.class_info is None and isinstance(callee.receiver, Inst)


def bound(frame: Frame, function: FunctionInfo, callee: Fn, args: list[Value], keywords: Keywords) -> dict[Any, Value]:
    """The same, for a call that the function itself need not know of."""
    frame.solver.ensure_signed(function)
    bindings: dict[Any, Value] = {}
    params = function.params
    values = list(args)
    takes_receiver = function.class_info is not None and not function.is_staticmethod and function.parent is None
    if callee.receiver is not None and (takes_receiver or _replaces(function, callee)):
        values.insert(0, (callee.receiver,))
    if function.wrappers and frame.function not in function.wrappers and not wrapping.is_bare(callee):
        values = supplied.behind_supplied(function, values)
    position, given = 0, len(values)
    by_name = dict(keywords)
    for name, kind, _, _, _ in params:
        if kind in (ir.KIND_POSONLY, ir.KIND_NORMAL) and position < given:
            if values[position] != supplied.SUPPLIED:
                bindings[identity(function, name)] = values[position]
            position += 1
        elif kind in _BY_NAME:
            if name in by_name:
                bindings[identity(function, name)] = by_name.pop(name)
            else:
                _default(function, name, bindings)
        elif kind == ir.KIND_VARARGS:
            rest = [UNKNOWN if v == supplied.SUPPLIED else v for v in values[position:]]
            bindings[identity(function, name)] = (Seq(tuple(rest)),) if rest else UNKNOWN
            position = given
        elif kind == ir.KIND_KWARGS:
            bindings[identity(function, name)] = (of_keywords(tuple(by_name.items())),) if by_name else UNKNOWN
    claims = tuple(a for a in by_name.get(UNKNOWN_KEYWORDS, UNKNOWN) if a.tag != "map")
    if claims and not any(p[1] == ir.KIND_KWARGS for p in params):
        bindings[Const(UNKNOWN_KEYWORDS, "str")] = claims
    return bindings


def _default(function: FunctionInfo, name: str, bindings: dict[Any, Value]) -> None:
    default = function.param_values.get(name, (UNKNOWN, UNKNOWN))[1]
    if default and not any(a.tag == "injected" for a in default):
        bindings[identity(function, name)] = default
