"""Parameters nobody in sight passes a session for, used as nothing else can be.

``db.execute(select(Item))`` or ``db.add(item)`` of a mapped class, together with ``db.commit()``, says that ``db`` is a
session, and so does ``db.scalars(select(Item))`` by itself, or a statement together with ``db.get(Item, key)`` or
``db.add(item)`` or ``db.info[key] = value``; its name says nothing, and one alone of these an engine or a store of any
kind may have. A function that ends the transaction may pass ``db`` to one that loads the rows. So it is with what
stands in an attribute or under a key of a parameter (``unit.session``, ``context["db"]``), and with what a parameter
gives when it is called (``with factory() as db:``) and statements are run on; and what is passed for such a
parameter is a session, too. What only a session has (``db.bulk_save_objects(rows)``, ``db.stream_scalars(…)``) needs
nothing beside it, and ``db.expire_all()`` or ``db.begin_nested()`` no more than ``db.commit()``; nor do objects of any
kind that are added and read anew. An attribute of ``self`` that nobody in sight assigns, of a class whose base is a
library's, is told in the same way. Where the models are out of sight, ``db.query(User).filter(User.name == name)`` says
as much as a mapped class does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import knowledge, spelling
from sessionlint.program.frame import Frame
from sessionlint.program.model import ClassInfo, FunctionInfo
from sessionlint.program.values import (
    NAMESPACE,
    UNKNOWN,
    Const,
    Ext,
    Inst,
    Map,
    Method,
    Param,
    PartialCall,
    Text,
    Value,
)

_STATEMENTS = {knowledge.QUERY, "sqlalchemy.update()", "sqlalchemy.delete()", "sqlalchemy.insert()"}
_EXECUTE = {"execute", "scalar", "scalars", "exec", "stream", "stream_scalars"}
#: What runs statements and is had by sessions alone, and connections.
_OWN = {"scalars", "stream", "stream_scalars"}
#: What only a session has, whatever it is given.
_ALONE = {"stream_scalars", "bulk_save_objects", "bulk_insert_mappings", "bulk_update_mappings"}
#: What hardly anything else has: together with the end of a transaction it tells a session.
_RARE = {"expire_all", "expunge_all"}
_OF_ROWS = {"add", "add_all", "merge", "delete", "refresh", "expunge"}
_OF_CLASSES = {"get", "get_one", "query"}
_ENDS = {"commit": "ends", "rollback": "ends", "flush": "works", "begin": "works", "begin_nested": "nested"}
#: What is said of the methods that end a transaction, or have to do with one.
_OF_TRANSACTIONS = frozenset(_ENDS.values())
_ASYNC, _SYNC = Ext("sqlalchemy.ext.asyncio.AsyncSession()"), Ext("sqlalchemy.orm.Session()")
#: So many attributes and entries lie between a parameter and a session.
_DEPTH = 2
#: Without one of these nothing tells a session.
_BEGINS = _OF_TRANSACTIONS | {"session", "statement"}
#: The step from a parameter to what it gives when it is called, and what has to be done with that.
_CALLED = "()"
_RUN = {"session", "statement", "class"}
_COMPLETED: Value = (Const("completed", "mark"),)
#: What follows the query of a class that nobody sees.
_NARROWS = {"filter", "filter_by"}
#: The methods that say something.
WORDS = _EXECUTE | _OF_ROWS | _OF_CLASSES | set(_ENDS) | _NARROWS | _ALONE | _RARE
#: An object of whatever kind that is added, and one that is read anew from where it is kept.
_OBJECTS = {"add": "adds", "refresh": "rereads"}
#: What says nothing to those who only call the function.
_WEAK = {*_OBJECTS.values(), "rare", "awaited"}


def note(frame: Frame, e: ir.Expr, args: list[Value]) -> None:
    """Keeps what a method call on an unknown parameter says of it, in a cell of the parameter's function."""
    name = e[2][3]
    if name not in WORDS:
        return
    asked = e[2][2]
    if name in _NARROWS:
        said, asked = ("class", asked[2][2]) if _narrows_class(frame, e) else ("", asked)
    else:
        said = _said(frame, name, args)
    if not said:
        return
    receiver = _receiver(frame, asked)
    if receiver is not None:
        awaited = (Method(receiver, "awaited"),) if "awaited" in frame.flags else UNKNOWN
        frame.solver.write(("said", _holder(receiver).info), (Method(receiver, said), *awaited))


