"""How a decorator's inner function leaves the session of the one function that it is put around.

``except Exception: await session.rollback(); raise`` ends nothing for a caller that goes on, and a ``flush()`` behind
the call sends what the function has added: so the inner function is gone through as it is put around that function.
"""

from __future__ import annotations

from sessionlint.facts import ir
from sessionlint.program import beginning, wrapping
from sessionlint.program.by_constant import defines
from sessionlint.program.frame import Frame, identity
from sessionlint.program.model import FunctionInfo, Summary
from sessionlint.program.values import Inst, Map, Seq, Value

_BEGINS = frozenset({"begin", beginning.IF_NONE})
_USES = frozenset({"hold", "use"})
_ENDS = frozenset({"commit", "rollback", "close"})
#: So deep such functions may stand around one another, and so many statements they may have.
_DEPTH = 3
_STATEMENTS = 20
_BY_POSITION = (ir.KIND_POSONLY, ir.KIND_NORMAL)


def surrounding(frame: Frame, body: tuple[ir.Stmt, ...]) -> tuple[ir.Stmt, ...] | None:
    """The statements of an inner function that by itself ends or flushes transactions; ``None`` for all others."""
    function = frame.function
    if function.parent is None or not function.parent.params or function.is_generator or len(body) > _STATEMENTS:
        return None
    found = used = begun = False
    for effect in frame.around:
        if effect.subject is None:
            continue
        if effect.kind == "txn":
            found = found or effect.name in _ENDS
            begun = begun or effect.name in _BEGINS
        elif effect.kind in _USES:
            # by the statements of the inner function itself
            found = found or (effect.kind == "hold" and frame.effects[effect].callee is None)
            used = True
    # what is used in a block of the inner function's own has ended with that
    return body if (found or (used and not begun)) and not defines(body) else None


def of_one(frame: Frame, function: FunctionInfo, wrapper: FunctionInfo) -> Summary | None:
    """What an inner function does around ``function``; ``None``: nothing that the two do not tell by themselves."""
    body, outer = frame.solver.summary_of(wrapper).surrounds, wrapper.parent
    if body is None or outer is None or frame.depth >= _DEPTH:
        return None
    for name, *_ in outer.params:
        for passed in frame.solver.read(("param", outer, name)):
            if passed.tag == "fn" and passed.info is function:
                given = {**_received(wrapper, function), name: (wrapping.bare(passed),)}
                found: Summary = frame.machine.specialize(frame, wrapper, body, given)
                return found
    return None


def _received(wrapper: FunctionInfo, function: FunctionInfo) -> dict[str, Value]:
    """What the inner function receives in a call of ``function``, as that one calls it."""
    named: dict[str, Value] = {name: (identity(function, name),) for name, *_ in function.params}
    by_place = [name for name, kind, *_ in function.params if kind in _BY_POSITION]
    if function.class_info is not None and not function.is_staticmethod and not function.is_classmethod and by_place:
        named[by_place[0]] = (Inst(function.class_info),)
    given: dict[str, Value] = {}
    place = 0
    for name, kind, *_ in wrapper.params:
        if kind == ir.KIND_VARARGS:
            given[name] = (Seq(tuple([named[n] for n in by_place[place:]])),)
        elif kind == ir.KIND_KWARGS:
            given[name] = (Map(tuple(named.items()), True),)
        elif name in named:
            given[name] = named[name]
        elif place < len(by_place):
            given[name] = named[by_place[place]]
        if kind in _BY_POSITION:
            place += 1
    return given
