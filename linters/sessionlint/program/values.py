"""Abstract values: what an expression may be, as a small tuple of atoms.

A value is a tuple of atoms, each something the code proves the expression can be; the empty tuple is
*unknown*. Atoms are plain and hashable, so values can be compared, joined and kept in summaries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from sessionlint.program.model import ClassInfo, FunctionInfo

Site = tuple[str, tuple[int, int, int, int]]  # path and span

#: Kinds of database handle.
SESSION, FACTORY, ENGINE, CONNECTION, TRANSACTION, DRIVER, POOL = (
    "session", "factory", "engine", "connection", "transaction", "driver connection", "driver pool",
)  # fmt: skip

MAX_ATOMS = 8
MAX_DEPTH = 3
#: Values that hold more atoms than this are kept less deep.
MAX_HELD = 1000
#: Parameters of decorators and registries receive many functions.
MAX_ARGUMENTS = 48


class Ext(NamedTuple):
    """A symbol outside the project by its import path; ``()`` marks the result of calling it."""

    name: str
    tag: str = "ext"


class Obj(NamedTuple):
    """An external object whose identity matters (router, application): its class path with ``()``."""

    name: str
    site: Site
    tag: str = "obj"


#: Name of the :class:`Obj` that stands for a started task; its site is the call that started it.
TASK = "asyncio.Task()"


#: Name of the :class:`Obj` that stands for the dictionary a worker passes to all its functions.
WORKER_CONTEXT = "arq.context()"


class Mod(NamedTuple):
    """A module of the project by its dotted name."""

    name: str
    tag: str = "mod"


class Fn(NamedTuple):
    """A project function; ``receiver`` is the instance or class it is bound to."""

    info: FunctionInfo
    receiver: Any = None
    tag: str = "fn"


class Closed(NamedTuple):
    """What a function that was returned from another one closes over: the receiver of its :class:`Fn`.

    ``bindings`` are the handles that the outer function was given in that call, by parameter.
    """

    bindings: tuple[tuple[Any, Any], ...]
    tag: str = "closed"


class Cls(NamedTuple):
    """A project class."""

    info: ClassInfo
    tag: str = "cls"


class Inst(NamedTuple):
    """An instance of a project class; ``bindings`` are the constructor's arguments that matter.

    Handles that the class's methods make and keep are among them: what stands for them in this object.
    """

    info: ClassInfo
    bindings: tuple[tuple[Any, Any], ...] = ()
    tag: str = "inst"


class Handle(NamedTuple):
    """A database handle. ``site`` tells this handle from others; ``root`` is where such handles are made.

    ``parent`` is the session or connection a transaction (or derived connection) belongs to;
    ``begun`` is set for sessions that come with an open transaction (``factory.begin()``), ``registry`` for a scoped
    registry, whose methods are those of the one session it keeps.
    """

    kind: str
    site: Site
    root: Site
    parent: Any = None
    begun: bool = False
    is_async: bool = False
    savepoint: bool = False
    registry: bool = False
    tag: str = "handle"


class TlsContext(NamedTuple):
    """A TLS context by the place it is made at; ``off``: where it is told not to verify, if it is."""

    site: Site
    off: Site | None = None
    tag: str = "tls"


class Param(NamedTuple):
    """The argument a function received; its type comes from annotation, default and call sites."""

    info: FunctionInfo
    name: str
    tag: str = "param"


class Injected(NamedTuple):
    """What FastAPI injects for one dependency callable: the same object all over a request."""

    source: Any
    tag: str = "injected"


class Const(NamedTuple):
    """A literal; ``kind`` keeps ``1`` and ``True`` apart."""

    value: Any
    kind: str
    tag: str = "const"


class Text(NamedTuple):
    """A string known in part: ``\\0`` stands for what is not known; ``dynamic`` when values were mixed in.

    ``how`` names the operation that mixed them in; ``holes`` are external results and parameters among them.
    """

    text: str
    dynamic: bool = True
    how: str = ""
    holes: tuple[Any, ...] = ()
    tag: str = "text"


class Seq(NamedTuple):
    """A tuple, list or set of known elements; ``many`` when the elements repeat (comprehension, loop)."""

    items: tuple[Any, ...]
    many: bool = False
    tag: str = "seq"


class Map(NamedTuple):
    """A dictionary with literal keys; ``partial`` when keys beyond these are possible.

    Where ``**options`` went into it, ``items`` has what any caller passes, and ``whole`` are the same entries with
    the parameter (a key of its own) in the place of that; :data:`MORE` among them for keys from elsewhere.
    """

    items: tuple[tuple[Any, Any], ...]
    partial: bool = False
    site: Site | None = None
    whole: tuple[tuple[Any, Any], ...] = ()
    tag: str = "map"

    def get(self, key: Any) -> Any:
        """The value under ``key``, or ``None``."""
        for name, value in self.items:
            if name == key:
                return value
        return None


class Method(NamedTuple):
    """A bound method of something external: ``session.commit`` before it is called."""

    receiver: Any
    name: str
    tag: str = "method"


class PartialCall(NamedTuple):
    """``functools.partial``."""

    function: Any
    args: tuple[Any, ...]
    keywords: tuple[tuple[str, Any], ...]
    tag: str = "partial"


class Pending(NamedTuple):
    """A call that has not run yet: coroutine, generator or context manager of a project function.

    ``bindings`` map parameter identities to values, ``kind`` is ``coro``, ``gen`` or ``cm``.
    """

    info: FunctionInfo
    bindings: tuple[tuple[Any, Any], ...]
    kind: str
    site: Site
    tag: str = "pending"


class Operation(NamedTuple):
    """The result of a session or connection operation, awaited or not."""

    receiver: Any
    name: str
    result: tuple[Any, ...] = ()
    tag: str = "operation"


class Row(NamedTuple):
    """Rows that a session loaded: one of them, or a result that gives some; ``query``: what still has to be run.

    ``streamed``: a result that fetches its rows from the database as they are asked for.
    """

    session: Any
    query: bool = False
    streamed: bool = False
    tag: str = "row"


class ClassOf(NamedTuple):
    """``type(x)`` of a parameter or of what is injected: callers know which class that is."""

    param: Any
    tag: str = "class of"


class Dependency(NamedTuple):
    """``Depends(target)`` or ``Security(target)``; ``scope`` as written, ``cached`` unless switched off.

    ``given`` is false for ``Depends()``, which takes the annotation for its target."""

    target: Any
    site: Site
    scope: str | None = None
    cached: bool = True
    given: bool = True
    tag: str = "dependency"


class Annotation(NamedTuple):
    """``Annotated[type, metadata…]``."""

    type: Any
    metadata: Any
    tag: str = "annotated"


class Column(NamedTuple):
    """A mapped attribute of a model class, as it appears in queries."""

    owner: Any
    name: str
    tag: str = "column"


class Predicate(NamedTuple):
    """A boolean SQL expression that compares the named columns."""

    columns: tuple[tuple[str, Site, bool], ...]
    tag: str = "predicate"


Value = tuple[Any, ...]

UNKNOWN: Value = ()
#: The key under which an object that keeps a registry has what tells it from others.
MARK = Const("<registry>", "mark")
#: The entry that marks a dictionary of attributes.
NAMESPACE = (("namespace",), UNKNOWN)


def join(left: Value, right: Value, limit: int = MAX_ATOMS) -> Value:
    """What either side may be, at most ``limit`` atoms, first come first kept."""
    if not right or left is right:
        return left
    if not left:
        return right
    extra = [a for a in right if a not in left]
    return (left + tuple(extra))[:limit] if extra else left


def join_all(values: list[Value]) -> Value:
    """The join of several values."""
    result: Value = ()
    for value in values:
        result = join(result, value)
    return result


#: What ``getattr(x, name)`` is a call of as long as only callers know the name.
BY_NAME: Value = (Ext("builtins.getattr"),)

#: Stands among keyword arguments and dictionary keys for "and others that are not known" (``**options``).
UNKNOWN_KEYWORDS = "**"


#: The entry of :attr:`Map.whole` for "and others".
MORE: tuple[Any, Value] = (("more",), UNKNOWN)


def merge_maps(left: Map, right: Map) -> Map:
    """The dictionary after ``left.update(right)``."""
    kept = tuple((k, v) for k, v in left.items if right.get(k) is None)
    items = (*kept, *right.items)[:MAX_KEYS]
    return Map(items, left.partial or right.partial, left.site, whole_of([left, right]))


def whole_of(parts: Sequence[Map]) -> tuple[tuple[Any, Value], ...]:
    """:attr:`Map.whole` of dictionaries put over each other; empty when none has any."""
    if not any(m.whole for m in parts):
        return ()
    entries: tuple[tuple[Any, Value], ...] = ()
    for part in parts:
        entries = laid_over(entries, part.whole or (*part.items, *([MORE] if part.partial else ())))
    return entries[:MAX_KEYS]


def laid_over(below: Sequence[tuple[Any, Value]], above: Sequence[tuple[Any, Value]]) -> tuple[tuple[Any, Value], ...]:
    """The entries of two dictionaries in one: those above replace those below."""
    replaced = {k for k, _ in above}
    return (*(i for i in below if i[0] not in replaced), *above)


def of_keywords(keywords: Sequence[tuple[str, Value]]) -> Map:
    """The dictionary that ``**options`` is for a call with these keyword arguments."""
    rest = tuple(a for k, v in keywords if k == UNKNOWN_KEYWORDS for a in v if a.tag == "map")
    spread = {k for m in rest for k, _ in m.items}
    own = tuple((k, v) for k, v in keywords if k not in spread and k != UNKNOWN_KEYWORDS)
    partial = any(k == UNKNOWN_KEYWORDS for k, _ in keywords)
    return Map(tuple(keywords), partial, None, whole_of([Map(own), *rest]))


def const(value: Any) -> Value:
    """The value of a literal."""
    return (Const(value, type(value).__name__),)


#: The value of an argument that some paths do not pass.
ABSENT = Const(None, "NoneType")


def literal(value: Value) -> Any:
    """The Python value when it is one known literal, else ``None``."""
    if len(value) == 1 and value[0].tag == "const":
        return value[0].value
    return None


def alternatives(keys: Value) -> tuple[Any, ...]:
    """The dictionary keys that a value of several literals may be; ``("?",)`` stands for keys that are not known."""
    known = tuple(a.value for a in keys if a.tag == "const" and a.kind == "str")
    return known if known and len(known) == len(keys) else (("?",),)


def contained(value: Value, depth: int = MAX_DEPTH) -> Iterator[Any]:
    """The atoms of a value and what they hold: elements, arguments, bound methods' receivers."""
    for atom in value:
        yield atom
        tag = atom.tag
        if depth <= 0:
            continue
        if tag == "seq":
            inner = atom.items
        elif tag in ("inst", "pending", "closed"):
            # not what an object makes itself: that is no one else's
            inner = tuple(v for k, v in atom.bindings if k.tag != "handle")
        elif tag == "map":
            inner = tuple(v for _, v in atom.items)
        elif tag == "partial":
            inner = (atom.function, *atom.args, *(v for _, v in atom.keywords))
        elif tag == "method" or (tag == "fn" and atom.receiver is not None):
            inner = ((atom.receiver,),)
        else:
            continue
        for part in inner:
            yield from contained(part, depth - 1)


