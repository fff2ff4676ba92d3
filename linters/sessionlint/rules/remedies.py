"""What to write instead: the nearest approved way to a session, and transactions in the session's own colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program.containers import providers
from sessionlint.program.entries import takes_session
from sessionlint.program.importing import meant_by
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import FACTORY, SESSION, Handle, Site, Value
from sessionlint.rules.mounting import same_application
from sessionlint.rules.open_since import begun_by, read_before
from sessionlint.rules.opening import RECEIVERS, outlives_request
from sessionlint.rules.owning_blocks import OF_SESSION, is_of_driver, owning_block
from sessionlint.rules.reading import is_for_reading, may_change
from sessionlint.rules.session_decorators import session_decorators

if TYPE_CHECKING:
    from sessionlint.program.api import Program

_INJECT = "Inject the session."
THROUGH_MODULE = "Open it through the session module."
_WRITE_ONE = "Write a context manager for it in the session module (`session-contexts` names none) and use that."
_TAKE = "Take the session as a parameter from the endpoint or task that owns it."
_OWN = "let `async with session.begin():` around the unit of work own it"
#: What to write instead, by the role of the function that ends a transaction by hand.
_INSTEAD = {
    "endpoint": _OWN,
    "background": _OWN,
    "service": "drop it and leave the transaction to the caller; `await session.flush()` is enough to get ids",
}
_ENTERS = ("__enter__", "__aenter__")
#: What runs when a class is called, and when its object is entered.
_OF_CLASS = ("__init__", *_ENTERS)
_VARIADIC = (ir.KIND_VARARGS, ir.KIND_KWARGS)


# the colour of a session


def is_asynchronous(program: Program, function: FunctionInfo, session: Value, event: Event | None = None) -> bool:
    """Whether ``function`` writes ``async with`` and ``await`` for a session: what the session is, else how it is used.

    A session of unknown kind is told by whether ``event`` is awaited, else by the function; a function that is not
    asynchronous cannot wait.
    """
    if not function.is_async:
        return False
    known = colour(program, session)
    if known is not None:
        return known
    return event is None or event.kind != "txn" or "awaited" in event.flags


def colour(program: Program, value: Value) -> bool | None:
    """Whether all handles in ``value`` are asynchronous, or none; ``None`` when neither is known."""
    handles = [a for atom in value for a in _seen(program, atom, 0) if program.kind(a) is not None]
    kinds = {program.solver.is_async(atom) for atom in handles}
    return kinds.pop() if len(kinds) == 1 else None


def _seen(program: Program, atom: object, depth: int) -> Value:
    """What a parameter or injected object is known to be; the atom itself when it is neither."""
    if getattr(atom, "tag", "") not in ("param", "injected"):
        return (atom,)
    if depth > 4:
        return ()
    return tuple(a for view in program.solver.views(atom) for a in _seen(program, view, depth + 1))


def in_colour(text: str, asynchronous: bool) -> str:
    """Advice written with ``async with`` and ``await``, without them for a session that is not asynchronous."""
    return text if asynchronous else text.replace("async with", "with").replace("`await ", "`")


def as_written(program: Program, event: Event, text: str) -> str:
    """Advice on the session of ``event`` in that session's colour."""
    return in_colour(text, is_asynchronous(program, event.function, event.subject, event))


# who owns the transaction


def instead(program: Program, event: Event) -> str:
    """The remedy for a transaction that ``event`` ends by hand."""
    role = program.role(event.function)
    own = role is None and any(atom.tag == "handle" for atom in event.subject)
    text = _OWN if own else _INSTEAD.get(role or "", "")
    if not text:
        text = "let the `async with session.begin():` block of the session's owner end it"
    if text is _OWN:
        text = _unless_begun(program, event)
    return as_written(program, event, _of_connection(program, event, text))


def _of_connection(program: Program, event: Event, text: str) -> str:
    """``text`` for what the event ends, which may be no session's transaction."""
    block = owning_block(program, event)
    if block == OF_SESSION:
        return f"do this in a session and {text.removeprefix('drop it and ')}" if is_of_driver(program, event) else text
    # only a session can be flushed
    return text.partition(";")[0].replace(OF_SESSION, block).replace("the session's owner", "the connection's owner")


def _unless_begun(program: Program, event: Event) -> str:
    """``begin()`` around the work of an endpoint raises when a dependency of the request has begun before it."""
    for atom in event.subject:
        source = begun_by(program, atom)
        if source is not None:
            return f"drop it: {source.in_full} holds the session in a transaction of its own, which commits"
    trap = (first_ended(program, event.function, atom) for atom in event.subject)
    return f"{_OWN}{next(filter(None, trap), '')}"


def first_ended(program: Program, function: FunctionInfo, session: Any) -> str:
    """What has to change first for ``begin()`` on the session not to raise; ``""`` when nothing has."""
    reader = read_before(program, function, session)
    if reader is None:
        return ""
    return f"; {reader.function.in_full} has begun on the same session by then, so {let_it_end('it')}"


