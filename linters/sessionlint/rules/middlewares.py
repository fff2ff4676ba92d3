"""Which applications are guarded by middleware: it stands before all routes of the one it was added to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

from sessionlint.program import middleware
from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import Ext, PartialCall
from sessionlint.rules.authentication import Authentication, is_decoder
from sessionlint.rules.letting_through import has_anonymous_backend, lets_through

_AUTHENTICATION: Final = "starlette.middleware.authentication.AuthenticationMiddleware"
_FASTAPI: Final = "fastapi.FastAPI"
_METHODS: Final = ("dispatch", "__call__")


class Guarded(NamedTuple):
    """The places of the applications that middleware guards; ``all`` where it cannot be told which."""

    all: bool
    applications: frozenset[Any]

    def stands_before(self, applications: Iterable[Any]) -> bool:
        """Whether middleware refuses what reaches a router through these; if none is known, it may be any."""
        within = frozenset(applications)
        return bool(self.applications) if not within else not self.applications.isdisjoint(within)


def guarded(program: Program, known: Authentication) -> Guarded:
    """What the middleware of a program guards."""
    return _Judged(program, known).guarded()


class _Judged:
    def __init__(self, program: Program, known: Authentication) -> None:
        self.program = program
        self.known = known
        self._refusing: dict[FunctionInfo, bool] = {}

    def guarded(self) -> Guarded:
        placed = list(_placed(self.program))
        applications = {site for site, atom in placed if self._refuses(atom)}
        elsewhere = any(self._refuses(a) for a in _unplaced(self.program, frozenset(a for _, a in placed)))
        traced = {f for _, atom in placed for f in self._functions(atom)}
        routers = self.program.solver.routers
        # another kind of application holds those that are mounted in it in ways that are not followed
        untold = any(routers.get(site, {}).get("name") != _FASTAPI for site in applications)
        return Guarded(untold or elsewhere or self._some_untraced(traced), frozenset(applications))

    def _some_untraced(self, traced: set[FunctionInfo]) -> bool:
        """Whether middleware refuses of which it is not known where it stands."""
        for function in self.program.functions:
            untraced = function not in traced and self.known.reads_token(function)
            if untraced and self._is_middleware(function) and self._is_guard(function):
                return True
        return False

    def _is_middleware(self, function: FunctionInfo) -> bool:
        if "middleware" in function.registrations:
            return True
        if function.class_info is None or function.name not in _METHODS:
            return False
        return any(
            b.startswith("starlette.middleware.") for b in self.program.solver.external_bases(function.class_info)
        )

    def _refuses(self, atom: Any) -> bool:
        if any(self._is_guard(f) for f in self._functions(atom)):
            return True
        if atom.tag != "partial" or not any(a.tag == "ext" and a.name == _AUTHENTICATION for a in atom.function):
            return False
        given = [*atom.args[:1], *(v for k, v in atom.keywords if k == "backend")]
        return not has_anonymous_backend(self.program, tuple(a for v in given for a in v))

    def _functions(self, atom: Any) -> Iterator[FunctionInfo]:
        """What the server calls: a function, or the method of a class."""
        if atom.tag == "fn":
            yield atom.info
        elif atom.tag == "partial":
            for made in atom.function:
                for name in _METHODS if made.tag == "cls" else ():
                    method = self.program.solver.method(made.info, name)
                    if method is not None:
                        yield method
            for key, value in atom.keywords:
                yield from (a.info for a in value if key == "dispatch" and a.tag == "fn")

    def _is_guard(self, function: FunctionInfo) -> bool:
        if function not in self._refusing:
            reads = self.known.reads_token(function)
            self._refusing[function] = reads and not lets_through(self.program, function, self._looks)
        return self._refusing[function]

    def _looks(self, event: Event) -> bool:
        return is_decoder(event.name) if event.callee is None else self.known.decodes(event.callee)


def _placed(program: Program) -> Iterator[tuple[Any, Any]]:
    """Middleware, with the place of the application it was added to or that was made with it."""
    for application, child, _, _ in program.solver.includes:
        if child.tag in ("fn", "partial"):
            yield application.site, child
    for site, options in program.solver.routers.items():
        for listed in options.get("middleware", ()):
            for item in listed.items if listed.tag == "seq" else ():
                yield from ((site, atom) for atom in item if atom.tag == "partial")


def _unplaced(program: Program, placed: frozenset[Any]) -> Iterator[Any]:
    """Middleware of which it is not seen what application gets it."""
    added = {place for _, child, _, place in program.solver.includes if child.tag == "partial"}
    for event in program.events("external"):
        if event.name == middleware.MAKER or (event.name.endswith(".add_middleware") and event.args):
            made = PartialCall(event.args[0] if event.args else (), tuple(event.args[1:]), event.keywords)
            if made not in placed:
                yield made
        elif event.name == _AUTHENTICATION and event.site not in added:
            yield PartialCall((Ext(event.name),), event.args[1:], event.keywords)
