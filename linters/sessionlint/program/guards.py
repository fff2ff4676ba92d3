"""Conditions on parameters: ``if commit:`` around a commit, ``if session is None:`` around a session of one's own.

An effect that only happens under such a condition does not happen in a call whose arguments say otherwise. What a
function does through a function or object that it is handed happens only where it is handed that one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.program import combined, compared, instances
from sessionlint.program.class_switches import SWITCHED, is_on, is_switch
from sessionlint.program.records import FIELD
from sessionlint.program.values import SPREAD, UNKNOWN, Const, Param, Value, contained, mark_of

if TYPE_CHECKING:
    from sessionlint.facts import ir
    from sessionlint.program.frame import Frame


#: The kind of guard under which nothing happens as long as it is not known that it holds.
ONLY = "only"
#: The kind of guard of what is taken out of a container.
AMONG = "among"
#: The kind of guard of what is done to instances of some classes, see :mod:`sessionlint.program.instances`.
INSTANCE = "instance"
#: The kind of guard of what several alternatives do alike.
ANY = "any"
_OF_CLASS = ("inst", "cls")
_ALTERNATIVES = frozenset({"is", "of", AMONG, ANY})
#: The kind of guard of what options have under a name, see :mod:`sessionlint.program.passed_options`.
ENTRY = "entry"
#: What can be told from another function or object that is called in its place.
_CALLED = frozenset({"fn", "cls", "inst", "partial", "method", "ext"})


class Guard(NamedTuple):
    """A parameter that must be ``true``, ``none`` or ``equal`` to a constant, or (``holds`` false) must not.

    What else a comparison asks: see :mod:`sessionlint.program.compared`.

    ``is``: it must be this function or object; ``of``: an object that has this class's method of this name;
    :data:`ONLY`: the same, and it must be known to be one; :data:`AMONG`: a container that has this function;
    :data:`ANY`: one of several such kinds and values; :data:`SWITCHED`: an object of a class with this switch on;
    :data:`INSTANCE`: an instance of one of some classes; :data:`~.combined.COMBINED`: several conditions together,
    those of other parameters among them.
    """

    param: Any
    kind: str
    value: Any
    holds: bool


#: Under this key a dictionary has what stands under keys that are no literals.
_ANY_KEY = ("?",)
_CHOOSES = ("==", "!=", "in", "not in")


def guards_in(frame: Frame, test: ir.Expr) -> tuple[Guard, ...]:
    """What a condition says of parameters when it holds."""
    op = test[0]
    if op == "o" and test[2] == "and":
        return tuple(guard for part in test[3] for guard in guards_in(frame, part))
    found = _guard(frame, test, True)
    return (found,) if found is not None else ()


def otherwise(frame: Frame, test: ir.Expr) -> tuple[Guard, ...]:
    """What a condition says of parameters when it does not hold."""
    if test[0] == "o" and test[2] == "or":
        return tuple(guard for part in test[3] for guard in otherwise(frame, part))
    found = _guard(frame, test, False)
    return (found._replace(holds=not found.holds),) if found is not None else ()


def _guard(frame: Frame, test: ir.Expr, outcome: bool) -> Guard | None:
    """What a condition that comes out so says of a parameter, as the guard of where it holds."""
    if test[0] == "u" and test[2] == "not":
        inner = _guard(frame, test[3], not outcome)
        return inner._replace(holds=not inner.holds) if inner is not None else None
    if test[0] == "x" and len(test[3]) == 1 and (param := _param(frame, test[2])) is not None:
        said = compared.said(frame, test[3][0], test[4][0])
        return Guard(param, said.kind, said.value, said.holds) if said is not None else None
    if test[0] in combined.PUT_TOGETHER:
        return of_conditions(combined.written(frame, test, _alone))
    if test[0] in combined.TAKES:
        return option_of(frame, test) or (_of_class(frame, test) if test[0] == "c" else None)
    if frame.said and test[0] == "n" and (conditions := combined.said_of(frame, test[2])) is not None:
        return of_conditions(conditions)
    value = _asked(frame, test)
    param = _told_by(value, outcome) if value else None
    if not isinstance(param, Param):
        param = _only_param(frame, test, value)
    if param is not None:
        return Guard(param, "true", None, True)
    if test[0] == "a" and is_switch(frame, test, value):
        return Guard(Param(frame.function, test[2][2]), SWITCHED, test[3], True)
    return None


def _alone(frame: Frame, test: ir.Expr) -> Any:
    """What a condition that is not put together says where it holds: a guard, several, or nothing."""
    found = _guard(frame, test, True)
    return found.value if found is not None and found.kind == combined.COMBINED and found.holds else found


def of_conditions(conditions: Any) -> Guard | None:
    """Several conditions as a guard; ``None`` where nothing is left to be asked."""
    if combined.is_too_much(conditions):
        return None
    if isinstance(conditions, Guard):
        return conditions
    return Guard(combined.guards_of(conditions)[0].param, combined.COMBINED, conditions, True)


def true_of(param: Any) -> Guard:
    """That a parameter is true."""
    return Guard(param, "true", None, True)


def of_test(frame: Frame, test: ir.Expr) -> Any:
    """What a test says of parameters where it holds; ``None`` where nothing is known of it."""
    return combined.written(frame, test, _alone)


def of_value(frame: Frame, expr: ir.Expr, value: Value) -> Any:
    """Under which conditions on parameters alone what is assigned is true; ``None``: it is nothing put together."""
    op = expr[0]
    if op in combined.PUT_TOGETHER:
        told = any(a.tag == "param" for a in value) or not value
    else:
        told = op == "x" or (op == "u" and expr[2] == "not")
    if not told:
        return combined.said_of(frame, expr[2]) if op == "n" and frame.said else None
    conditions = combined.written(frame, expr, _alone)
    return None if combined.is_too_much(conditions) else conditions


def note_said(frame: Frame, target: ir.Expr, conditions: Any) -> None:
    """``keep = self.commits if commit is None else commit``: where a name is true from here on."""
    if conditions is not None and target[0] == "n":
        combined.note(frame, target[2], conditions)


def option_of(frame: Frame, test: ir.Expr) -> Guard | None:
    """``options.get("commit")`` of the function's own ``**options``: that the option is given, and true."""
    found = combined.option(frame, test)
    return Guard(found[0], ENTRY, (found[1], "true", None, found[2]), True) if found is not None else None