def let_it_end(name: str) -> str:
    """What a dependency does that reads on the session of the endpoint."""
    return f"let {name} end its read (`async with session.begin():` around it), or read on a short session of its own"


# the nearest approved way


class Way(NamedTuple):
    """One name of the policy: ``root`` is the folder it is imported from, ``asynchronous`` ``None`` if unknown.

    ``needs`` tells that it cannot be called without arguments; ``origins`` is where the factories and engines are made
    that its sessions come from.
    """

    name: str
    path: str
    root: str
    asynchronous: bool | None
    needs: bool
    origins: frozenset[Site] = frozenset()

    @property
    def call(self) -> str:
        """How it is called, for messages."""
        return f"{self.name}(…)" if self.needs else f"{self.name}()"


def opening(program: Program, function: FunctionInfo, opened: Value = ()) -> str:
    """What a function of this role writes instead of opening a session; ``opened`` is what it opens now."""
    role = program.role(function)
    kind = colour(program, opened)
    lasting = role in RECEIVERS and outlives_request(program, function) and function not in program.dependency_functions
    decorator = program.shared(_decorator)
    if decorator and not (program.policy.session_dependencies or program.policy.session_contexts):
        return f"Put it into a function that `@{decorator}` hands its session."
    if role in ("endpoint", "dependency") and not lasting:
        way = _nearest(program, function, program.shared(_dependencies), kind, opened)
        if way is None:
            return _INJECT
        return f"Receive the session with Depends({way.name}){_of_file(program, function, way)}."
    if role in ("service", "router", "model") and not (lasting or runs_by_itself(program, function)):
        return _TAKE
    way = _nearest(program, function, program.shared(_contexts), kind, opened)
    if way is None:
        return THROUGH_MODULE if program.policy.session_contexts else _WRITE_ONE
    word = in_colour("async with", function.is_async and way.asynchronous is not False)
    return f"Open it with `{word} {way.call} as session:`{_of_file(program, function, way)}."


def runs_by_itself(program: Program, function: FunctionInfo) -> bool:
    """Whether nobody is there to hand a function its session: a command, what runs at the start."""
    return function in program.entries and not takes_session(program, function)


def _of_file(program: Program, function: FunctionInfo, way: Way) -> str:
    """Where a way is to be found, if its name stands for something else in the file that should use it."""
    meant = meant_by(program, function.path, way.name.partition(".")[0])
    other = way.path and any(a.tag in ("fn", "cls") and a.info.path != way.path for a in meant)
    return f" (the one of {way.path})" if other else ""


def nearest_dependency(program: Program, function: FunctionInfo, colour: bool | None = None) -> Way | None:
    """The approved dependency that ``function`` can ask for; its session is of ``colour`` where that is known."""
    return _nearest(program, function, program.shared(_dependencies), colour)


def _nearest(
    program: Program, function: FunctionInfo, ways: tuple[Way, ...], colour: bool | None, opened: Value = ()
) -> Way | None:
    """The first that can be imported and used there.

    One whose sessions are made as those that are ``opened`` comes before others, then one without arguments, then one
    of the same colour.
    """
    wanted = function.is_async if colour is None else colour and function.is_async
    fitting = [way for way in ways if _fits(function, way, colour) and _in_reach(program, function.path, way)]
    if any(is_for_reading(way.name) for way in fitting) and may_change(function):
        fitting = [way for way in fitting if not is_for_reading(way.name)]
    origins = _origins(program, opened) if len(fitting) > 1 else frozenset[Site]()
    return min(
        fitting,
        key=lambda way: (-len(way.origins & origins), way.needs, way.asynchronous not in (wanted, None)),
        default=None,
    )


def _origins(program: Program, value: Value) -> frozenset[Site]:
    """Where the factories and engines are made that handles come from."""
    made = program.shared(_made_from)
    found: set[Site] = set()
    pending = [a.root for a in value if isinstance(a, Handle)]
    while pending:
        for site in made.get(pending.pop(), ()):
            if site not in found:
                found.add(site)
                pending.append(site)
    return frozenset(found)


def _made_from(program: Program) -> dict[Site, tuple[Site, ...]]:
    """What each handle is made from, by the places where they are made."""
    return {
        e.site: tuple(
            a.root for v in (e.value, *e.args, *(v for _, v in e.keywords)) for a in v if isinstance(a, Handle)
        )
        for e in program.events("create")
    }


def _fits(function: FunctionInfo, way: Way, colour: bool | None) -> bool:
    """Only what waits can use an asynchronous session, and code that waits for its session needs one."""
    if not function.is_async:
        return way.asynchronous is not True
    return way.asynchronous is not False or colour is not True


def _decorator(program: Program) -> str:
    """The decorator of a session module that hands the most functions their session."""
    decorators = program.shared(session_decorators)
    usable = [(-len(users), d.name) for d, users in decorators.items() if program.policy.is_session_module(d.path)]
    return min(usable)[1] if usable else ""


