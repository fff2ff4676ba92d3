"""Transactions that are open on some of the ways to a wait: ``if row: await session.flush()``, and then the call.

A branch that writes leaves its transaction open for what follows, where the other branch has not begun one. Doubt
counts for the code: what ends the transaction on any way that follows, and another condition on what decided about the
write. What a parameter decides is no business of callers that pass it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.facts.blocks import blocks_of
from sessionlint.program import holding
from sessionlint.program.frame import YES, Frame
from sessionlint.program.guards import Guard, guards_in, otherwise
from sessionlint.program.holding import HOLDS, IF_SO, ON_SOME, PENDING, SOMETIMES
from sessionlint.program.model import Effect, Hop
from sessionlint.program.values import Value, contained

#: A session, and what may be so of it.
Open = tuple[Any, str]
Facts = dict[tuple[Any, str], int]
State = tuple[dict[str, Any], Facts, bool]
#: Marks a way out of a function on which it returns nothing, or what is false.
_NOTHING = ("", "gives nothing")
#: Marks one on which it returns an object of this class; in a summary: it is open wherever something else comes back.
_GIVES, _UNLESS = "gives", "holds unless "
#: What tells whether its transaction is open, or has been.
_TELLS = (HOLDS, holding.OVER, "ended")
_ENDS = ("commit", "rollback", "close")
#: What is so in either case: on every way, or on some.
_SURELY = {**{fact: fact for fact in ON_SOME}, **{some: fact for fact, some in ON_SOME.items()}}
#: Marks of places that not every call of a function comes to, or that errors do not leave.
_INSIDE = frozenset({"branch", "loop", "handler", "try"})
_TESTS = ("x", "u", "o", "n")
_OPPOSITE = {"is": True, "==": True, "is not": False, "!=": False}


class Doubt(NamedTuple):
    """What decided whether a transaction is open: names, or the outcome of a call (at ``span``) that goes by a name.

    ``so``: it is open wherever that outcome is something; ``unless``: wherever it is of none of these classes;
    ``asked``: callers decide, by what they pass.
    """

    names: frozenset[str]
    span: ir.Span4
    so: bool
    unless: frozenset[str] = frozenset()
    asked: bool = False


def met(frame: Frame, branch: ir.Stmt, before: State, body: State) -> list[Open]:
    """The sessions that are open on one way out of an ``if``, and were not before: the ways are about to be joined."""
    if frame.dead or body[2] or frame.facts == body[1]:
        return []
    found: list[Open] = []
    for subject, fact in opened_in((frame.facts, body[1])):
        ways = (is_so(body[1], subject, fact), is_so(frame.facts, subject, fact))
        if ways == (True, True):
            found.append((subject, fact))
            continue
        other = frame.facts if ways[0] else body[1]
        if True not in ways or not _is_untouched(other, before[1], subject, fact):
            continue
        held, key = body[1] if ways[0] else frame.facts, (subject, ON_SOME[fact])
        names = {*names_in(branch[2]), *names_in([s[2] for s in _given(branch[3] if ways[0] else branch[4])])}
        by_callers = fact == PENDING and _is_asked(frame, branch[2])
        if held.get(key) == YES and key in frame.doubts:
            names |= frame.doubts[key].names
            by_callers = by_callers or frame.doubts[key].asked
        frame.doubts[key] = Doubt(frozenset(names), branch[2][1], False, asked=by_callers)
        found.append((subject, fact))
    return found


def opened_in(ways: Iterable[Facts]) -> list[Open]:
    """What is so of sessions on some of these ways, as if it were so on all."""
    return list(dict.fromkeys([(key[0], _SURELY[key[1]]) for way in ways for key in way if key[1] in _SURELY]))


def _is_asked(frame: Frame, test: ir.Expr) -> bool:
    """Whether what callers pass decides about a condition."""
    return bool(holding.asked_of_callers((*guards_in(frame, test), *otherwise(frame, test))))


def failed(frame: Frame, statement: ir.Stmt, before: State, paths: list[State]) -> list[Open]:
    """The sessions that ``except`` clauses have opened where what they stand at, if it goes well, has not."""
    ways = [facts for _, facts, dead in paths if not dead]
    if len(ways) < 2 or paths[0][2] or not any(ways):
        return []
    found: list[Open] = []
    for subject, fact in opened_in(ways):
        held = [is_so(facts, subject, fact) for facts in ways]
        if held[0] or True not in held or is_so(before[1], subject, fact):
            continue
        if all(so or _is_untouched(facts, before[1], subject, fact) for so, facts in zip(held, ways, strict=True)):
            doubt = Doubt(frozenset(_remembered(statement)), statement[1], False)
            frame.doubts[(subject, ON_SOME[fact])] = doubt
            found.append((subject, fact))
    return found


def _remembered(statement: ir.Stmt) -> Iterator[str]:
    """The names that may tell what became of a ``try``: what it gives something, and all that a clause mentions."""
    for given in _given(statement[2:6]):
        yield from names_in(given[2])
    for handler in statement[3]:
        yield from _mentioned(handler[3])


def _mentioned(node: Any) -> Iterator[str]:
    """All names in statements, and dotted ones with what they begin with."""
    for child in node:
        if type(child) is tuple and child:
            name = ir.dotted(child) if len(child) > 2 and child[0] in ("n", "a") else None
            if name is not None:
                yield name
            yield from _mentioned(child)


def keep(frame: Frame, opened: list[Open]) -> None:
    """The ways have been joined."""
    for subject, fact in opened:
        if frame.know(subject, fact) != YES:
            frame.learn(subject, ON_SOME[fact])


def tested(frame: Frame, test: ir.Expr) -> tuple[list[Open], list[Open]]:
    """The sessions of which a condition says that nothing is open where it holds, or where it does not."""
    inside: list[Open] = []
    outside: list[Open] = []
    for key, doubt in frame.doubts.items():
        if key not in frame.facts:
            continue
        asked = _is_in(doubt.span, test[1])
        # ``kept.outcome``, where a call's outcome was put into what goes by a name
        said = related(frame, test)
        if not asked and doubt.names.isdisjoint({*said, *[name.partition(".")[0] for name in said]}):
            continue
        says = _says(test, doubt) if doubt.so else _is_of(frame, test, doubt) if doubt.unless else None
        if says is not True:
            inside.append(key)
        if says is not False:
            outside.append(key)
    return inside, outside


def forget(frame: Frame, opened: list[Open]) -> None:
    """Nobody knows of anything open on this path."""
    for key in opened:
        frame.facts.pop(key, None)


def by_callee(frame: Frame, subject: Any, leaves: frozenset[tuple[Any, str]], atom: Any, call: ir.Expr) -> None:
    """A callee may have left the transaction of a session open; its summary says of ``atom`` where it surely has."""
    if frame.in_block(subject) or frame.know(subject, HOLDS) == YES:
        return
    names = _given_to(frame.function.body, call[1])
    so, unless = (atom, IF_SO) in leaves, frozenset[str]()
    if not so and len(names) < 2:
        told = [fact for known, fact in leaves if known == atom and fact.startswith(_UNLESS)]
        unless = frozenset([fact.removeprefix(_UNLESS) for fact in told])
    frame.doubts[(subject, SOMETIMES)] = Doubt(frozenset(names), call[1], so and len(names) < 2, unless)
    frame.learn(subject, SOMETIMES)


def note_return(frame: Frame, value: Value, given: bool) -> None:
    """A caller goes on from here with this value."""
    if not given or (value and all(a.tag == "const" and not a.value for a in value)):
        frame.exits[-1] |= {_NOTHING}
    elif len(value) == 1 and (name := _class_of(value[0])):
        frame.exits[-1] |= {(_GIVES, name)}


def is_told(fact: str) -> bool:
    """Whether a fact only says more of another: where something is given back, it is open."""
    return fact == IF_SO or fact.startswith(_UNLESS)


def _class_of(atom: Any) -> str:
    """The class of an object by its name; a library's is what was called to make it."""
    if atom.tag == "inst":
        return str(atom.info.dotted)
    return str(atom.name).removesuffix("()") if atom.tag == "ext" and atom.name.endswith("()") else ""


