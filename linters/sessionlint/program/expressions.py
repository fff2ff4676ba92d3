"""Expressions become values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sessionlint.facts import ir
from sessionlint.program import (
    alike,
    awaitables,
    beginning,
    begun_if,
    begun_inside,
    calls,
    checked_lists,
    consuming,
    definitions,
    ended_generators,
    external_sources,
    generators,
    holding,
    iterating,
    joining,
    kept_connections,
    keys,
    late_awaits,
    left_open,
    listed,
    loaded_rows,
    mapped,
    operating,
    operators,
    pairs,
    picking,
    predicates,
    promising,
    row_locks,
    spelled_out,
    stepping,
    strings,
    told_tests,
    waiting,
)
from sessionlint.program.attributes import get_attribute
from sessionlint.program.declared_keys import Members
from sessionlint.program.frame import Frame
from sessionlint.program.guards import guards_in, literals_left, otherwise
from sessionlint.program.subscripts import seen, subscript
from sessionlint.program.targets import assign
from sessionlint.program.values import (
    MAX_ATOMS,
    SPREAD,
    TASK,
    UNKNOWN,
    Const,
    Map,
    Pending,
    Seq,
    Value,
    join,
    join_all,
    whole_of,
)


def evaluate(frame: Frame, e: ir.Expr, statement: bool = False, context: bool = False) -> Value:
    """The value of an expression (see :meth:`Frame.evaluate`)."""
    op = e[0]
    if op == "n":
        return frame.lookup(e[2])
    if op == "c":
        return calls.evaluate_call(frame, e, statement=statement, context=context)
    if op == "aw":
        return _await(frame, e, statement, context)
    return _EVALUATE[op](frame, e)


def _attribute(frame: Frame, e: ir.Expr) -> Value:
    value = get_attribute(frame, frame.evaluate(e[2]), e[3], e)
    return waiting.kept(frame, e, value) if frame.keeps_tasks else value


def _constant(frame: Frame, e: ir.Expr) -> Value:
    value = e[2]
    return (Const(value, type(value).__name__),)


def _await(frame: Frame, e: ir.Expr, statement: bool, context: bool) -> Value:
    frame.flags.append("awaited")
    try:
        value = frame.evaluate(e[2], statement, context)
    finally:
        frame.flags.pop()
    if frame.facts and e[2][0] != "c":
        late_awaits.note_late(frame, value, e)
    waiting.note_awaited(frame, value, e)
    if frame.tx and e[2][0] != "c":
        late_awaits.made_before(frame, (value,), e[2])
    if frame.futures:
        joining.waited_for(frame, value)
    if any(a.tag == "obj" and a.name == TASK for a in value):
        value = late_awaits.results(frame, value, e)
    out: Value = UNKNOWN
    for atom in holding.each(frame, value):
        if atom.tag == "pending" and atom.kind == "coro":
            out = join(out, calls.run_pending(frame, atom, e[1], e[2]))
        elif atom.tag == "operation":
            out = join(out, atom.result)
        elif atom.tag == "partial":
            # ``to_thread(work)`` that was kept, or given to ``wait_for``
            out = join(out, calls.call_atom(frame, atom, [], [], ("z", e[1], ())))
        elif atom.tag == "inst":
            out = join(out, late_awaits.by_method(frame, atom, e))
        else:
            if atom.tag == "ext":
                depth, guard = len(frame.guards), frame.awaiting.get(atom)
                frame.guards.extend((guard,) if guard is not None else ())
                waiting.for_service(frame, atom, e[2])
                del frame.guards[depth:]
            out = join(out, (atom,))
    return out


#: Operands that may do something.
_RUNS = frozenset({"c", "aw"})


def _bool(frame: Frame, e: ir.Expr) -> Value:
    # every operand after the first runs on some paths only: ``given or open_one()``
    values = [frame.evaluate(e[3][0])]
    before = frame.snapshot()
    depth, said = len(frame.guards), otherwise if e[2] == "or" else guards_in
    for test, operand in zip(e[3], e[3][1:], strict=False):
        if operand[0] in _RUNS:
            frame.guards.extend(said(frame, test))
        operators.asked(frame, values[-1], test[1])
        values.append(frame.evaluate(operand))
    del frame.guards[depth:]
    frame.merge(before)
    if e[2] == "or":
        values = [tuple(a for a in v if not (a.tag == "const" and not a.value)) for v in values[:-1]] + [values[-1]]
    else:
        values = list(values[-1:]) or values
    return join_all(values)


def _compare(frame: Frame, e: ir.Expr) -> Value:
    left = frame.evaluate(e[2])
    rights = [frame.evaluate(c) for c in e[4]]
    made = operators.compared(frame, e, [left, *rights])
    return predicates.comparison(frame, e, left, rights) or made


def _unary(frame: Frame, e: ir.Expr) -> Value:
    value = frame.evaluate(e[3])
    made = operators.alone(frame, e, value)
    if value and e[2] == "not" and value[0].tag == "operation":
        return beginning.negated(value) or made
    return tuple(a for a in value if a.tag == "predicate") or made


def _conditional(frame: Frame, e: ir.Expr) -> Value:
    asked = beginning.asked(frame, e[2])
    operators.asked(frame, frame.evaluate(e[2]), e[2][1])
    told = told_tests.outcome(frame, e[2]) if frame.depth else None
    if told is not None:
        return frame.evaluate(e[3] if told else e[4])
    before = frame.snapshot()
    depth = len(frame.guards)
    frame.guards.extend(guards_in(frame, e[2]))
    inside, outside = listed.tested(frame, e[2]) if e[2][0] in listed.TESTS else ((), ())
    if asked is not None:
        beginning.note(frame, asked.where_it_holds, asked)
    body = listed.chosen(frame.evaluate(e[3]), inside)
    begun_if.note(frame, body, depth)
    after = frame.snapshot()
    frame.restore(before)
    frame.guards[depth:] = otherwise(frame, e[2])
    if asked is not None:
        beginning.note(frame, asked.where_not, asked)
    orelse = listed.chosen(frame.evaluate(e[4]), outside)
    begun_if.note(frame, orelse, depth)
    del frame.guards[depth:]
    frame.merge(after)
    return join(body, orelse)


def _elements(frame: Frame, e: ir.Expr) -> Value:
    items: list[Value] = []
    many = False
    for element in e[2]:
        if element[0] == "*":
            for atom in consuming.run_out(frame, frame.evaluate(element[2]), element[1]):
                if atom.tag == "seq":
                    items.extend(atom.items)
                    many = many or atom.many
        else:
            items.append(frame.evaluate(element))
    return (Seq(tuple(items[:40]), many),)


def _display(evaluate: Callable[[Frame, ir.Expr], Value]) -> Callable[[Frame, ir.Expr], Value]:
    """Lambdas inside a list or dictionary are no methods of the class in whose body it stands."""

    def outside_class(frame: Frame, e: ir.Expr) -> Value:
        scope, frame.class_scope = frame.class_scope, None
        try:
            return evaluate(frame, e)
        finally:
            frame.class_scope = scope

    return outside_class


def _dict(frame: Frame, e: ir.Expr) -> Value:
    items: list[tuple[Any, Value]] = []
    partial = False
    parts: list[Map] = []
    for key_expr, value_expr in zip(e[2], e[3], strict=True):
        value = frame.evaluate(value_expr)
        if key_expr is None:
            value = _spread(frame, value)
            for atom in value:
                if atom.tag == "map":
                    items = [i for i in items if atom.get(i[0]) is None] + list(atom.items)
                    partial = partial or atom.partial
                    continue
                partial = True
                if atom.tag == "ext":
                    items.append((SPREAD, (atom,)))
            partial = partial or not value
            parts.extend([a for a in value if a.tag == "map"] or [Map((), True)])
            continue
        named_by = frame.evaluate(key_expr)
        key = keys.in_dictionary(named_by)
        if len(named_by) == 1 and named_by[0].tag == "text" and not named_by[0].dynamic:
            key = named_by[0].text
        if isinstance(key, str):
            frame.identifier(key, value, value_expr, "key")
        if key is None:
            added = tuple((k, value) for k in keys.columns(named_by) or awaitables.put_under(named_by, False, value))
            partial = partial or not all(isinstance(k, Members) for k, _ in added)
            items.extend(added)
        else:
            items = [i for i in items if i[0] != key]
            added = ((key, value),)
            items.append(added[0])
        parts.append(Map(added, key is None))
    site = frame.site(e[1])
    frame.made.add(site)
    return (Map(tuple(items), partial, site, whole_of(parts)),)


def _spread(frame: Frame, value: Value) -> Value:
    """What ``**given`` spreads: of what FastAPI injects, the dictionary that its dependency returns."""
    if not any(a.tag == "injected" for a in value):
        return value
    return tuple([v for a in value for v in (frame.solver.views(a) if a.tag == "injected" else (a,))])


def _yield(frame: Frame, e: ir.Expr) -> Value:
    value = frame.evaluate(e[2]) if e[2] is not None else UNKNOWN
    frame.yields = join(frame.yields, value)
    frame.leaves()
    if frame.tx:
        begun_if.at_yield(frame)
    if not frame.yielded or not frame.yield_transactions:
        frame.yield_transactions = tuple(frame.tx)
        frame.begun_at_yield = begun_inside.at_yield(frame)
    if frame.begins:
        kept_connections.at_yield(frame, value)
    frame.yielded = True
    left_open.at_yield(frame)
    generators.note_yield(frame, e[1])
    stepping.at_yield(frame)
    frame.emit("yield", e[1], value=value)
    if not value and e[2] is not None and e[2][0] == "n":
        promising.name_yielded(frame, e[2][2])
    return UNKNOWN


def _yield_from(frame: Frame, e: ir.Expr) -> Value:
    # what delegates to a generator ends it, too
    frame.flags.append("iterated")
    source = frame.evaluate(e[2])
    item = element_of(frame, source, e[1])
    frame.flags.pop()
    frame.yields = join(frame.yields, item)
    frame.yielded = True
    frame.kept_connections = {}
    left_open.at_yield(frame, delegated=True)
    inner = [a for a in source if isinstance(a, Pending)]
    once = bool(inner) and len(inner) == len(source)
    generators.note_yield(frame, e[1], once and all(frame.solver.summary_of(a.info).yields_once for a in inner))
    for atom in source:
        if isinstance(atom, Pending):
            generators.resume(frame, atom, e[1])
    return UNKNOWN


def _walrus(frame: Frame, e: ir.Expr) -> Value:
    value = frame.evaluate(e[3])
    assign(frame, e[2], value, e[3])
    return value


def _lambda(frame: Frame, e: ir.Expr) -> Value:
    return definitions.define_lambda(frame, e[2])


def _starred(frame: Frame, e: ir.Expr) -> Value:
    return frame.evaluate(e[2])


def _comprehension(frame: Frame, e: ir.Expr) -> Value:
    saved = dict(frame.env)
    frame.flags.append("loop")
    begun, first = len(frame.run_out), UNKNOWN
    for target, iterable, conditions in e[4]:
        source = frame.evaluate(iterable)
        first = first or source
        item = _each(frame, e, source, iterable)
        assign(frame, target, item, None)
        if target[0] == "t":
            pairs.note(frame, target, source)
        if not item:
            picking.note_each(frame, target, source)
        for condition in conditions:
            operators.asked(frame, frame.evaluate(condition), condition[1])
            frame.env.update(literals_left(frame, condition)[0])
            if condition[0] in listed.TESTS:
                listed.note(frame, listed.tested(frame, condition)[0])
    values = [frame.evaluate(element) for element in e[3]]
    frame.flags.pop()
    if e[2] != "GeneratorExp":
        iterating.note_several(frame, e, values[-1])
    if len(frame.run_out) > begun:
        ended_generators.gone_through(frame, begun, first if len(e[4]) == 1 and e[2] != "GeneratorExp" else UNKNOWN)
    names = {n for g in e[4] for n in _names(g[0])}
    for name in names:
        if name in saved:
            frame.env[name] = saved[name]
        else:
            frame.env.pop(name, None)
    told = spelled_out.of_each(frame, e, first) if len(e[4]) == 1 else UNKNOWN
    if told:
        return told
    if e[2] == "DictComp":
        return (awaitables.comprehension(values[0], values[1]),)
    return (Seq((values[0],), True),)


def _each(frame: Frame, e: ir.Expr, source: Value, iterable: ir.Expr) -> Value:
    """What a comprehension goes through; all but a generator expression come to the end of it, as ``for`` does."""
    if e[2] == "GeneratorExp":
        return element_of(frame, source, iterable[1])
    waiting.goes_through(frame, source, iterable)
    frame.flags.append("iterated")
    item = element_of(frame, source, iterable[1])
    frame.flags.pop()
    return item


def _names(target: ir.Expr) -> list[str]:
    if target[0] == "n":
        return [target[2]]
    if target[0] in ("t", "l"):
        return [n for t in target[2] for n in _names(t)]
    return []


def _other(frame: Frame, e: ir.Expr) -> Value:
    for child in e[2]:
        if child is not None:
            frame.evaluate(child)
    return UNKNOWN


def element_of(frame: Frame, value: Value, span: ir.Span4) -> Value:
    """What iterating over a value gives."""
    out: Value = UNKNOWN
    through = seen(frame, value)
    if len(through) > 1 and through[0].tag == "row":
        through = row_locks.known(frame, through)
    for atom in through:
        if atom.tag == "seq":
            out = join(out, join_all(list(atom.items)))
        elif atom.tag == "map":
            out = join(out, keys.gone_through(atom))
        elif isinstance(atom, Pending) and atom.kind == "gen":
            given = calls.run_pending(frame, atom, span, None)
            out = join(out, given)
            summary = frame.solver.summary_of(atom.info)
            if summary.ends_at_last or summary.closed_at_last:
                frame.run_out.append((atom, given))
        elif atom.tag == "operation":
            out = join(out, element_of(frame, atom.result, span))
        elif atom.tag == "row":
            out = join(out, operating.fetched(frame, atom, "__iter__", ("z", span, ())))
        elif atom.tag == "inst":
            out = join(out, iterating.elements(frame, atom, span))
        elif atom.tag == "param":
            out = join(out, iterating.of_declared(frame, atom, span))
            out = join(out, checked_lists.elements(frame, atom)) if frame.facts else out
            out = out or loaded_rows.each_passed(frame, atom)
        elif atom.tag == "ext" and atom.name.startswith(mapped.ROOTS):
            out = join(out, mapped.elements(atom.name))
        elif atom.tag == "ext":
            out = join(out, external_sources.elements(frame, atom))
        elif atom.tag == "cls" and frame.solver.is_model(atom.info):
            # ``Model.__table__.columns``
            out = join(out, mapped.listing("values"))
    if len(out) == MAX_ATOMS and out[0].tag == "inst":
        return alike.of_many(through, out)
    return out


_EVALUATE: dict[str, Callable[[Frame, ir.Expr], Value]] = {
    "a": _attribute, "k": _constant, "f": strings.joined, "b": strings.binary, "o": _bool, "x": _compare, "u": _unary,
    "q": _conditional, "t": _display(_elements), "l": _display(_elements), "e": _display(_elements),
    "d": _display(_dict), "i": subscript, "y": _yield,
    "yf": _yield_from, "w": _walrus, "lam": _lambda, "*": _starred, "g": _comprehension, "z": _other, "sl": _other,
}  # fmt: skip
