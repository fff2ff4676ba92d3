"""What a function does, one :class:`Event` for each thing, and what of it its callers must know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sessionlint.facts import ir
from sessionlint.program.atoms import Site, Value

if TYPE_CHECKING:
    from sessionlint.program.model import FunctionInfo


class Transaction(NamedTuple):
    """A transaction open around an event: on which sessions or connections, begun where.

    ``savepoint`` marks ``begin_nested``; ``source`` the function when a context manager of the project opened it.
    """

    subjects: Value
    site: Site
    savepoint: bool = False
    source: Any = None


class Effect(NamedTuple):
    """What a call does that its caller must know: ``kind`` and ``name`` as in :class:`Event`.

    ``subject`` is the parameter, injected or global handle concerned (``None``: none in particular).
    """

    kind: str
    name: str
    subject: Any = None


class Event(NamedTuple):
    """One thing a function does.

    ``kind`` is one of

    * ``create``: a handle is made (``name`` its kind, ``value`` the callee, ``subject`` the handle);
    * ``made``: a call of ``callee`` makes an engine; ``value`` has its ``create`` event as this call has it;
    * ``obtain``: project code (``callee``) hands out the handles in ``subject``; ``value``, ``args`` as of ``call``;
    * ``declared``: something known only as ``Callable[…, session]`` is called with ``args``; ``subject`` its session;
    * ``inject``: parameter ``name`` is injected by the :class:`Dependency` in ``value``; ``subject`` what arrives;
    * ``txn``: ``name`` (commit, rollback, begin, begin_nested, close) on ``subject``; ``text`` says by what route
      (``session``, ``connection``, ``transaction``, ``sql``);
    * ``left``: the transaction or savepoint ``subject`` is left by its own ``__exit__``, called ``name``;
    * ``savepoint``: ``name`` (commit, rollback) on the savepoint ``subject``, ``entered`` when a ``with`` did;
    * ``configure``: the factory ``subject`` is given other ``keywords``;
    * ``use``: operation ``name`` on ``subject``; flag ``write`` when it changes rows;
    * ``change``: attributes of rows are assigned that the sessions in ``subject`` loaded;
    * ``effect``: calling ``callee`` has ``effect`` (its kind in ``text``, its name in ``name``) on ``subject``,
      ``left`` (kind) when something there commits, but not all that is written: :mod:`sessionlint.program.unsaved`;
    * ``call``: project function ``callee`` runs with ``bindings`` (pairs of parameter identity and value); ``value`` is
      what is entered there, if that was injected or passed in, ``args[0]`` the parameters of which none may be given
      where a session is opened below, ``keywords`` what passed texts were taken out of;
    * ``external``: a call of the external symbol ``name``; ``args``/``keywords`` its values;
    * ``network``: ``name`` waits on network or sleep;
    * ``schedule``: ``value`` (functions, coroutines) is started in the background by ``name``; ``args`` its arguments;
    * ``started``: the thread in ``subject`` begins the work that a ``schedule`` event tells of where it was made;
    * ``starts``: ``value`` (functions) run when the worker ``name`` starts or stops;
    * ``concurrent``: ``args`` run at the same time through ``name``;
    * ``handed``: ``args`` (a session, a function) are put into the queue of a module in ``subject``; ``taken``:
      something is taken out of it;
    * ``await``: the tasks in ``subject`` (:data:`~sessionlint.program.values.TASK`) are awaited;
    * ``outcome``: the task in ``subject`` is asked how it ended by ``name`` (result, exception);
    * ``url``: a text with ``://`` in it is put together; ``value`` are the texts;
    * ``bind``: engines or factories in ``subject`` are given the ``name``; flag ``global`` as the word says;
    * ``several``: a comprehension keeps an engine or factory that is made at one place (``subject``) for each element;
    * ``store``: ``subject`` is stored in ``text`` (``name`` is ``attribute``, ``class``, ``global``, ``state``,
      ``job``, ``object``, ``library object``, ``local object``, ``closure``), ``value`` is all that is stored;
    * ``keep``: functions made in this call (``value``) are kept in ``text``, in a place (``name``) that outlives it;
    * ``sql``: SQL text ``value`` is handed to ``name``; * ``bound``: its parameters get ``args``, ``keywords``;
    * ``construct``: an instance of the project class in ``value`` is made with ``args`` and ``keywords``;
    * ``import``: module ``name`` is imported (its member ``text``); flag ``typing`` for type checkers only;
    * ``info``: method ``name`` of the ``info`` dictionary of ``subject``;
    * ``options``: ``execution_options`` with ``keywords`` on ``subject``;
    * ``identifier``: ``value`` becomes the identifier ``name`` (``text``: name, keyword, key, attribute);
    * ``predicate``: tenant column ``name`` is compared; * ``handler``: an ``except`` clause, see ``flags``;
    * ``return``/``leave``: the function ends here; ``text`` is the expression, ``subject`` the handles that are
      closed (flag ``closed``) and ``args[0]`` those whose transaction has ended on every path to a ``return``.

    ``flags``: ``context`` (context expression of a ``with``), ``awaited``, ``handler`` (inside ``except``),
    ``finally``, ``loop``, ``several`` (in a loop that is sure to go on), ``statement`` (result dropped), ``write``,
    ``begun`` (a callee ends or begins what somebody has begun by hand, or by entering an object), ``autobegun``,
    ``returned``, ``swallows``, ``records``, ``spared`` (a call that may open a session, but is given one), ``received``
    (of entering or leaving an object that was passed in)…

    ``open_sessions`` are the handles (or context managers that hold one) entered by a ``with`` around the event;
    inside ``except`` also those obtained before and not closed.
    """

    kind: str
    function: FunctionInfo
    span: ir.Span4
    subject: Value = ()
    name: str = ""
    value: Value = ()
    args: tuple[Value, ...] = ()
    keywords: tuple[tuple[str, Value], ...] = ()
    callee: FunctionInfo | None = None
    bindings: tuple[tuple[Any, Value], ...] = ()
    transactions: tuple[Transaction, ...] = ()
    flags: frozenset[str] = frozenset()
    text: str = ""
    expr: ir.Expr | None = None
    effect: Effect | None = None
    open_sessions: Value = ()

    @property
    def path(self) -> str:
        """The file of the event."""
        return self.function.module.path

    @property
    def site(self) -> Site:
        """Path and span."""
        return (self.function.module.path, self.span)


class Hop(NamedTuple):
    """Where an effect or value comes from inside a function: a place, and the callee it came through."""

    site: Site
    note: str
    callee: FunctionInfo | None = None
    inner: Any = None


class Kept(NamedTuple):
    """What a function puts into a registry: ``origin`` is the container's class or file, and its name there.

    ``owner`` is the object that has it (a parameter, a mark, or ``None``), ``key`` what it is put under.
    """

    origin: tuple[Any, str]
    owner: Any
    key: Any
    value: Value
