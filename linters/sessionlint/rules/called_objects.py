"""Dependencies that are objects, or close over a switch: what they do is told of the one that is called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sessionlint.program.guards import decided
from sessionlint.program.model import Effect
from sessionlint.program.substitution import is_switch
from sessionlint.program.values import Closed, Dependency, Injected, Param
from sessionlint.rules.raised_later import outcome
from sessionlint.rules.told_apart import assigned_in, tests_around

if TYPE_CHECKING:
    from sessionlint.facts.ir import Span4
    from sessionlint.program.api import Program
    from sessionlint.program.model import FunctionInfo, Hop

_COMMIT = ("txn", "commit")


def called(program: Program, dependency: Dependency) -> Iterator[tuple[Any, FunctionInfo]]:
    """What FastAPI calls for a dependency, and the project function that runs."""
    for atom in dependency.target:
        for function in program.targets(dependency._replace(target=(atom,))):
            yield atom, function


def source_of(injected: Injected) -> Any:
    """What FastAPI calls for an injected object; ``None`` where that is not known."""
    source = injected.source
    if isinstance(source, tuple) and not hasattr(source, "tag"):
        # not cached, or of another scope: the callable and what tells it from the cached one
        source = source[0]
    return source if hasattr(source, "tag") else None


def commits_late(program: Program, function: FunctionInfo, source: Any) -> tuple[tuple[Any, Hop], ...]:
    """The commits after the ``yield`` of a function; of a method, those that happen where ``source`` is its object."""
    commits = function.summary.commits_after_yield
    if commits and source is not None and source.tag == "fn" and isinstance(source.receiver, Closed):
        return tuple([c for c in commits if not _is_ruled_out(function, c[1].site[1], source.receiver)])
    if source is None or source.tag != "inst" or not function.params or not function.is_generator:
        return commits
    kept = (commit for commit in commits if not _is_anothers(program, function, commit[0], source))
    return (*kept, *_of_its_class(program, function, source))


def _is_ruled_out(function: FunctionInfo, span: Span4, closed: Closed) -> bool:
    """Whether what the function closes over says that it does not come to a place: ``if commit:``."""
    known = {k.name: bool(v[0].value) for k, v in closed.bindings if k.tag == "param" and is_switch(v)}
    names = known.keys() - {p[0] for p in function.params} - assigned_in(function) if known else set()
    told = {name: known[name] for name in names}
    return bool(told) and any(outcome(test, told) is (not holds) for test, holds in tests_around(function.body, span))


def _of_its_class(program: Program, function: FunctionInfo, source: Any) -> Iterator[tuple[Any, Hop]]:
    """The commits of methods that the object's class has in the place of those which are called after the ``yield``."""
    yielded = next((e.span for e in function.events if e.kind == "yield"), None)
    for (effect, guards), hop in function.summary.possible.items():
        late = yielded is not None and effect[:2] == _COMMIT and hop.site[1] > yielded
        if late and all(decided(guard, (source,), program.solver.mro) for guard in guards):
            yield effect.subject, hop


def may_commit_late(function: FunctionInfo) -> bool:
    """Whether a generator commits in objects of some class."""
    possible = function.summary.possible
    return bool(possible) and function.is_generator and any(effect[:2] == _COMMIT for effect, _ in possible)


def _is_anothers(program: Program, function: FunctionInfo, session: Any, source: Any) -> bool:
    """Whether only objects of other classes commit the session."""
    own = Param(function, function.params[0][0])
    guards = function.summary.guards.get(Effect(*_COMMIT, session), frozenset())
    return any(g.param == own and decided(g, (source,), program.solver.mro) is False for g in guards)


__all__ = ["called", "commits_late", "may_commit_late", "source_of"]