def left(frame: Frame, exported: dict[Effect, Any]) -> frozenset[tuple[Any, str]]:
    """What callers must know of transactions that are open on some ways out of a function."""
    # what an inner function asks may be a parameter of the function around it
    if (len(frame.exits) < 2 and not frame.doubts) or frame.function.parent is not None:
        return frozenset()
    found: set[tuple[Any, str]] = set()
    subjects = {key[0]: None for ways_out in frame.exits for key in ways_out if key[1] in (HOLDS, SOMETIMES)}
    for subject in subjects:
        ways = [(subject, HOLDS) in way for way in frame.exits]
        hop = _opened(frame, subject, exported)
        if all(ways) or hop is None:
            continue
        exported[Effect("hold", SOMETIMES, subject)] = hop
        found.add((subject, SOMETIMES))
        if all(held or _NOTHING in way for held, way in zip(ways, frame.exits, strict=True)):
            found.add((subject, IF_SO))
            continue
        doubt = frame.doubts.get((subject, SOMETIMES))
        if doubt is not None and _is_handed_on(frame, doubt):
            found.update([(subject, IF_SO)] if doubt.so else [(subject, f"{_UNLESS}{name}") for name in doubt.unless])
            continue
        others = [[n for g, n in way if g == _GIVES] for held, way in zip(ways, frame.exits, strict=True) if not held]
        if all(others):
            found.update([(subject, f"{_UNLESS}{name}") for given in others for name in given])
    return frozenset(found)


def note_certain(frame: Frame, guards: Iterable[Guard]) -> None:
    """``if not name: raise``: whoever gets something back from the function has passed what it asks for."""
    if not frame.function.is_generator and _INSIDE.isdisjoint(frame.flags):
        frame.certain.update(guards)


