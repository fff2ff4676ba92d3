"""Evaluating one function: parameters in, events and summary out."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from sessionlint.facts import ir
from sessionlint.facts.numbering import first_column
from sessionlint.program import (
    announcing,
    asked_names,
    attributes,
    beginning,
    by_constant,
    by_key,
    calls,
    checked_lists,
    configured,
    contexts,
    decorated,
    detaching,
    drawing,
    ended_generators,
    entered_around,
    entering,
    expressions,
    filling,
    forwarding,
    generators,
    growing,
    import_statements,
    joining,
    knowledge,
    left_around,
    left_open,
    listed,
    made_for,
    middleware,
    named_ways,
    promising,
    redefining,
    retrying,
    sometimes,
    spelling,
    subclassing,
    unsaved,
)
from sessionlint.program.definitions import given_through, receiver_of, sign
from sessionlint.program.frame import Frame, Machine
from sessionlint.program.guards import either
from sessionlint.program.model import Effect, Event, FunctionInfo, Hop, Summary
from sessionlint.program.solver import Solver
from sessionlint.program.statements import run_block
from sessionlint.program.values import (
    SESSION,
    UNKNOWN,
    Ext,
    Handle,
    Map,
    Param,
    Seq,
    Site,
    Value,
    bounded,
    join,
    join_all,
)


def _specialized(outer: Frame, function: FunctionInfo, body: tuple[ir.Stmt, ...], given: dict[str, Value]) -> Summary:
    """What a function does in a call of which these arguments are known."""

    def evaluate() -> Summary:
        frame = Frame(outer.solver, function, MACHINE)
        frame.depth = outer.depth + 1
        _parameters(frame)
        frame.env.update(given)
        run_block(frame, body)
        if not frame.dead:
            frame.leaves()
        return _summary(frame)

    return outer.solver.in_call((function, outer.depth, *given.items()), evaluate)


MACHINE = Machine(
    expressions.evaluate,
    calls.call_atom,
    calls.run_pending,
    contexts.enter,
    attributes.get_attribute,
    expressions.element_of,
    run_block,
    _specialized,
)
#: What a method calls its own object or class, whatever else is passed there by hand (``Base.__init__(self)``).
_RECEIVERS = ("self", "cls")
#: Effects that callers need to know of.
_EXPORTED = {"txn", "network", "use", "change", "hold", "schedule", "create", "escape", "register", "send", "awaits"}
#: Facts about handles that callers need to know of.
_LEFT = {"used", "begun", "closed", "ended", "pending", "holds", "flushed", "changed", "queried", beginning.ASKED,
         listed.LISTED, checked_lists.EACH}  # fmt: skip


def evaluate_function(solver: Solver, function: FunctionInfo) -> None:
    """Runs the body once with abstract arguments; replaces the function's events and summary."""
    frame = Frame(solver, function, MACHINE)
    if function.name != "<module>" or function.parent is not None:
        _parameters(frame)
    else:
        frame.env.update({"__name__": UNKNOWN})
    body = entered_around.body_of(frame, function)
    if function.decorator_values:
        retrying.waits_between(frame)
    if function is function.module.body:
        frame.redefined = redefining.replaced(body)
        frame.assigned_at = redefining.assigned(body)
    run_block(frame, body)
    if frame.grown:
        growing.settle(frame)
    if frame.imported_before:
        import_statements.give_back(frame)
    if not frame.dead:
        last, first = function.span[2], first_column(function.span[3])
        frame.emit("leave", (last, first, last, first + 1))
        if not function.is_generator:
            frame.leaves()
            sometimes.note_return(frame, UNKNOWN, False)
        elif frame.after_yield:
            ended_generators.at_end(frame)
    if frame.futures:
        joining.settle(frame, announcing.tell)
    if frame.entered_by_hand:
        entering.tell_by_hand(frame)
    function.events = frame.events
    function.summary = _summary(frame)
    function.summary.forwards = forwarding.passed_on(function, body) or forwarding.passed_further(frame, body)
    spells = bool(frame.returns) and spelling.note(frame)
    function.summary.answers = configured.answering(function, body, spells)
    function.summary.makes = made_for.making(frame, body)
    function.summary.draws = by_key.drawing(frame, body)
    function.summary.surrounds = left_around.surrounding(frame, body) if function.parent is not None else None
    function.summary.decides = by_constant.deciding(frame, body, function.summary)
    if function.name == "__getattr__" and function.parent is None and function.class_info is None:
        solver.write(("getattr", frame.path), function.summary.returns)
        asked_names.give_each(frame)
    if not function.evaluated and function.children and (function.name != "<module>" or function.parent is not None):
        for name, value in frame.env.items():
            solver.write(("local", function, name), value)


def sign_function(solver: Solver, function: FunctionInfo) -> None:
    """Annotations and defaults of a function of a module or class, evaluated on demand."""
    frame = Frame(solver, function.module.body, MACHINE)
    frame.header = function.header
    sign(frame, function)
    given_through(frame, function)


