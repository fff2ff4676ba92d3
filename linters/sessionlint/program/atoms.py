"""What an abstract value is made of: an atom for each thing the code proves an expression can be.

Atoms are plain and hashable, so values can be compared, joined and kept in summaries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from sessionlint.program.model import ClassInfo, FunctionInfo

Site = tuple[str, tuple[int, int, int, int]]  # path and span

#: Kinds of database handle.
SESSION, FACTORY, ENGINE, CONNECTION, TRANSACTION, DRIVER, POOL = (
    "session", "factory", "engine", "connection", "transaction", "driver connection", "driver pool",
)  # fmt: skip


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


#: Name of the copy of it that each job gets for itself.
JOB_CONTEXT = "arq.job context()"


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
    ``begun`` is set for sessions that come with an open transaction (``factory.begin()``) and for transactions that a
    session is asked for; ``registry`` for a scoped registry, whose methods are those of the one session it keeps.
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

    ``streamed``: a result that fetches its rows from the database as they are asked for; ``locks``: a query that
    locks what it finds.
    """

    session: Any
    query: bool = False
    streamed: bool = False
    locks: bool = False
    tag: str = "row"


class ClassOf(NamedTuple):
    """``type(x)`` of a parameter or of what is injected: callers know which class that is."""

    param: Any
    tag: str = "class of"


class Dependency(NamedTuple):
    """``Depends(target)`` or ``Security(target)``; ``scope`` as written, ``cached`` unless switched off.

    ``given`` is false for ``Depends()``, which takes the annotation for its target; what is ``provided`` comes from a
    container that makes by type, what is ``handed`` from whoever calls the function that makes the routes."""

    target: Any
    site: Site
    scope: str | None = None
    cached: bool = True
    given: bool = True
    tag: str = "dependency"
    provided: bool = False
    handed: bool = False


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