def _is_handed_on(frame: Frame, doubt: Doubt) -> bool:
    """Whether a function gives its callers just what told it whether the transaction is open."""
    if not (doubt.so or doubt.unless) or any(_NOTHING in way for way in frame.exits):
        return False
    returned = list(_returned(frame.function.body))
    return bool(returned) and all(_is_outcome(value, doubt) for value in returned)


def _returned(body: tuple[ir.Stmt, ...]) -> Iterator[ir.Expr]:
    for statement in body:
        if statement[0] == "R" and statement[2] is not None:
            yield statement[2]
        for block in blocks_of(statement):
            yield from _returned(block)


def _opened(frame: Frame, subject: Any, exported: dict[Effect, Any]) -> Hop | None:
    """Where a function opens it, whatever its parameters say, and never ends it."""
    if any(Effect("txn", end, subject) in exported for end in _ENDS):
        return None
    for name in (HOLDS, SOMETIMES):
        effect = Effect("hold", name, subject)
        if effect in exported and frame.certain.issuperset(frame.guarded.get(effect, ())):
            hop: Hop = exported[effect]
            return hop
    return None


def is_so(facts: Facts, subject: Any, fact: str) -> bool:
    """Whether something is so of a session on every way to here, or known to be on some."""
    return facts.get((subject, fact)) == YES or facts.get((subject, ON_SOME[fact])) == YES


def _says(test: ir.Expr, doubt: Doubt) -> bool | None:
    """Whether a condition says that a call gave something, or nothing; ``None``: it says something else."""
    if test[0] == "u" and test[2] == "not":
        inner = _says(test[3], doubt)
        return None if inner is None else not inner
    if test[0] == "x" and len(test[3]) == 1 and test[3][0] in _OPPOSITE and test[4][0][0] == "k":
        if test[4][0][2] is None and _is_outcome(test[2], doubt):
            return not _OPPOSITE[test[3][0]]
        return None
    return True if _is_outcome(test, doubt) else None


def _is_of(frame: Frame, test: ir.Expr, doubt: Doubt) -> bool | None:
    """The same of ``isinstance(outcome, Failed)``: it is open where that is not so, if all others are of this class."""
    if test[0] == "u" and test[2] == "not":
        inner = _is_of(frame, test[3], doubt)
        return None if inner is None else not inner
    if test[0] != "c" or test[2][0] != "n" or test[2][2] != "isinstance" or len(test[3]) != 2:
        return None
    asked = contained(frame.evaluate(test[3][1]), 1) if _is_outcome(test[3][0], doubt) else ()
    named = [a.info.dotted if a.tag == "cls" else a.name for a in asked if a.tag in ("cls", "ext")]
    return False if doubt.unless.issubset(named) else None


def _is_outcome(expr: ir.Expr, doubt: Doubt) -> bool:
    """Whether an expression is what a call gave, or the name that it goes by."""
    if expr[0] == "n":
        return expr[2] in doubt.names
    return bool((expr[2] if expr[0] == "aw" else expr)[1] == doubt.span)


def _is_in(span: ir.Span4, outer: ir.Span4) -> bool:
    return bool(outer[:2] <= span[:2] and span[2:] <= outer[2:])


def _is_untouched(facts: Facts, before: Facts, subject: Any, fact: str) -> bool:
    """Whether nothing has begun or ended the transaction of a session on a way."""
    if before.get((subject, ON_SOME[fact])) == YES and (subject, fact) not in before:
        return False
    return all(facts.get((subject, told)) == before.get((subject, told)) for told in (fact, *_TELLS))


def names_in(node: Any) -> Iterator[str]:
    """The names in an expression, dotted ones as a whole, but for those of what is called."""
    name = ir.dotted(node) if node and node[0] in ("n", "a") and len(node) > 2 else None
    if name is not None:
        yield name
        return
    if node and node[0] == "c":
        node = node[3:]
    for child in node:
        if type(child) is tuple and child:
            yield from names_in(child)


def related(frame: Frame, test: ir.Expr) -> frozenset[str]:
    """The names in a condition, and those that they were found out by: ``fresh = row is None``, ``if fresh:``."""
    found = set(names_in(test))
    if frame.assigned is None:
        frame.assigned = [
            (set(names_in(s[2])), set(names_in(s[3])), s[3][0] in _TESTS) for s in _given(frame.function.body)
        ]
    for _ in range(2):
        for targets, names, is_test in frame.assigned:
            if not found.isdisjoint(targets):
                found |= names
            elif is_test and not names.isdisjoint(found):
                found |= targets
    return frozenset(found)


def _given(node: Any) -> Iterator[ir.Stmt]:
    """The assignments in statements, those of functions defined there left out."""
    for child in node:
        if type(child) is tuple and child:
            if child[0] == "=" and len(child) == 4:
                yield child
            elif child[0] not in ("F", "C", "lam", "c"):
                yield from _given(child)


def _given_to(body: tuple[ir.Stmt, ...], span: ir.Span4) -> list[str]:
    """The names that the outcome of a call is given to."""
    found = next((s for s in _given(body) if _is_in(span, s[1])), None)
    return list(names_in(found[2])) if found is not None else []