#: Atoms that hold no others, or none that are cut.
_FLAT = frozenset({
    "ext", "obj", "mod", "fn", "cls", "handle", "param", "injected", "const", "method", "operation", "dependency",
    "annotation", "annotated", "column", "predicate", "row", "tls",
})  # fmt: skip


#: Flat atoms that hold something all the same, and go where nothing may be held any more.
_DROPPED = frozenset({"operation", "predicate", "column", "method", "annotated"})
MAX_ITEMS = 24
MAX_KEYS = 60
MAX_TEXT = 4000
_TOO_MUCH = 1_000_000


def mark_of(atom: Any) -> Any:
    """What tells an object that keeps a registry from others of its class."""
    return next((v[0] for k, v in atom.bindings if k == MARK), None) if atom.tag == "inst" else None


def bounded(value: Value) -> Value:
    """The value as cells and summaries keep it: no deeper than :data:`MAX_DEPTH`, and less deep when it holds much.

    Functions that copy nested dictionaries by recursion would else multiply what they hold with every level.
    """
    depth = MAX_DEPTH
    size = _size(value, depth)
    if size <= MAX_HELD:
        return value
    kept = value if size < _TOO_MUCH else _cut(value, depth)
    while depth > 1 and _size(kept, MAX_DEPTH) > MAX_HELD:
        depth -= 1
        kept = shallow(kept, depth)
    return kept


