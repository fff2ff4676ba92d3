"""Attribute access: modules, classes, instances, handles, library objects."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import (
    alike,
    by_key,
    calls,
    certificates,
    class_attributes,
    class_bodies,
    class_values,
    configured,
    drawing,
    entering,
    function_attributes,
    giving,
    graphql,
    handed_up,
    knowledge,
    labels,
    library_classes,
    library_objects,
    mapped,
    narrowed_queries,
    overriding,
    own_sessions,
    predicates,
    protocols,
    provider_objects,
    put_on_request,
    read_below,
    records,
    replacing,
    row_classes,
    sending,
    siblings,
    stdlib,
    threads,
    wrapping,
)
from sessionlint.program.frame import Frame
from sessionlint.program.memo import FILES
from sessionlint.program.reflection import class_of, engine_of, session_class
from sessionlint.program.values import (
    NAMESPACE,
    UNKNOWN,
    Column,
    Ext,
    Inst,
    Method,
    Mod,
    PartialCall,
    Value,
    join,
    join_all,
)

_SELF_ATTRIBUTES = {"sync_session", "sync_connection", "sync_engine", "engine", "registry"}
#: The driver's connection below a connection, and a cursor's: what is executed there is executed on this one.
_DRIVERS = {"connection", "driver_connection", "dbapi_connection"}
_ENGINES = {"engine", "sync_engine"}
_BINDS = {"bind", "sync_session_class"}
#: Attributes of mapped classes and their mappers that are their table.
_OWN_TABLES = frozenset({"__table__", "local_table", "persist_selectable"})
#: So many objects are asked that pass names on; each once, because one that was put around itself has no end.
_MAX_WRAPPERS = 8
#: What only tells something of a session or connection.
_TELLS = {"closed", "invalidated", "is_active", "dirty", "new", "deleted", "autocommit", "autoflush"}


def get_attribute(frame: Frame, base: Value, name: str, e: ir.Expr) -> Value:
    """What ``base.name`` may be."""
    if name in ("name", "fullname", "schema") and e[2][0] == "a" and e[2][3] in _OWN_TABLES:
        return (Ext("sqlalchemy.table_name()"),)
    if name in knowledge.TABLE_STATEMENTS and e[2][0] == "a" and e[2][3] in _OWN_TABLES:
        return (Ext(f"sqlalchemy.{name}"),)
    if name == "identifier_preparer" and not any(a.tag in ("inst", "cls", "mod") for a in base):
        return (Ext(knowledge.IDENTIFIER_PREPARER),)
    if len(base) == 2 and (field := stdlib.of_named_tuple(base, name)) is not None:
        return field
    if len(base) > 1:
        base = protocols.without_declared(frame, base)
    elif frame.imported and (put := put_on_request.found(frame, base, e)) is not None:
        return put
    if name in entering.ENTERS:
        entering.note_by_hand(frame, base, e)
    out: Value = UNKNOWN
    for atom in base:
        found = _attribute_of(frame, atom, name, e, 0)
        out = join(out, found) if out else found
    if len(base) > 1:
        out = frame.solver.told(out)
    if e[2][0] == "n" and predicates.tenant_name(frame, name) and predicates.is_own_column(frame, e[2][2]):
        return join(out, (Column(None, name),))
    if not base and e[2][0] == "a" and e[2][3] == "state":
        return frame.solver.read(("state", "state", name))
    if not base and name == "session" and e[2][0] == "a" and e[2][3] == "query":
        return own_sessions.of_query(frame, frame.evaluate(e[2][2]))
    return mapped.attribute(frame, out, name, e) if name in mapped.ATTRIBUTES else out


def _attribute_of(frame: Frame, atom: Any, name: str, e: ir.Expr, depth: int) -> Value:
    tag = atom.tag
    if tag == "ext":
        found = _external(frame, atom, name)
        if found and found[0].tag == "method" and _through_super(e):
            return own_sessions.of_super(frame, found)
        return found
    if tag == "mod":
        return (atom,) if name == "__dict__" else _module(frame, atom.name, name)
    if tag in ("inst", "cls") and name == "__dict__":
        return (atom,)
    if tag == "inst":
        return instance_attribute(frame, atom, name, e)
    if tag == "cls":
        return class_attributes.attribute(frame, atom, name, e)
    kind = frame.solver.kind_of(atom)
    if kind is not None:
        return own_sessions.own_methods(frame, atom, name) or _handle(frame, atom, kind, name)
    if tag in ("param", "injected"):
        out: Value = UNKNOWN
        if depth < 3:
            views = frame.solver.ask("views", atom)
            if tag == "param":
                views = siblings.told(frame, atom, views)
            for view in alike.as_one(frame, atom, views):
                if view.tag != "param" and view != atom:
                    drawing.draw_by(frame, atom, view, name)
                    out = join(out, _attribute_of(frame, view, name, e, depth + 1))
        if len(out) > 1 and tag == "param" and name in narrowed_queries.NARROWS:
            return narrowed_queries.bound(frame, atom, name, out)
        return frame.solver.told(out)
    if tag == "obj":
        if name == "router" and atom.name == "fastapi.FastAPI()":
            return (atom,)
        state = frame.solver.read(("state", atom.name, name))
        return state or (Ext("app.state") if name == "state" else Method(atom, name),)
    if tag == "row" and atom.query and name == "session":
        return (atom.session,)
    if tag == "row":
        known = atom.query or name in knowledge.ROW_METHODS or frame.solver.read(("row method", name))
        if known:
            return (Method(atom, name),)
        # what hangs on a row by a relationship are rows of the same session
        return (atom,) if row_classes.relate(frame, name) else UNKNOWN
    if tag == "operation":
        result: Value = UNKNOWN
        for inner in atom.result:
            result = join(result, _attribute_of(frame, inner, name, e, depth + 1))
        return result
    if tag == "tls":
        return certificates.attribute(name)
    return _of_plain(frame, atom, name, e)


def _of_plain(frame: Frame, atom: Any, name: str, e: ir.Expr) -> Value:
    """An attribute of what is no object of the project or of a library: texts, containers, functions, columns…"""
    tag = atom.tag
    if tag == "map" and any(k == NAMESPACE[0] for k, _ in atom.items):
        held = tuple(
            atom.get(name) or (library_objects.of_object(atom, name) if name in library_classes.METHODS else ())
        )
        return graphql.context(frame, held) if name == "context" else held
    if tag == "const" and name == "value":
        return (atom,)  # a member of an enumeration
    if tag == "method" and atom.name == "info":
        return (Method(atom.receiver, f"info.{name}"),)
    if tag == "method" and atom.name == "pool":
        return (Method(atom.receiver, f"pool.{name}"),)
    if tag == "method" and atom.name in ("c", "columns"):
        # a column of a subquery: what was selected under this label
        labelled = frame.solver.read(("labelled", name))
        labelled = labelled or labels.column(frame, name)
        return labelled or ((atom.receiver,) if sending.inside([(atom.receiver,)]) else UNKNOWN)
    if tag == "text" and name == "text":
        return (atom,)  # of ``text("SELECT 1")``
    if tag == "const" and atom.value is None:
        return UNKNOWN  # where this is done, it is something else
    if tag in ("const", "text", "seq", "map", "pending", "column", "fn", "partial", "predicate"):
        if tag == "fn" and name in ("__wrapped__", "func"):
            return (wrapping.bare(atom),)
        if tag == "fn" and (kept := function_attributes.held(frame, atom, name)):
            return kept
        if tag in ("fn", "partial", "seq") and name == "value":
            return (atom,)  # the member of an enumeration
        if tag == "column" and name in ("key", "name"):
            return (Ext("sqlalchemy.table_name()"),)
        if tag == "column" and name in ("c", "desc", "asc", "expression", "property", "class_attribute"):
            return (atom,)
        given = provider_objects.attribute(frame, atom, name, e) if tag == "partial" else UNKNOWN
        return given or (Method(atom, name),)
    return UNKNOWN


def _external(frame: Frame, atom: Ext, name: str) -> Value:
    if name == "text" and atom.name.startswith("sqlalchemy.text()"):
        return UNKNOWN  # the text stands beside it
    full = _DECLARED_QUERIES.get(atom.name, atom.name)
    if full != atom.name:
        atom = Ext(full)
    if full in _FLUENT or (full.endswith(")") and full.startswith(_FLUENT_PREFIXES)):
        return (Method(atom, name),)
    if full.endswith("()"):
        kind = knowledge.handle_kind(full[:-2])
        if kind is not None:
            return _handle(frame, atom, kind, name)
        if full.startswith(library_classes.PACKAGES) and (kept := library_objects.declared(full[:-2], name)):
            return kept
        if name == "state":
            return (Ext("request.state" if full in _REQUESTS else _STATES.get(full, "app.state")),)
    if full in ("app.state", "request.state"):
        return frame.solver.read(("state", full, name)) or frame.solver.read(("state", "state", name))
    state = frame.solver.read(("state", full, name))
    if state:
        return state
    if full.count(".") + full.count("()") > 14:
        return UNKNOWN
    if name == "app" and (full in _REQUESTS or full.startswith("fastapi.Request()")):
        return (Ext("fastapi.FastAPI()"),)
    return (Ext(knowledge.canonical(f"{full}.{name}")),)


_REQUESTS = {"fastapi.Request()", "fastapi.WebSocket()", "starlette.requests.HTTPConnection()"}
#: Whose ``state`` is that of a worker.
_STATES = {"taskiq.Context()": "taskiq.TaskiqState()", "taskiq.context.Context()": "taskiq.TaskiqState()"}
_FLUENT = {
    knowledge.QUERY,
    knowledge.LOCKING_QUERY,
    "sqlalchemy.update()",
    "sqlalchemy.delete()",
    "sqlalchemy.insert()",
}
#: Annotations that say "this is a query".
_DECLARED_QUERIES = {
    "sqlalchemy.Select()": knowledge.QUERY, "sqlmodel.sql.expression.Select()": knowledge.QUERY,
    "sqlmodel.sql.expression.SelectOfScalar()": knowledge.QUERY, "sqlalchemy.Update()": "sqlalchemy.update()",
    "sqlalchemy.Delete()": "sqlalchemy.delete()",
}  # fmt: skip
#: What the queries of a project are derived from.
_QUERIES = frozenset({"sqlalchemy.orm.Query", "sqlalchemy.orm.query.Query"})
_FLUENT_PREFIXES = ("sqlalchemy.func.",)


def _module(frame: Frame, module: str, name: str) -> Value:
    frame.solver.remember(FILES, None, frame.solver.names.identity)
    path = frame.solver.names.path_of(module, frame.path)
    if path is not None:
        value = frame.solver.member(path, name)
        if value:
            return value
    dotted = f"{module}.{name}"
    if frame.solver.names.path_of(dotted, frame.path) or frame.solver.names.is_namespace(dotted):
        return (Mod(dotted),)
    return UNKNOWN


def instance_attribute(frame: Frame, atom: Inst, name: str, e: ir.Expr) -> Value:
    """Methods (bound), properties (called), assigned attributes."""
    solver = frame.solver
    method = solver.method(atom.info, name)
    if method is not None:
        instead = replacing.replaced(frame, atom, name, method)
        if instead:
            return instead
        methods = [method]
        if solver.is_abstract(method) and not _through_super(e) and not overriding.is_own_hook(method, atom):
            methods = solver.overrides(atom.info, name) or methods
        out: Value = UNKNOWN
        for found in methods:
            owner = atom if found is method or found.class_info is None else Inst(found.class_info, atom.bindings)
            if found.is_property:
                given = calls.call_function(frame, solver.bound(found, owner), [], [], e, run=True)
                if not atom.bindings:
                    given = class_values.chosen(frame, atom.info, name, given, e)
                if predicates.is_hybrid(found):
                    given = tuple(a for a in given if a.tag != "column")
                out = join(out, read_below.told(frame, found, given))
            else:
                out = join(out, (solver.bound(found, owner),))
        return out
    kind = solver.class_kind(atom.info)
    if records.dumps(frame, atom, name) or records.reads(frame, atom, name):
        return (Method(atom, name),)
    if name == "__dict__" and kind is None:
        return (atom,)
    given = giving.held(frame, atom, name) if atom.bindings else UNKNOWN
    if given:
        return given
    value = configured.field(frame, atom, name) or solver.attribute(atom.info, name)
    if len(value) > 1:
        value = protocols.without_fulfilled(frame, atom.info, name, value)
    if name in library_classes.KEPT:
        value = library_objects.kept(frame, atom, name, value)
    if name == "value" and not value and any(b.startswith("enum.") for b in solver.external_bases(atom.info)):
        return (Ext("enum.Enum().value()"),)
    if kind is not None:
        return join(value, (Method(atom, name),))
    if not atom.bindings:
        value = class_values.chosen(frame, atom.info, name, value, e)
        if read_below.is_left_open(frame, atom, value):
            value = solver.told(join(value, read_below.sessions(frame, atom, name, e)))
    if value:
        value = class_bodies.methods(frame, value, atom, name)
        value = handed_up.named(frame, atom.info, _rebind(frame, value, atom, name))
        return class_bodies.described(frame, by_key.of_object(frame, value, atom, name, e), atom, e)
    return _unassigned(frame, atom, name, e)


def _unassigned(frame: Frame, atom: Inst, name: str, e: ir.Expr) -> Value:
    """What nothing in sight assigns: the class asks another for it, or one below or a library's above has it."""
    if name == "__class__":
        return class_of(frame, (atom,))
    solver = frame.solver
    fallback = solver.method(atom.info, "__getattr__")
    if fallback is not None:
        if atom in frame.asked or len(frame.asked) == _MAX_WRAPPERS:
            return UNKNOWN
        outermost = not frame.asked
        frame.asked.append(atom)
        result = calls.call_function(frame, solver.bound(fallback, atom), [], [], e, run=True)
        found = _asked(frame, result, name, e)
        if outermost:
            frame.asked.clear()
        if result:
            return found
    below = [(m, m.class_info) for m in solver.overrides(atom.info, name) if not m.is_property]
    if below and name != "__init__":
        # a mixin uses what the classes have that it is mixed into
        return tuple(solver.bound(m, Inst(owner, atom.bindings)) for m, owner in below if owner is not None)
    routers = solver.external_bases(atom.info)
    if name == "start" and not routers.isdisjoint(threads.THREADS):
        work = solver.method(atom.info, "run")
        base = next(b for b in threads.THREADS if b in routers)
        return (PartialCall((Ext(f"{base}().start"),), ((solver.bound(work, atom),),) if work else (), ()),)
    if not routers.isdisjoint(_QUERIES):
        return (Method(Ext(knowledge.QUERY), name),)
    given = library_objects.attribute(frame, atom, name) if routers else UNKNOWN
    if given:
        return given
    base = next((b for b in sorted(routers) if not b.startswith("typing.")), "")
    return (Ext(knowledge.canonical(f"{base}().{name}")),) if base else UNKNOWN