def _is_no_receiver(frame: Frame, name: str) -> bool:
    """Whether a first parameter is declared or passed something else: a method that forgot its ``@staticmethod``."""
    annotation = frame.function.param_values.get(name, (UNKNOWN, UNKNOWN))[0]
    if any(a.tag == "ext" and knowledge.handle_kind(a.name) == SESSION for a in annotation):
        return True
    return name not in _RECEIVERS and bool(frame.solver.ask("stands_alone", frame.function))


def _parameters(frame: Frame) -> None:
    function, solver = frame.function, frame.solver
    for index, (name, kind, _, _, span) in enumerate(function.params):
        if index == 0 and function.class_info is not None and kind in (ir.KIND_POSONLY, ir.KIND_NORMAL):
            receiver = subclassing.receiver(frame, receiver_of(function))
            if receiver and not _is_no_receiver(frame, name):
                frame.env[name] = receiver
                continue
        value: Value
        dependency = function.dependencies.get(name)
        if dependency is not None:
            value = function.param_values.get(name, (UNKNOWN, UNKNOWN))[1]
            held = tuple(a for a in value if solver.kind_of(a))
            frame.emit(
                "inject", span, name=name, value=(dependency,), subject=held or value, text="handle" if held else ""
            )
        elif kind == ir.KIND_VARARGS:
            each = _declared(frame, name)
            passed = solver.read(("param", function, name))
            in_order = bool(solver.read((decorated.PLACES, function)))
            if not in_order and len(passed) > 1 and forwarding.by_place(function, name):
                in_order = _hold(solver, passed)
            value = _by_place(passed) if in_order else _spread(passed)
            value = join(value, (Seq((each,), True),) if each else UNKNOWN)
            for held in (a for a in value if drawing.holds_function(a)):
                drawing.draw(frame, Param(function, name), held)
        elif kind == ir.KIND_KWARGS:
            each = _declared(frame, name)
            value = _options(function, name, solver.read(("param", function, name)), each)
            for held in (a for a in value if drawing.holds_function(a)):
                drawing.draw(frame, Param(function, name), held)
        elif name == "request" and _serves_every_request(frame):
            value = (Ext("fastapi.Request()"),)
        else:
            value = (Param(function, name),)
        frame.env[name] = value
        if function.children:
            solver.write(("local", function, name), value)
    if function.parent is not None:
        _around(frame, function.parent)
        listed.of_outer(frame)
        listed.of_outer(frame, checked_lists.EACH)


def _around(frame: Frame, outer: FunctionInfo) -> None:
    """What ``*functions`` of the function around this one holds: it is called here where that was given it."""
    for name, kind, *_ in outer.params:
        if kind in (ir.KIND_VARARGS, ir.KIND_KWARGS):
            for held in frame.solver.read(("local", outer, name)):
                if held.tag in ("seq", "map") and drawing.holds_function(held):
                    drawing.draw(frame, Param(outer, name), held)


def _options(function: FunctionInfo, name: str, passed: Value, each: Value) -> Value:
    """What ``**options`` holds: what any caller passes, and for each of them that it is what it passes."""
    maps = [a for a in passed if isinstance(a, Map)]
    if each:
        maps.append(Map(((("?",), each),), True))
    itself = ((Param(function, name), UNKNOWN),)
    return tuple(m._replace(whole=itself) for m in maps or [Map((), True)])


def _serves_every_request(frame: Frame) -> bool:
    """Middleware gets the request without saying so in an annotation."""
    function = frame.function
    if "middleware" in function.registrations or frame.solver.read((middleware.BY_CALL, function)):
        return True
    if function.class_info is None or function.name != "dispatch":
        return False
    return any(b.endswith("BaseHTTPMiddleware") for b in frame.solver.external_bases(function.class_info))


def _declared(frame: Frame, name: str) -> Value:
    """The handle that each of ``*sessions: AsyncSession`` is."""
    annotation = frame.function.param_values.get(name, (UNKNOWN, UNKNOWN))[0]
    if not annotation:
        return UNKNOWN
    return tuple(a for a in frame.solver.instances(annotation) if frame.solver.kind_of(a))


def _spread(passed: Value) -> Value:
    items: list[Value] = []
    for atom in passed:
        if atom.tag == "seq":
            items.extend(i for i in atom.items if i not in items)
    return (Seq(tuple(items[:12])),) if items else UNKNOWN


def _hold(solver: Solver, passed: Value) -> bool:
    """Whether sessions are among starred arguments: which of them is one must not get mixed up."""
    items = [item for atom in passed if atom.tag == "seq" for item in atom.items]
    return any(solver.kind_of(a) is not None for item in items for a in item)