def _size(value: Value, depth: int) -> int:
    """How many atoms a value holds; more than a value may hold when some are too deep or too many in one place."""
    size = len(value)
    inner: Sequence[Value]
    for atom in value:
        tag = atom.tag
        if tag in _FLAT:
            if depth <= 0 and (tag in _DROPPED or (tag == "dependency" and _size(atom.target, 0) >= _TOO_MUCH)):
                return _TOO_MUCH
            continue
        if tag in ("inst", "pending"):
            inner = [v for _, v in atom.bindings]
        elif tag == "seq":
            inner = atom.items
            if len(inner) > MAX_ITEMS:
                return _TOO_MUCH
        elif tag == "map":
            inner = [v for _, v in (*atom.items, *atom.whole)]
            if len(atom.items) > MAX_KEYS or (depth <= 0 and not atom.partial):
                return _TOO_MUCH
        elif tag == "partial":
            inner = [atom.function, *atom.args, *[v for _, v in atom.keywords]]
        elif tag == "text" and len(atom.text) > MAX_TEXT:
            return _TOO_MUCH
        else:
            continue
        if inner and depth <= 0:
            return _TOO_MUCH
        for part in inner:
            size += _size(part, depth - 1)
    return size


def shallow(value: Value, depth: int = MAX_DEPTH) -> Value:
    """The value without what is nested deeper than ``depth``: keeps values finite in loops and recursion."""
    return value if _size(value, depth) < _TOO_MUCH else _cut(value, depth)