def _through_super(e: ir.Expr) -> bool:
    """``super().method`` is the base's own, never the override of another class."""
    return e[0] == "a" and e[2][0] == "c" and e[2][2][0] == "n" and bool(e[2][2][2] == "super")


def _rebind(frame: Frame, value: Value, atom: Inst, name: str) -> Value:
    """Functions kept in attributes stay unbound; handles of this instance's constructor keep their identity."""
    bindings = dict(atom.bindings)
    if bindings and any(item.tag == "param" and item not in bindings for item in value):
        handed_up.made_with(frame, atom.info, bindings)
    if not bindings or not any(item in bindings or (item.tag == "inst" and item.bindings) for item in value):
        return value
    out: Value = UNKNOWN
    for item in value:
        if item.tag == "inst" and item.bindings and item not in bindings:
            # a repository that a unit of work made for its session
            inner = tuple((k, _put_in(v, bindings)) for k, v in item.bindings)
            item = item._replace(bindings=inner) if inner != item.bindings else item
        out = join(out, bindings.get(item, (item,)) or (item,))
    return protocols.without_fulfilled(frame, atom.info, name, out) if len(out) > 1 else out


def _put_in(value: Value, bindings: dict[Any, Value]) -> Value:
    return join_all([bindings.get(a) or (a,) for a in value]) if any(a in bindings for a in value) else value