def _told_by(value: Value, outcome: bool) -> Any:
    """The one parameter that a value is, where it comes out so: no literal beside it does (``self.quiet = True``)."""
    if len(value) == 1:
        return value[0]
    params = [a for a in value if a.tag == "param"]
    others = all(a.tag == "const" and bool(a.value) is not outcome for a in value if a.tag != "param")
    return params[0] if len(params) == 1 and others else None


def _asked(frame: Frame, expr: ir.Expr) -> Value:
    """What a name is here, or an attribute."""
    if expr[0] == "n":
        value = frame.env.get(expr[2])
        return _of_outer(frame, expr[2]) if value is None and frame.function.parent is not None else value or UNKNOWN
    return frame.evaluate(expr) if expr[0] == "a" else UNKNOWN


def _of_outer(frame: Frame, name: str) -> Value:
    """A parameter of a function around this one that nothing else is assigned to: an option of its decorator."""
    outer = frame.function.parent
    while outer is not None:
        value: Value = frame.solver.read(("local", outer, name))
        if value:
            return value if value == (Param(outer, name),) else UNKNOWN
        outer = outer.parent
    return UNKNOWN


def of_outer(frame: Frame, guard: Guard) -> bool:
    """Whether a condition asks for what a function around this one was given."""
    told = combined.guards_of(guard.value) if guard.kind == combined.COMBINED else (guard,)
    return any(isinstance(one.param, Param) and one.param.info is not frame.function for one in told)


def _of_class(frame: Frame, test: ir.Expr) -> Guard | None:
    """``isinstance(data, Page)``."""
    if test[2] != ("n", test[2][1], "isinstance") or len(test[3]) != 2:
        return None
    param = _param(frame, test[3][0])
    return None if param is None else of_classes(frame, param, test[3][1])


def matched(frame: Frame, name: str, cls: ir.Expr) -> Guard | None:
    """What ``case Order():`` says of the parameter that a name is."""
    value = frame.env.get(name, UNKNOWN)
    param = value[0] if len(value) == 1 and isinstance(value[0], Param) else None
    return None if param is None else of_classes(frame, param, cls)


def of_classes(frame: Frame, param: Param, classes: ir.Expr) -> Guard | None:
    """That a parameter is an instance of one of these classes."""
    info = param.info
    of_itself = info.class_info is not None and bool(info.params) and info.params[0][0] == param.name
    asked = instances.asked(frame, classes, of_itself)
    return None if asked is None else Guard(param, INSTANCE, asked, True)


def _param(frame: Frame, expr: ir.Expr) -> Any:
    """The one parameter an expression stands for: a name, or an attribute that a constructor's argument was kept in."""
    return _only_param(frame, expr, _asked(frame, expr))


def _only_param(frame: Frame, expr: ir.Expr, value: Value) -> Any:
    if len(value) > 1 and expr[0] == "a":
        value = compared.of_data_class(frame, value, expr[3])
    return value[0] if len(value) == 1 and isinstance(value[0], Param) else None