def _by_place(passed: Value) -> Value:
    """The same for a function that asks what stands in one place: there, what any caller passes in that one."""
    items = [join_all(list(place)) for place in zip_longest(*[a.items for a in passed if a.tag == "seq"], fillvalue=())]
    return (Seq(tuple(items[:12])),) if items else UNKNOWN


def _summary(frame: Frame) -> Summary:
    function = frame.function
    owner = function.class_info
    if function.name in frame.solver.named or (owner is not None and owner.name in frame.solver.named):
        named_ways.tell(frame)
    exported: dict[Effect, object] = {}
    for effect, hop in frame.effects.items():
        subject = effect.subject
        if effect.kind not in _EXPORTED:
            continue
        if subject in frame.elsewhere or (subject is not None and subject.tag == "handle" and frame.is_local(subject)):
            continue
        exported[effect] = hop
    guards = {effect: found for effect, found in frame.guarded.items() if found and effect in exported}
    for effect, hop, under in unsaved.left(frame, exported) if frame.writes_left else ():
        exported[effect] = hop
        guards[effect] = either(guards[effect], under) if effect in guards else under
    held = frozenset.intersection(*frame.exits) if frame.exits else frozenset()
    leaves = frozenset((a, f) for a, f in held if f in _LEFT and not (a.tag == "handle" and frame.is_local(a)))
    if frame.begins and frame.returns:
        leaves |= {(session, "closed") for session in detaching.handed_out(frame, held)}
    leaves = beginning.left(leaves, exported, frame.returns)
    leaves |= sometimes.left(frame, exported) if frame.exits else frozenset()
    for effect in [e for e in exported if e.kind == "hold" and e not in guards]:
        if (effect.subject, effect.name) not in leaves:
            del exported[effect]
    always_raises = frame.dead and not frame.returned and not function.is_generator and bool(frame.events)
    commits = tuple((s, h) for n, s, h in frame.after_yield if n == "commit")
    given, handed_out = filling.filled(frame, frame.returns), filling.filled(frame, frame.yields)
    returns = bounded(promising.returned(frame, given))
    return Summary(
        returns=returns,
        yields=bounded(promising.yielded(frame, handed_out)),
        effects=exported,  # type: ignore[arg-type]
        sources=frame.sources,
        yield_transactions=frame.yield_transactions,
        yield_guards=frame.yield_guards,
        begun_at_yield=frame.begun_at_yield,
        commits_after_yield=commits,
        late_guards={hop: frame.late_guards[hop] for _, hop in commits if frame.late_guards.get(hop)},
        closes_after_yield=tuple(dict.fromkeys(s for n, s, _ in frame.after_yield if n == "close")),
        ends_at_last=ended_generators.ended(frame) if frame.after_yield else (),
        closed_at_last=frame.closed_at_last,
        always_raises=always_raises and any(e.kind == "raise" and not _abstract(e) for e in frame.events[-1:]),
        leaves=leaves,
        guards=guards,
        possible=_possible(frame),
        handed_back={a: frame.awaiting[a] for a in returns if frame.awaiting.get(a)} if frame.awaiting else {},
        keeps=tuple(frame.kept),
        hands_out_closed=_handed_out_closed(frame),
        hands_out_used=frozenset([a.root for a, f in held if f == "used" and a.tag == "handle" and frame.is_local(a)]),
        holds_open=left_open.holds_open(frame),
        ambient=tuple(frame.ambient),
        at_hand=tuple(frame.at_hand) if frame.at_hand else (),
        asks_rows=tuple(frame.asked_rows),
        yields_once=generators.yields_once(frame),
        takes=tuple(frame.takes),
        around={e: under for e, under in frame.around.items() if e in exported} if frame.around else {},
        finds=frame.finds,
        not_given=tuple([item for item in frame.not_given.items() if item[1]]) if frame.not_given else (),
        gives=tuple(frame.gifts.values()) if frame.gifts else (),
        includes=tuple(frame.included) if frame.included else (),
        late={effect: count for effect, count in frame.late.items() if effect in exported} if frame.late else {},
    )


def _possible(frame: Frame) -> dict[tuple[Effect, frozenset[Any]], Hop]:
    return {
        (effect, guards): hop
        for (effect, guards), hop in frame.possible.items()
        if effect.subject is None or effect.subject.tag != "handle" or not frame.is_local(effect.subject)
    }


def _handed_out_closed(frame: Frame) -> frozenset[Site]:
    """The origins of what is returned from inside the ``with`` that closes it, and never otherwise."""
    found: dict[Site, bool] = {}
    for event in frame.events:
        for atom in event.value if event.kind == "return" else ():
            if isinstance(atom, Handle):
                found[atom.root] = found.get(atom.root, True) and atom in event.open_sessions
    return frozenset(root for root, closed in found.items() if closed)


def _abstract(event: Event) -> bool:
    """``raise NotImplementedError``: sub-classes do not raise."""
    return event.expr is not None and ir.text_of(event.expr).startswith("NotImplementedError")