def _cut(value: Value, depth: int) -> Value:
    out: list[Any] = []
    for atom in value:
        tag = atom.tag
        if tag in ("inst", "pending") and atom.bindings:
            kept = tuple((k, _cut(v, depth - 1)) for k, v in atom.bindings) if depth > 0 else ()
            atom = atom._replace(bindings=kept)
        elif tag == "seq":
            atom = Seq(tuple(_cut(v, depth - 1) for v in atom.items[:MAX_ITEMS]) if depth > 0 else (), atom.many)
        elif tag == "map":
            kept = tuple((k, _cut(v, depth - 1)) for k, v in atom.items[:MAX_KEYS]) if depth > 0 else ()
            atom = Map(kept, atom.partial or depth <= 0, atom.site)
        elif tag == "partial":
            if depth <= 0:
                continue
            atom = PartialCall(
                _cut(atom.function, depth - 1),
                tuple(_cut(v, depth - 1) for v in atom.args),
                tuple((k, _cut(v, depth - 1)) for k, v in atom.keywords),
            )
        elif tag == "dependency" and depth <= 0:
            # what guards a route must not get lost in a table of routers
            atom = atom._replace(target=_cut(atom.target, 0))
        elif tag in _DROPPED and depth <= 0:
            continue
        elif tag == "text" and len(atom.text) > MAX_TEXT:
            atom = Text(atom.text[:MAX_TEXT], True, atom.how, atom.holes)
        out.append(atom)
    return tuple(out)