def literals_left(frame: Frame, test: ir.Expr) -> tuple[dict[str, Value], dict[str, Value]]:
    """Names that may be several literals: what is left of them where a condition holds, and where it does not.

    ``if key != "tenant_id":`` in a loop over known keys. A name of which nothing would be left is not told.
    """
    if test[0] == "u" and test[2] == "not":
        holds, fails = literals_left(frame, test[3])
        return fails, holds
    if test[0] == "o":
        parts = [literals_left(frame, part)[0 if test[2] == "and" else 1] for part in test[3]]
        merged = {name: value for part in parts for name, value in part.items()}
        return (merged, {}) if test[2] == "and" else ({}, merged)
    if test[0] != "x" or len(test[3]) != 1 or test[2][0] != "n" or test[3][0] not in _CHOOSES:
        return {}, {}
    name = test[2][2]
    value = frame.env.get(name, ())
    if len(value) < 2 or any(a.tag != "const" for a in value):
        return {}, {}
    named = frame.evaluate(test[4][0])
    listed = [i for a in named if a.tag == "seq" for i in a.items] if test[3][0].endswith("in") else [named]
    if not listed or any(len(i) != 1 or i[0].tag != "const" for i in listed):
        return {}, {}
    chosen = tuple(a for a in value if (a,) in listed)
    others = tuple(a for a in value if (a,) not in listed)
    if test[3][0] in ("!=", "not in"):
        chosen, others = others, chosen
    return ({name: chosen} if chosen else {}), ({name: others} if others else {})


def either(left: frozenset[Guard], right: frozenset[Guard]) -> frozenset[Guard]:
    """What must hold where an effect happens under these conditions, or under those."""
    found = set(left & right)
    others = {guard.param: guard for guard in right - left if guard.kind in _ALTERNATIVES and guard.holds}
    for guard in left - right:
        other = others.get(guard.param)
        if other is not None and guard.kind in _ALTERNATIVES and guard.holds:
            found.add(Guard(guard.param, ANY, _kinds(guard) | _kinds(other), True))
    return frozenset(found)


def _kinds(guard: Guard) -> frozenset[tuple[str, Any]]:
    known: frozenset[tuple[str, Any]] = guard.value if guard.kind == ANY else frozenset({(guard.kind, guard.value)})
    return known


def receiver_of(frame: Frame, expr: ir.Expr) -> Any:
    """The parameter whose method a call expression's callee is: ``self`` and what is kept on it included."""
    if expr[0] != "a":
        return None
    base, function = expr[2], frame.function
    if base[0] == "n" and function.class_info is not None and function.params and base[2] == function.params[0][0]:
        return Param(function, base[2])
    return _param(frame, base) or _field(frame, base)


def instead_of(frame: Frame, expr: ir.Expr) -> Any:
    """The parameter in whose place something else stands where nobody passes it: ``sender = sender or Outbox()``."""
    value = frame.env.get(expr[2][2], UNKNOWN) if expr[2][0] == "n" else UNKNOWN
    params = [a for a in value if isinstance(a, Param)] if len(value) > 1 else []
    return params[0] if len(params) == 1 else None


def name_of(frame: Frame, expr: ir.Expr) -> Any:
    """The parameter that names the method in ``getattr(session, method)(…)``."""
    if expr[0] != "c" or expr[2][0] != "n" or expr[2][2] != "getattr" or len(expr[3]) < 2:
        return None
    return _param(frame, expr[3][1])


def _field(frame: Frame, expr: ir.Expr) -> Any:
    """The key under which instances keep what a field of their data class was given."""
    function = frame.function
    info = function.class_info
    if expr[0] != "a" or expr[2][0] != "n" or info is None or not function.params:
        return None
    if expr[2][2] != function.params[0][0] or frame.solver.method(info, "__init__") is not None:
        return None
    return Const(expr[3], FIELD) if any(expr[3] in cls.attributes for cls in frame.solver.mro(info)) else None


def decided(guard: Guard, value: Value, mro: Callable[[Any], Sequence[Any]]) -> bool | None:
    """Whether the condition holds for an argument; ``None`` when that cannot be told.

    ``mro`` gives the classes of the project that a class is made of.
    """
    if guard.kind == ANY:
        each = {decided(Guard(guard.param, kind, of, True), value, mro) for kind, of in guard.value}
        return False if each == {False} else True if True in each else None
    if guard.kind == ONLY:
        return bool(value) and any(_has_method(guard, atom, mro) for atom in value)
    if guard.kind == AMONG:
        return False if _lack(value, guard.value) else None
    if guard.kind in ("is", "of"):
        found = {_is(guard, atom, mro) for atom in value}
        if guard.kind == "is" and True in found:
            return True
        return None if None in found or True in found or not found else False
    if guard.kind == INSTANCE:
        found = {instances.is_of(guard.value, atom, mro) for atom in value}
    elif guard.kind == SWITCHED:
        found = {is_on(guard.value, atom, mro) for atom in value}
    else:
        found = {_holds(guard, atom) for atom in value}
    if len(found) != 1:
        return None
    (only,) = found
    return None if only is None else only is guard.holds


