"""Who owns a transaction: what is open around a call, what a request resolves first, how a session source ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.program import begun_if
from sessionlint.program.library_objects import UNASKED
from sessionlint.program.model import KEPT, Effect, Event, FunctionInfo, Transaction
from sessionlint.program.registering import Route
from sessionlint.program.sqlends import transaction_statements
from sessionlint.program.substitution import is_made_by
from sessionlint.program.values import CONNECTION, SESSION, Dependency, Handle, Injected, Site, Value
from sessionlint.report import TraceStep
from sessionlint.rules.called_objects import commits_late, source_of
from sessionlint.rules.class_views import class_dependencies
from sessionlint.rules.ended_by_helpers import by_helpers
from sessionlint.rules.given_sources import Given, commits_when_left, given_for
from sessionlint.rules.handed_methods import handed_over, scheduled
from sessionlint.rules.lazy_sessions import is_given_only
from sessionlint.rules.made_by_containers import by_container
from sessionlint.rules.mounting import mounts
from sessionlint.rules.out_of_sight import is_kept_in_variable, may_be_committed
from sessionlint.rules.plugin_commits import by_plugin
from sessionlint.rules.put_on import put_on
from sessionlint.rules.request_state import ends_for_all, opener_for_request
from sessionlint.rules.session_classes import may_commit_itself
from sessionlint.rules.sessions_inside import is_opened_by, is_session, opened_for
from sessionlint.rules.sqltext import sql_uses
from sessionlint.rules.two_halves import EXITS

if TYPE_CHECKING:
    from sessionlint.program.api import Program

_MAX_HOPS = 12


def one_per_call(events: Iterable[Event]) -> Iterator[Event]:
    """The first event of each call expression: a call may be several things at once."""
    seen: set[Site] = set()
    for event in events:
        if event.site not in seen:
            seen.add(event.site)
            yield event


def by_hand(program: Program, name: str) -> Iterator[Event]:
    """The calls that end a transaction themselves (``commit`` or ``rollback``) where nobody may."""
    ends = (e for e in program.events("txn") if e.name == name and not program.is_exempt(e.function))
    # what a library does unless told otherwise is not written by hand, but ends the block of whoever began one
    ends = (e for e in ends if UNASKED not in e.flags or e.transactions)
    handed = program.shared(handed_over)
    if handed:
        known = {end.site for end in handed}
        given = [e for end, calls in handed.items() if end.name == name for e in calls if program.judges(e.path)]
        ends = (e for e in (*ends, *given) if e.site not in known and not program.is_exempt(e.function))
    return one_per_call((*ends, *scheduled(program, name), *_handed_on(program, name), *by_helpers(program, name)))


def _handed_on(program: Program, name: str) -> Iterator[Event]:
    """Calls that hand SQL text such as ``COMMIT`` to a function that executes it."""
    for use in sql_uses(program):
        ended = {op for text in use.texts for op, _ in transaction_statements(text.text)} if use.trace else ()
        if name in ended and not program.is_exempt(use.event.function):
            yield use.event


def called(event: Event) -> str:
    """How a call reads in the source, for messages: ``save(…)``."""
    if event.name == "__iter__" or (event.kind == "hold" and event.expr is not None and event.expr[0] == "z"):
        return "for … in query"
    gone_through = event.kind == "network" and not event.name.endswith("__")
    read = ("c", "aw", "n", "a") if gone_through or event.kind == "hold" else ("c", "aw")
    text = ir.text_of(event.expr) if event.expr is not None and event.expr[0] in read else ""
    if event.kind == "change" and not text:
        return f"{ir.text_of(event.expr)} = …"
    if text.startswith("…("):
        text = ""  # what is called has no name there
    return text or f"{_special(event.callee) if event.callee else event.name}()"


def _special(callee: FunctionInfo) -> str:
    """The name of a function, with its class where Python calls it: ``Timer.__aexit__``."""
    owner = callee.class_info if callee.name.startswith("__") else None
    return f"{owner.name}.{callee.name}" if owner is not None else callee.name


def down_to(program: Program, event: Event, effect: Effect | None = None) -> list[TraceStep]:
    """The steps from a call down to the place where its ``effect`` (default: the event's) happens."""
    effect = effect or event.effect
    if event.callee is None or effect is None:
        return []
    here = program.step(event.site, f"{called(event)} is called")
    return [here, *put_on(program, event), *program.effect_trace(event.callee, effect)]


def owned(event: Event) -> tuple[Transaction, ...]:
    """The transactions open around an event, savepoints left out."""
    return tuple(t for t in event.transactions if not t.savepoint)


def owner_of(event: Event, subjects: Value) -> Transaction | None:
    """The innermost open transaction on one of ``subjects``, savepoints left out."""
    wanted = set(subjects)
    return next((t for t in reversed(owned(event)) if wanted & set(t.subjects)), None)


def is_web_request(function: FunctionInfo) -> bool:
    """Whether the function answers requests over HTTP, not only websockets."""
    return any(not route.method.startswith("websocket") for route in function.routes)


def received(atom: Any) -> bool:
    """Whether a value came in from outside the function: a parameter, or what FastAPI injects."""
    return atom.tag in ("param", "injected")


# dependencies of a request


def request_dependencies(program: Program, endpoint: FunctionInfo) -> list[Dependency]:
    """What FastAPI resolves before it calls ``endpoint``: application, routers, route, class, parameters."""
    found: list[Dependency] = []
    for route in endpoint.routes:
        found += [d for mount in mounts(program, route.router) for d in mount.dependencies]
        found += program.dependencies_in(route.dependencies)
    if endpoint.class_info is not None:
        found += class_dependencies(program, endpoint.class_info)
    return list(dict.fromkeys([*found, *endpoint.dependencies.values()]))


def behind(program: Program, dependency: Dependency) -> list[FunctionInfo]:
    """The project functions FastAPI runs for one dependency: its own and those of its sub-dependencies."""
    found: list[FunctionInfo] = []
    pending = [dependency]
    while pending:
        for function in program.targets(pending.pop()):
            if function not in found:
                found.append(function)
                pending.extend(function.dependencies.values())
    return found


def place_of(program: Program, site: Site, user: FunctionInfo) -> tuple[FunctionInfo, ir.Span4]:
    """Where to report a ``Depends(…)``: in the function that writes it, or the module that holds the alias."""
    (path, span), module = site, program.solver.modules.get(site[0])
    around = [user.span, *(route.span for route in user.routes if route.path_of_file == user.path)]
    inside = path == user.path and any(outer[:2] <= span[:2] <= outer[2:] for outer in around)
    return (user if inside or module is None else module.body, span)


def place_of_route(program: Program, endpoint: FunctionInfo, route: Route) -> tuple[FunctionInfo, ir.Span4]:
    """Where to report a route: at its endpoint's decorator, or in the file that registers it."""
    module = program.solver.modules.get(route.path_of_file)
    return (endpoint if route.path_of_file == endpoint.path or module is None else module.body, route.span)


# sessions and their sources


def injector(program: Program, atom: Injected) -> FunctionInfo | None:
    """The project function that FastAPI calls for an injected object."""
    source = source_of(atom)
    if source is None:
        return None
    return next(iter(program.targets(Dependency((source,), ("", (0, 0, 0, 0))))), None)


def commits_on_exit(
    program: Program, function: FunctionInfo, depth: int = 0, source: Any = None, passed: Given | None = None
) -> bool | None:
    """Whether leaving a session source (as a method of ``source``) commits; ``None`` when its code does not tell.

    ``passed``: what the call passes, which may say that it does not.
    """
    summary = function.summary
    if begun_if.begins(summary, passed or {}, program.solver):
        return True
    if begun_if.committing(summary, commits_late(program, function, source), passed or {}, program.solver):
        return True
    kept = kept_by(program, function)
    if kept and commits_when_left(program, function, passed or {}):
        return True
    if kept and _is_a_librarys(program, function):
        return None
    handed = summary.yields if function.is_generator else summary.returns
    stays = bool(kept) or _only_closes(program, function) or is_given_only(program, function)
    if depth > _MAX_HOPS or any(_leaves(program, e, stays) for e in function.events):
        return None
    # whoever is given a query works on its session
    behind_queries = (a.session for a in handed if a.tag == "row" and a.query)
    given = (a for a in (*handed, *behind_queries) if program.kind(a) in (SESSION, CONNECTION))
    sessions = (*given, *kept, *opened_for(function))
    answers = [closing_commits(program, function, a, depth + 1, passed) for a in sessions]
    if not answers or None in answers:
        return None
    return any(answers)


#: Base classes that add no methods.
_PLAIN = ("abc.", "builtins.object", "contextlib.Abstract", "typing.", "typing_extensions.")


def kept_by(program: Program, function: FunctionInfo) -> tuple[Handle, ...]:
    """The sessions that a method opens and its object keeps: what becomes of them is told of each such object."""
    return opened_and_kept(program, function) if function.name in EXITS else ()


def opened_and_kept(program: Program, function: FunctionInfo) -> tuple[Handle, ...]:
    """The same of any method, a constructor for one."""
    owner = function.class_info
    if owner is None:
        return ()
    kept = [a for cls in program.solver.mro(owner) for a in program.solver.peek(("attr", cls, KEPT))]
    # by itself, or by a method of the object to which it leaves that
    sources = function.summary.sources
    sessions = [a for a in kept if isinstance(a, Handle) and a.kind == "session"]
    return tuple(a for a in sessions if is_made_by(a, function) or (a.kind, a.root) in sources)


def _is_a_librarys(program: Program, function: FunctionInfo) -> bool:
    """Whether objects with this method have others of a library, which may commit what they keep."""
    family = (c for c in program.classes if function.class_info in program.solver.mro(c))
    return any(not base.startswith(_PLAIN) for c in family for base in program.solver.external_bases(c))


def _leaves(program: Program, event: Event, stays: bool) -> bool:
    """Whether a session gets to where others may commit it: not only into the object, if it ``stays`` there."""
    if is_kept_in_variable(event):
        return any(may_be_committed(program, a) for a in event.subject)
    if event.kind == "store":
        return not (stays and event.name == "attribute")
    return event.kind == "escape"


def _only_closes(program: Program, function: FunctionInfo) -> bool:
    """Whether a class keeps the session it is entered with for nothing but closing it when it is left."""
    owner = function.class_info
    if owner is None or program.solver.method(owner, EXITS.get(function.name, "")) is None:
        return False
    family = [c for c in program.classes if owner in program.solver.mro(c)]
    methods = {m for member in family for c in program.solver.mro(member) for m in c.methods.values()}
    return not any(e.kind == "txn" and e.name != "close" for m in methods for e in m.summary.effects)


def closing_commits(
    program: Program, function: FunctionInfo, atom: Any, depth: int = 0, passed: Given | None = None
) -> bool | None:
    """Whether closing a session that ``function`` holds commits it; ``None`` when its origin does not tell.

    ``passed``: what the function itself is passed.
    """
    if isinstance(atom, Injected):
        source = injector(program, atom)
        if source is None:
            answer = by_plugin(program, atom)
            return by_container(program, atom) if answer is None else answer
        return commits_on_exit(program, source, depth + 1, source_of(atom))
    hop = function.summary.sources.get((atom.kind, atom.root)) if isinstance(atom, Handle) else None
    if hop is None:
        answer = _inside_injected(program, function, atom, depth) if is_session(atom) else None
        return _for_request(program, function, atom, depth) if answer is None else answer
    if hop.callee is not None:
        given = given_for(program, function, hop.callee, atom, passed or {})
        return commits_on_exit(program, hop.callee, depth + 1, passed=given)
    # a registry's session goes by the place of that, wherever it is asked for
    creates = [e for e in function.events if e.kind == "create"]
    made = [e for e in creates if e.site == atom.root or (atom.registry and atom in e.subject)]
    own_class = tuple(callee for e in made for callee in e.value)
    return None if not made or may_commit_itself(program, atom, own_class) else False


def _inside_injected(program: Program, user: FunctionInfo, session: Handle, depth: int) -> bool | None:
    """The same for a session that dependencies of the request open for the object which they inject."""
    behind_all = dict.fromkeys(f for asked in request_dependencies(program, user) for f in behind(program, asked))
    answers = [commits_on_exit(program, f, depth + 1) for f in behind_all if is_opened_by(f, session)]
    if not answers or None in answers:
        return None
    return any(answers)


def _for_request(program: Program, user: FunctionInfo, atom: Any, depth: int) -> bool | None:
    """The same for a session that was opened around the request, and is found in its state."""
    opener = opener_for_request(program, atom) if isinstance(atom, Handle) else None
    if opener is None or opener is user:
        return None
    return ends_for_all(program, opener, atom) or closing_commits(program, opener, atom, depth + 1)


def commit_trace(program: Program, function: FunctionInfo) -> list[TraceStep]:
    """From inside a session source down to the commit that follows its ``yield``."""
    steps: list[TraceStep] = []
    current: FunctionInfo | None = function
    while current is not None and len(steps) < _MAX_HOPS:
        steps += _yield_steps(program, current)
        following: FunctionInfo | None = None
        if current.summary.commits_after_yield:
            _, hop = current.summary.commits_after_yield[0]
            steps.append(program.step(hop.site, hop.note))
            following = hop.callee
            if following is not None and hop.inner in following.summary.effects:
                steps += program.effect_trace(following, hop.inner)
                break
        else:
            for transaction in current.summary.yield_transactions[:1]:
                steps.append(program.step(transaction.site, "this block commits when it is left, after the yield"))
                following = transaction.source
        current = following if following is not current else None
    return steps


def _yield_steps(program: Program, function: FunctionInfo) -> list[TraceStep]:
    yields = (e for e in function.events if e.kind == "yield")
    return [program.step(e.site, f"{function.name}() yields here") for e in list(yields)[:1]]