def note_together(frame: Frame, given: tuple[ir.Expr, ...]) -> None:
    """``gather(*(db.scalars(query) for query in queries))``: what such methods give is awaited there."""
    for e in given:
        inner = e[2] if e[0] == "*" else e
        for call in inner[3] if inner[0] == "g" else inner[2] if inner[0] in ("l", "t") else (inner,):
            if call[0] == "c" and call[2][0] == "a" and call[2][3] in WORDS and _is_plain(call[2][2]):
                receiver = _receiver(frame, call[2][2])
                if receiver is not None:
                    frame.solver.write(("said", _holder(receiver).info), (Method(receiver, "awaited"),))


def note_info(frame: Frame, target: ir.Expr) -> None:
    """The same of ``db.info[key] = value``, the dictionary that sessions and connections have."""
    receiver = _receiver(frame, target[2][2]) if _is_plain(target[2][2]) else None
    if receiver is not None:
        frame.solver.write(("said", _holder(receiver).info), (Method(receiver, "info"),))


def note_inherited(frame: Frame, e: ir.Expr, args: list[Value]) -> None:
    """The same of what a class has from a base out of sight, in its method's ``self.session.add(item)``."""
    attribute = e[2][2]
    owner = frame.function.class_info
    if owner is None or attribute[2][0] != "n" or not any(a == Inst(owner) for a in frame.lookup(attribute[2][2])):
        return
    said = _said(frame, e[2][3], args)
    if said:
        receiver = Method(Inst(owner), f".{attribute[3]}")
        awaited = (Method(receiver, "awaited"),) if "awaited" in frame.flags else UNKNOWN
        frame.solver.write(("said", frame.function), (Method(receiver, said), *awaited))


def note_name(frame: Frame, name: str, source: ir.Expr) -> None:
    """``session = unit.session``, ``with self.make() as session:`` of something unknown: what the name stands for."""
    called = source[0] == "c" and not source[3] and not source[4]
    held = called and source[2][0] == "a" and source[2][2][0] == "n"  # what a constructor was given
    if held or ((called or (source[0] == "a" and _is_plain(source))) and source[2][0] == "n"):
        frame.same_as[name] = source


def _narrows_class(frame: Frame, e: ir.Expr) -> bool:
    """``….query(User).filter(User.name == name)`` of a class that is imported from somewhere out of sight."""
    inner = e[2][2]
    if inner[0] != "c" or inner[2][0] != "a" or inner[2][3] != "query" or not inner[3] or inner[4]:
        return False
    queried = inner[3][0]
    name = ir.dotted(queried)
    known = frame.evaluate(queried) if name else UNKNOWN
    if name is None or not any(a.tag == "ext" and not a.name.endswith(")") for a in known):
        return False
    if e[2][3] == "filter_by":
        return bool(e[4]) and not e[3]
    return any(test[0] == "x" and test[2][0] == "a" and ir.dotted(test[2][2]) == name for test in e[3])


def _receiver(frame: Frame, e: ir.Expr, depth: int = 0) -> Any:
    """The parameter an expression gives, or the attribute or entry of one, as methods of it; ``None`` for all else."""
    if e[0] == "c":
        # of what was assigned before; it is not called once more
        made_by = _receiver(frame, e[2], depth + 1)
        return Method(made_by, _CALLED) if isinstance(made_by, Param) else None
    value = frame.evaluate(e)
    if len(value) == 1 and isinstance(value[0], Param):
        return value[0]
    if not value and e[0] == "n" and e[2] in frame.same_as:
        return _receiver(frame, frame.same_as[e[2]], depth)
    if value or depth == _DEPTH or not _is_plain(e):
        return None
    step = f".{e[3]}" if e[0] == "a" else f"[{e[3][2]}" if e[0] == "i" and _is_key(e[3]) else ""
    holder = _receiver(frame, e[2], depth + 1) if step else None
    return None if holder is None else Method(holder, step)


