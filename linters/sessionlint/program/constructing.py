"""Objects are made: ``Class(…)``, what its constructor is given, and what of that the object keeps."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import (
    compared,
    configured,
    families,
    giving,
    handles,
    init_only,
    keeping,
    knowledge,
    libraries,
    library_objects,
    making,
    making_anew,
    overriding,
    own_sessions,
    predicates,
    records,
    router_classes,
    row_classes,
    running,
    siblings,
    spelling,
)
from sessionlint.program.arguments import bind, none_given
from sessionlint.program.frame import Frame, identity
from sessionlint.program.model import FunctionInfo
from sessionlint.program.values import (
    ENGINE,
    SESSION,
    Const,
    Fn,
    Inst,
    Value,
    contained,
    shallow,
)

Keywords = list[tuple[str, Value]]


def construct(frame: Frame, callee: Any, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``Class(...)``: a handle for sub-classes of library classes, else an instance."""
    solver = frame.solver
    info = callee.info
    kind = solver.class_kind(info)
    init = solver.method(info, "__init__")
    frame.emit("construct", e[1], name=info.name, value=(callee,), args=tuple(args), keywords=tuple(keywords), expr=e)
    maker = solver.method(info, "__new__")
    if maker is not None and (args or keywords):
        making_anew.given(frame, info, maker, args, keywords)
    bindings: dict[Any, Value] = {}
    instance, own = Inst(info), keeping.own(frame, info, e[1])
    if init is not None:
        bindings = bind(frame, init, Fn(init, instance), args, keywords)
        none_given(init, bindings, e)
        families.note(frame, info, init, bindings)
        bindings.update(frame.solver.summary_of(init).not_given)
        running.run(frame, init, {**bindings, **{k: v for k, v in own if k.tag == "handle"}} if own else bindings, e)
        bindings.update(library_objects.passed_on(frame, info, bindings))
    else:
        bindings = library_objects.bound(frame, info, args, keywords) or _fields(frame, info, args, keywords, e[1])
        taken = records.taken_over(frame, info, args, keywords)
        bindings.update({records.COPIED: taken} if taken else {})
    if kind == ENGINE and knowledge.ASYNC_ENGINE in solver.external_bases(info):
        return libraries.around_engine(frame, args, keywords, e) or (instance,)
    if kind is not None:
        made = handles.make(frame, kind, e, f"{info.name}(…)", (callee,), args, keywords, solver.is_async(instance))
        return own_sessions.note_class(frame, made, (callee,)) if kind == SESSION else made
    after = solver.method(info, init_only.AFTER)
    if after is not None:
        bindings.update(init_only.run(frame, info, after, bindings, e))
    stands = spelling.spelled(frame, info)
    tells = bool(stands) or configured.configures(frame, info)
    meaningful = tuple(
        (k, shallow(v, 2))
        for k, v in bindings.items()
        if v and not _is_self(k, init) and (_matters(v) or _switches(v) or _tells(frame, v, tells))
    )
    routers = solver.external_bases(info) & {"fastapi.APIRouter", "fastapi.FastAPI"}
    if routers:
        if init is not None:
            keywords = router_classes.router_options(frame, info, init, bindings, keywords, e[1])
        return libraries.call_external(frame, sorted(routers)[0], args, keywords, e)
    given = giving.made(frame, init, info, bindings, e[1])
    later = spelling.added(frame, stands, e[1]) if stands else ()
    instance = Inst(info, (*meaningful, *own, *overriding.exactly(frame, info), *given, *later))
    making.made(frame, info, args, keywords, instance, e)
    return (instance,)


def _is_self(key: Any, init: FunctionInfo | None) -> bool:
    return (
        init is not None
        and key.tag == "param"
        and bool(init.params)
        and key.name == init.params[0][0]
        and key.info is init
    )


def _switches(value: Value) -> bool:
    """``True``, ``False`` and ``None``: what the methods of an object may ask for."""
    return all(a.tag == "const" and a.kind in ("bool", "NoneType") for a in value)


def _matters(value: Value) -> bool:
    return any(a.tag not in ("const", "text", "column", "predicate", "operation") for a in value)


def _tells(frame: Frame, value: Value, configures: bool) -> bool:
    """Literals that say how to connect, which header a resolver reads, or what a query asks."""
    if (configures and configured.is_literal(value)) or predicates.names_tenant(frame, value):
        return True
    return spelling.is_part(frame, value)


def _fields(frame: Frame, info: Any, args: list[Value], keywords: Keywords, span: ir.Span4) -> dict[Any, Value]:
    """Dataclass, pydantic and attrs classes: annotated fields take the arguments in order."""
    fields = frame.solver.fields(info)
    bindings: dict[Any, Value] = {}
    for name, value in (*zip(fields, args, strict=False), *((k, v) for k, v in keywords if k in fields)):
        maker = fields[name]
        if maker is None:
            kept = row_classes.kept_in(frame, info, value)
            frame.solver.write(("attr", info, name), tuple(a for a in kept if a.tag not in ("const", "text")))
        else:
            given = identity(maker, name)
            frame.solver.flow(maker, name, value)
            frame.solver.write(("attr", info, name), (given,))
            bindings[given] = value
        if any(a.tag == "handle" for a in value):
            frame.emit("setattr", span, subject=(Inst(info),), name=name, value=value, text=f"{info.name}.{name}")
        if _holds_handle(frame, value) or (spelling.is_part(frame, value) and not configured.changes_them(frame, info)):
            bindings[Const(name, records.FIELD)] = value
    if info.maker is not None:
        siblings.note(frame, None, bindings)
        bindings.update(compared.defaults(frame, info, bindings, keywords))
    if configured.configures(frame, info):
        given = dict(zip(fields, args, strict=False)) | {k: v for k, v in keywords if k in fields}
        return configured.fields(frame, info, list(fields), given, keywords) | bindings
    return bindings


def _holds_handle(frame: Frame, value: Value) -> bool:
    return any(frame.solver.kind_of(a) or a.tag in ("injected", "inst") for a in contained(value, 1))