def _asked(frame: Frame, value: Value, name: str, e: ir.Expr) -> Value:
    """``__getattr__`` that passes the name on: the attribute of what it asks."""
    out: Value = UNKNOWN
    for atom in value:
        if atom.tag == "partial" and any(f.tag == "ext" and f.name == "builtins.getattr" for f in atom.function):
            out = join(out, get_attribute(frame, atom.args[0], name, e))
        else:
            out = join(out, (atom,))
    return out


def _handle(frame: Frame, atom: Any, kind: str, name: str) -> Value:
    if kind == "connection" and name in _ENGINES:
        return (engine_of(frame, atom, name),)
    if name in _SELF_ATTRIBUTES and not (kind == "session" and name == "registry"):
        # what is run on the engine below gives what it found, and nothing to await
        return (atom._replace(is_async=False) if name == "sync_engine" and atom.tag == "handle" else atom,)
    if name == "__class__":
        return class_of(frame, (atom,))
    if kind == "factory" and name == "class_":
        return (session_class(frame, atom),)
    if kind in ("session", "connection") and name in _BINDS:
        return (engine_of(frame, atom, name),) if name == "bind" else UNKNOWN
    if kind in ("connection", "driver connection") and name in _DRIVERS:
        return (atom,)
    return (Method(atom, name),) if name not in _TELLS else UNKNOWN
