"""Which endpoint, service and job opens, carries and ends each session: the architecture as nodes and edges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from sessionlint.program.api import Program
from sessionlint.program.model import Event, FunctionInfo
from sessionlint.program.values import CONNECTION, DRIVER, SESSION, Dependency, Param, Value

NodeKind = Literal["endpoint", "job", "dependency", "service", "source"]
EdgeKind = Literal["injects", "obtains", "carries", "starts"]
Deed = Literal["opens", "receives", "owns transaction", "begins", "commits", "rolls back", "closes"]

_LEFT_OUT = ("test", "migration")
_HANDED = (SESSION, CONNECTION, DRIVER)
_TRANSACTION_DEEDS: dict[str, Deed] = {
    "begin": "begins", "commit": "commits", "rollback": "rolls back", "close": "closes",
}  # fmt: skip


@dataclass(frozen=True, slots=True, order=True)
class MapNode:
    """One function. ``name`` is its qualified name, ``routes`` its methods and addresses, ``does`` what it does itself.

    A ``source`` is where sessions come from: it is approved, lies in a session module, or hands out what it opens.
    """

    key: str
    path: str
    line: int
    name: str
    kind: NodeKind
    layer: str
    approved: bool
    does: tuple[Deed, ...] = ()
    routes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class MapEdge:
    """``source`` and ``target`` are keys of nodes.

    ``injects``: FastAPI gives the source what the target hands out; ``obtains``: the source calls the target for
    it; ``carries``: the source passes its session to the target; ``starts``: the source schedules the target.
    """

    source: str
    target: str
    kind: EdgeKind
    line: int


@dataclass(frozen=True, slots=True)
class SessionMap:
    """All functions that have to do with sessions, by path and line, and how sessions pass between them."""

    nodes: tuple[MapNode, ...] = ()
    edges: tuple[MapEdge, ...] = ()

    def as_plain(self) -> dict[str, Any]:
        """The map as data for JSON."""
        return {"nodes": [asdict(node) for node in self.nodes], "edges": [asdict(edge) for edge in self.edges]}


def build_session_map(program: Program) -> SessionMap:
    """The session map of a program. Tests and migrations are not part of it."""
    return _Survey(program).run()


class _Survey:
    def __init__(self, program: Program) -> None:
        self._program = program
        self._approved = program.approved_dependencies | program.approved_contexts
        self._deeds: dict[FunctionInfo, set[Deed]] = {}
        self._edges: set[tuple[FunctionInfo, FunctionInfo, EdgeKind, int]] = set()

    def run(self) -> SessionMap:
        for function in self._program.functions:
            if not self._left_out(function):
                self._look_at(function)
        busy = {function for function, deeds in self._deeds.items() if deeds}
        busy.update(source for source, _, kind, _ in self._edges if kind != "starts")
        edges = [edge for edge in self._edges if edge[2] != "starts" or edge[1] in busy]
        members = {function for source, target, _, _ in edges for function in (source, target)}
        members.update(function for function, deeds in self._deeds.items() if deeds)
        handing = {target for _, target, kind, _ in edges if kind in ("injects", "obtains")}
        nodes = sorted(
            (self._node(function, function in handing) for function in members if not self._left_out(function)),
            key=lambda node: (node.path, node.line, node.key),
        )
        known = {node.key for node in nodes}
        firsts: dict[tuple[str, str, EdgeKind], int] = {}
        for source, target, kind, line in edges:
            triple = (_key(source), _key(target), kind)
            if triple[0] in known and triple[1] in known and triple[0] != triple[1]:
                firsts[triple] = min(line, firsts.get(triple, line))
        return SessionMap(tuple(nodes), tuple(sorted(MapEdge(*triple, line) for triple, line in firsts.items())))

    def _look_at(self, function: FunctionInfo) -> None:
        deeds = self._deeds.setdefault(function, set())
        for event in function.events:
            deeds.update(self._deed(event))
            for target, kind in self._links(event):
                self._edges.add((function, target, kind, event.span[0]))
        if any(
            name not in function.dependencies and self._program.kind(Param(function, name)) in _HANDED
            for name, *_ in function.params
        ):
            deeds.add("receives")

    def _deed(self, event: Event) -> Iterator[Deed]:
        if event.kind == "create" and event.name in _HANDED:
            yield "opens"
        elif event.kind == "inject" and self._handed(event.subject):
            yield "receives"
        elif event.kind == "txn":
            if event.name == "begin" and "context" in event.flags:
                yield "owns transaction"
            elif event.name in _TRANSACTION_DEEDS:
                yield _TRANSACTION_DEEDS[event.name]

    def _links(self, event: Event) -> Iterator[tuple[FunctionInfo, EdgeKind]]:
        if event.kind == "inject" and self._handed(event.subject):
            for atom in event.value:
                if isinstance(atom, Dependency):
                    yield from ((target, "injects") for target in self._program.targets(atom))
        elif event.kind == "obtain" and event.callee is not None and self._handed(event.subject):
            yield event.callee, "obtains"
        elif event.kind == "call" and event.callee is not None:
            if any(self._handed(value) for _, value in event.bindings):
                yield event.callee, "carries"
        elif event.kind == "schedule" and event.text != "thread":
            yield from ((started, "starts") for started in self._program.started_by(event))

    def _handed(self, value: Value) -> bool:
        return any(self._program.kind(atom) in _HANDED for atom in value)

    def _left_out(self, function: FunctionInfo) -> bool:
        return self._program.role(function) in _LEFT_OUT

    def _node(self, function: FunctionInfo, hands_out: bool) -> MapNode:
        deeds = self._deeds.get(function, set())
        return MapNode(
            key=_key(function),
            path=function.path,
            line=function.header[0],
            name="" if function.name == "<module>" else function.qualname,
            kind=self._kind(function, hands_out and "opens" in deeds),
            layer=self._program.policy.layer_of(function.path) or "",
            approved=function in self._approved,
            does=tuple(sorted(deeds)),
            routes=tuple(_routes(function)),
        )

    def _kind(self, function: FunctionInfo, is_source: bool) -> NodeKind:
        if function.routes:
            return "endpoint"
        if function in self._program.background_functions:
            return "job"
        if is_source or function in self._approved or self._program.policy.is_session_module(function.path):
            return "source"
        return "dependency" if function in self._program.dependency_functions else "service"


def _key(function: FunctionInfo) -> str:
    return f"{function.path}:{function.qualname or function.name}:{function.header[0]}"


def _routes(function: FunctionInfo) -> list[str]:
    return sorted(
        f"{route.method.upper()} {'…' if route.path is None else route.path or '/'}" for route in function.routes
    )