def _is_plain(e: ir.Expr) -> bool:
    """A name or what stands below one: evaluating it again does nothing."""
    while e[0] == "a" or (e[0] == "i" and _is_key(e[3])):
        e = e[2]
    return bool(e[0] == "n")


def _is_key(e: ir.Expr) -> bool:
    return bool(e[0] == "k" and isinstance(e[2], str))


def _holder(receiver: Any) -> Any:
    """The parameter in whose attributes and entries a session stands."""
    while receiver.tag == "method":
        receiver = receiver.receiver
    return receiver


def _within(receiver: Any, holder: Param) -> Any:
    """The same attribute or entry of another parameter."""
    return receiver._replace(receiver=_within(receiver.receiver, holder)) if receiver.tag == "method" else holder


def _holding(receiver: Any, value: Value) -> Value:
    """What the parameter is for its attribute or entry to be this."""
    if receiver.tag != "method":
        return value
    if receiver.name == _CALLED:
        given = tuple([Ext(a.name.removesuffix("()")) for a in value if isinstance(a, Ext)])
        return _holding(receiver.receiver, (PartialCall((Ext(knowledge.DECLARED_CALL),), (given,), ()),))
    entry = (receiver.name[1:], value)
    held = Map((NAMESPACE, entry) if receiver.name[0] == "." else (entry,), True)
    return _holding(receiver.receiver, (held,))


def _said(frame: Frame, name: str, args: list[Value]) -> str:
    if name in _ENDS:
        return "" if args else _ENDS[name]
    if name in _ALONE:
        return "session" if args else ""
    if name in _RARE:
        return "" if args else "rare"
    first = args[0] if args else UNKNOWN
    if name in _EXECUTE:
        runs = any(a.tag == "ext" and a.name in _STATEMENTS for a in first)
        return ("session" if name in _OWN else "statement") if runs else ""
    if name in _OF_CLASSES:
        return "class" if any(a.tag in ("cls", "column") and _mapped(frame, a) for a in first) else ""
    rows = [a for v in (i for s in first if s.tag == "seq" for i in s.items) for a in v] if name == "add_all" else first
    return "row" if any(_mapped(frame, a) for a in rows) else _OBJECTS.get(name, "") if len(args) == 1 else ""


def _mapped(frame: Frame, atom: Any) -> bool:
    """Whether something is a mapped class, a column or a row of one."""
    if atom.tag == "param":
        return any(view.tag == "inst" and frame.solver.is_model(view.info) for view in frame.solver.views(atom))
    if atom.tag == "column":
        return atom.owner is not None
    return atom.tag == "row" or (atom.tag in ("cls", "inst") and frame.solver.is_model(atom.info))


def note_text(frame: Frame, texts: tuple[Text, ...]) -> None:
    """Keeps that SQL of a function is completed by its arguments: who calls it says what is run."""
    if any(t.holes and all(_is_argument(h, frame.function) for h in t.holes) for t in texts):
        frame.solver.write(("completed", frame.function), _COMPLETED)
    spelling.note_sql(frame, texts)


def _is_argument(hole: Any, function: FunctionInfo) -> bool:
    while hole.tag == "operation":
        hole = hole.receiver
    return isinstance(hole, Param) and hole.info is function


def completed(functions: Iterable[FunctionInfo], cells: Mapping[Any, Value]) -> set[FunctionInfo]:
    """The functions whose SQL their callers complete."""
    return {function for function in functions if ("completed", function) in cells}