def _contexts(program: Program) -> tuple[Way, ...]:
    return tuple(way for name in program.policy.session_contexts for way in _ways(program, name))


def _dependencies(program: Program) -> tuple[Way, ...]:
    names = [n for n in program.policy.session_dependencies if all(gives_session(program, f) for f in program.named(n))]
    return tuple(way._replace(needs=False) for name in names for way in _ways(program, name))


def gives_session(program: Program, function: FunctionInfo) -> bool:
    """Whether an endpoint that depends on ``function`` is given a session: it is none that only a container can call,
    and does not hand out what opens one."""
    handed = function.summary.yields if function.is_generator else function.summary.returns
    opens = any(a.tag == "fn" or program.kind(a) == FACTORY for a in handed)
    return not opens and function not in program.shared(providers)


def _ways(program: Program, dotted: str) -> list[Way]:
    """What a name of the policy stands for; a class with both kinds of ``with`` is two."""
    module, _, name = dotted.rpartition(".")
    names = program.solver.names
    path = names.path_of(module)
    if path is None:
        module = module.rpartition(".")[0]
        path = names.path_of(module)
    if path is None:
        return [Way(name, "", "", None, needs=False)]
    root = _root(module, path)
    functions = sorted(program.named(dotted), key=lambda f: (f.path, f.header))
    # a class is one way, whatever it does to make its objects
    functions = [f for f in functions if f.name != "__init__"] or functions
    found = [
        Way(
            _spelled(program, f) if is_method(f) else name, path, root, _hands_async(program, f), needs_arguments(f),
            _origins(program, (*f.summary.yields, *f.summary.returns)),
        )
        for f in functions
    ]  # fmt: skip
    if not found:
        value = program.solver.peek(("name", path, name))
        factories = [a for a in value if isinstance(a, Handle) and a.kind == FACTORY]
        found = [Way(name, path, root, a.is_async, needs=False) for a in factories]
    return found or [Way(name, path, root, None, needs=False)]


def is_method(function: FunctionInfo) -> bool:
    """Whether a function is called on an object: not one that makes or enters it, whose class is what is called."""
    return function.class_info is not None and not function.is_staticmethod and function.name not in _OF_CLASS


def _spelled(program: Program, function: FunctionInfo) -> str:
    """How a method is written: on the object of its class that its file keeps under a name, else on its class."""
    owner = function.class_info
    if owner is None:
        return function.name
    if function.is_classmethod:
        return f"{owner.name}.{function.name}"
    for statement in owner.module.body.body:
        for target in statement[2] if statement[0] == "=" else ():
            value = program.solver.peek(("name", owner.path, target[2])) if target[0] == "n" else ()
            if any(a.tag == "inst" and a.info is owner for a in value):
                return f"{target[2]}.{function.name}"
    return f"{owner.name}(…).{function.name}"


def _hands_async(program: Program, function: FunctionInfo) -> bool | None:
    """Whether what a function hands out is entered or used by waiting."""
    if function.is_context_manager or function.name in _ENTERS:
        return function.is_async
    handed = function.summary.yields if function.is_generator else function.summary.returns
    sessions = tuple(a for a in handed if program.kind(a) == SESSION)
    return colour(program, sessions)


def called(function: FunctionInfo) -> str:
    """What is called to get what ``function`` hands out: the class of a method that enters its objects, else itself."""
    owner = function.class_info if function.name in _ENTERS else None
    return function.qualname if owner is None else owner.qualname


def needs_arguments(function: FunctionInfo) -> bool:
    """Whether :func:`called` cannot be called without arguments."""
    code: FunctionInfo | None = function
    if function.name in _ENTERS:
        code = function.class_info.methods.get("__init__") if function.class_info is not None else None
    if code is None:
        return False
    params = code.params[1:] if code.class_info is not None and not code.is_staticmethod else code.params
    return any(default is None and kind not in _VARIADIC for _, kind, _, default, *_ in params)


def _root(module: str, path: str) -> str:
    """The folder from which ``path`` is imported as ``module``."""
    stem = module.replace(".", "/")
    for tail in (f"{stem}.py", f"{stem}/__init__.py"):
        if path == tail or path.endswith(f"/{tail}"):
            return path.removesuffix(tail)
    return ""


def _in_reach(program: Program, path: str, way: Way) -> bool:
    """Whether a file belongs to the application whose way this is, or imports from there."""
    if path.startswith(way.root) and same_application(program, path, way.path):
        return True
    home = f"{way.path.removeprefix(way.root).partition('/')[0]}/"
    return any(imported.startswith(f"{way.root}{home}") for imported in _imports(program, path))


def _imports(program: Program, path: str) -> list[str]:
    """The project files that a file imports."""
    names, module = program.solver.names, program.solver.modules[path]
    found = (names.path_of(dotted, path) for dotted, *_ in module.imports)
    return [imported for imported in found if imported is not None]