def is_called_as(guard: Guard) -> bool:
    """Whether a guard asks for one of some functions, handed or out of a container."""
    return guard.kind in ("is", AMONG) or (guard.kind == ANY and all(kind in ("is", AMONG) for kind, _ in guard.value))


def is_handed(guard: Guard) -> bool:
    """Whether a guard asks for one of some functions that are called in the place of a parameter.

    What an object does that is called may be known by the class the parameter is declared as.
    """
    return all(kind == "is" and wanted.tag != "inst" for kind, wanted in _kinds(guard))


def is_drawn(guard: Guard) -> bool:
    """Whether a guard asks for one of some functions that are in a container."""
    return all(kind == AMONG for kind, _ in _kinds(guard))


def wanted_of(guard: Guard) -> Value:
    """The functions and objects of which a guard asks for one."""
    return tuple(wanted for _, wanted in _kinds(guard))


def handed_as(guard: Guard, param: Any) -> Guard:
    """The guard for a parameter that is put into the container."""
    wanted = wanted_of(guard)
    if len(wanted) == 1:
        return Guard(param, "is", wanted[0], True)
    return Guard(param, ANY, frozenset(("is", each) for each in wanted), True)


def _is(guard: Guard, atom: Any, mro: Callable[[Any], Sequence[Any]]) -> bool | None:
    wanted = guard.value
    if guard.kind == "of":
        if atom.tag == "const" and atom.value is None:
            return False  # something else stands in its place, or nothing is called
        return _has_method(guard, atom, mro) if atom.tag in _OF_CLASS and _is_final(atom, wanted[0], mro) else None
    if atom.tag == "inst" and wanted.tag == "inst":
        if None not in (marks := (mark_of(atom), mark_of(wanted))) and marks[0] != marks[1]:
            return False
        return wanted.info in mro(atom.info) or atom.info in mro(wanted.info)
    if atom == wanted:
        return True
    if atom.tag in ("map", "seq", "text") and wanted.tag == "inst":
        return False
    if atom.tag not in _CALLED or (atom.tag == "ext" and atom.name.endswith("()")):
        return None
    if atom.tag != wanted.tag or atom.tag == "ext":
        return False
    if atom.tag == "partial":
        return {_which(f) for f in atom.function} == {_which(f) for f in wanted.function}
    return bool(_which(atom) == _which(wanted))


def _which(atom: Any) -> Any:
    """What tells one function or class from others, whatever it is bound to."""
    return atom.info if atom.tag in ("fn", "cls", "inst") else atom.name if atom.tag == "method" else atom


def _lack(value: Value, wanted: Any) -> bool:
    """Whether all that is in these containers is known, and ``wanted`` is not there."""
    if not value or any(a.tag not in ("map", "seq") for a in value):
        return False
    if any(a == wanted or a.tag == "param" for a in contained(value, 2)):
        return False
    # what stands under keys that are no literals is known
    return not any(a.tag == "map" and a.partial and a.get(_ANY_KEY) is None and a.get(SPREAD) is None for a in value)


def _has_method(guard: Guard, atom: Any, mro: Callable[[Any], Sequence[Any]]) -> bool:
    owner, name = guard.value
    if atom.tag not in _OF_CLASS:
        return False
    classes = list(mro(atom.info))
    # a class in between may have a method of its own
    return owner in classes and not any(name in c.methods or c.assigns(name) for c in classes[: classes.index(owner)])


def _is_final(atom: Any, wanted: Any, mro: Callable[[Any], Sequence[Any]]) -> bool:
    """Whether an instance is not merely known as one of the wanted class's bases: with arguments it was made so."""
    return bool(atom.tag == "inst" and atom.bindings) or atom.info not in mro(wanted) or atom.info is wanted


def _holds(guard: Guard, atom: Any) -> bool | None:
    if atom.tag == "const":
        if guard.kind == "none":
            return atom.value is None
        if guard.kind in ("true", "equal"):
            return bool(atom.value) if guard.kind == "true" else bool(atom.value == guard.value)
        return compared.holds(guard.kind, guard.value, atom.value) if guard.kind in compared.TOLD else None
    if atom.tag in ("handle", "injected", "fn", "cls", "inst", "pending") and guard.kind in ("true", "none"):
        # an object: true, and not None
        return guard.kind == "true"
    return None