def revealed(
    functions: Iterable[FunctionInfo],
    cells: Mapping[Any, Value],
    arguments_of: Callable[[Param], Value],
    views: Callable[[Any], Value],
) -> list[tuple[Param, Value]]:
    """The parameters that are used as sessions, or pass the session on to where they are, with what they are.

    ``arguments_of`` gives what is passed for a parameter, ``views`` what is known of one. One for which something is
    known is left alone.
    """
    said: dict[Any, set[str]] = {}
    for function in functions:
        for method in cells.get(("said", function), UNKNOWN):
            if _holder(method.receiver).tag == "param":
                said.setdefault(method.receiver, set()).add(method.name)
    found = dict.fromkeys(_passed_to_declared(functions, cells, views))
    for receiver, words in said.items():
        if words <= _WEAK:
            continue
        if words.isdisjoint(_BEGINS):
            found.update((pair, None) for pair in _ended_by_callers(receiver, words, said, arguments_of, views))
            continue
        param = _holder(receiver)
        passed = arguments_of(param)
        others = [one for one in passed if one.tag == "param"]
        told = {word for one in (param, *others) for word in said.get(_within(receiver, one), ())}
        if not _tells(told) or (receiver.tag == "method" and receiver.name == _CALLED and told.isdisjoint(_RUN)):
            continue
        session = _holding(receiver, (_ASYNC if "awaited" in told else _SYNC,))
        if len(others) == len(passed):
            found[(param, session)] = None
        if all(one.tag == "param" or one in session for one in passed):
            found.update(((one, session), None) for one in others if not views(one))
    return list(found)


def revealed_attributes(
    functions: Iterable[FunctionInfo], cells: Mapping[Any, Value], known: Callable[[ClassInfo, str], Value]
) -> list[tuple[ClassInfo, str, Value]]:
    """The attributes of classes that are used as sessions, which their bases out of sight have, with what they are.

    ``known`` is what is told of an attribute.
    """
    said: dict[Any, set[str]] = {}
    for function in functions:
        for method in cells.get(("said", function), UNKNOWN) if function.class_info is not None else ():
            receiver = method.receiver
            if receiver.tag == "method" and receiver.receiver.tag == "inst":
                said.setdefault(receiver, set()).add(method.name)
    return [
        (attribute.receiver.info, attribute.name[1:], (_ASYNC if "awaited" in told else _SYNC,))
        for attribute, told in said.items()
        if _tells(told) and not known(attribute.receiver.info, attribute.name[1:])
    ]


def _ended_by_callers(
    receiver: Any,
    words: set[str],
    said: Mapping[Any, set[str]],
    arguments_of: Callable[[Param], Value],
    views: Callable[[Any], Value],
) -> list[tuple[Param, Value]]:
    """The callers' parameters whose transaction they end, passed to where rows are loaded or kept by them."""
    found: list[tuple[Param, Value]] = []
    for one in arguments_of(_holder(receiver)):
        told = said.get(_within(receiver, one), set()) if one.tag == "param" else set()
        if not told.isdisjoint(_OF_TRANSACTIONS) and _tells(words | told) and not views(one):
            session = _ASYNC if "awaited" in words | told else _SYNC
            found.append((one, _holding(receiver, (session,))))
    return found


def _tells(told: set[str]) -> bool:
    """Whether what is done with a parameter is done with a session only."""
    if "ends" in told and ("nested" in told or "rare" in told or told.issuperset(_OBJECTS.values())):
        return True
    if not told.isdisjoint(_OF_TRANSACTIONS):
        return not told.isdisjoint(("session", "statement", "class", "row"))
    return "session" in told or ("statement" in told and not told.isdisjoint(("class", "row", "info")))


def _passed_to_declared(
    functions: Iterable[FunctionInfo], cells: Mapping[Any, Value], views: Callable[[Any], Value]
) -> Iterator[tuple[Param, Value]]:
    """The parameters of which nothing is known but that they are passed where a session is declared."""
    for function in functions:
        for name, declared in function.session_params:
            for one in cells.get(("param", function, name), UNKNOWN):
                if one.tag == "param" and not views(one):
                    yield one, (Ext(f"{declared}()"),)
