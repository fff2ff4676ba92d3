"""Annotated assignments: fields of records, attributes that FastAPI or a container injects, declared variables."""

from __future__ import annotations

from typing import Any

from sessionlint.facts import ir
from sessionlint.program import (
    constants,
    declared_keys,
    dependencies,
    from_requests,
    headers,
    making,
    network,
    promising,
    provisions,
)
from sessionlint.program.combined import TAKES
from sessionlint.program.frame import Frame
from sessionlint.program.guards import note_said, of_value, option_of
from sessionlint.program.model import ClassInfo
from sessionlint.program.stdlib import CONTEXT_VARIABLE
from sessionlint.program.targets import assign
from sessionlint.program.values import CONNECTION, DRIVER, SESSION, UNKNOWN, Annotation, Cls, Map, Seq, Value, join

_RECORD_FIELDS = (
    "dataclasses.field()", "attrs.field()", "attr.ib()", "attr.attrib()", "pydantic.Field()", "pydantic.PrivateAttr()",
)  # fmt: skip
_FIELDS = ("ield()", ".attrib()", ".ib()", ".PrivateAttr()")
#: The place of what a factory makes for each object of a class.
FIELD = "field"
#: What an annotation says that the project's own code goes on with.
_OF_PROJECT = ("inst", "seq", "map")
#: Types that say nothing of a dictionary that is written out.
_PLAIN = ("builtins.dict(", "typing.", "collections.")
#: What a field's default may be that instances then call, use or open.
_KEPT = ("fn", "cls", "inst", "handle", "partial", "method")


def run(frame: Frame, s: ir.Stmt) -> None:
    """``name: Type = value``, as a statement of a function, a module or the body of a class."""
    annotation = frame.evaluate(s[3]) if s[3] is not None else UNKNOWN
    taken = option_of(frame, s[4]) if s[4] is not None and s[4][0] in TAKES else None
    value = frame.evaluate(s[4]) if s[4] is not None else UNKNOWN
    default: Value = UNKNOWN
    if frame.class_scope is not None and s[2][0] == "n" and any(_is_field(a) for a in value):
        default = _field_default(frame, value, s[4][1])
        frame.solver.write(("attr", frame.class_scope, s[2][2]), default)
        if any(a.tag == "handle" for a in default):
            _keep_made(frame, frame.class_scope, s, default)
    marks = (*value, *(m for a in annotation if a.tag == "annotated" for m in a.metadata))
    dependency = next((a for a in marks if a.tag == "dependency"), None)
    if dependency is not None and frame.class_scope is not None:
        # a class-based view: FastAPI injects the attribute
        if dependency.provided:
            value = provisions.inject(frame, None, ir.text_of(s[2]), dependency, annotation)
        else:
            value, dependency = dependencies.inject(frame, None, ir.text_of(s[2]), dependency, annotation, s[1])
            if frame.class_scope.maker is not None:
                # with what it was found to ask for
                annotation = (Annotation(annotation, (dependency,)),)
    if frame.class_scope is not None and s[2][0] == "n":
        if frame.class_scope.maker is not None:
            value = headers.read(s[2][2], s[3], s[4], annotation, value)
        frame.solver.set_attribute(frame.class_scope, s[2][2], (s[1], annotation, value, s[4]))
        from_requests.note(frame, s[2][2], s[3], value)
    typed = frame.solver.instances(annotation)
    if typed and value and value[0].tag == "map" and _is_written(value):
        typed = tuple([a for a in typed if a.tag != "ext" or not a.name.startswith(_PLAIN)])
    elif value and not typed:
        typed = constants.of_field(frame, s[3], value)
    if s[4] is None:
        if frame.class_scope is not None and not value and constants.is_left_to_classes(frame, s[3], typed):
            return
        if frame.class_scope is not None or s[2][0] != "n" or frame.function.name == "<module>":
            assign(frame, s[2], value or typed, None, declared=not value)
        elif typed:
            _declare(frame, s[2][2], typed, s[1])
        return
    if typed and not any(a.tag != "const" and not _is_field(a) for a in value):
        value = value if constants.is_declared(frame, s[3], value) else join(value, typed)
    elif frame.class_scope is None and not any(frame.solver.kind_of(a) for a in value):
        # what an unknown object gives is what the annotation says
        given = bool(value) and all(promising.is_given(a) for a in value)
        if value and all(a.tag == "seq" and not a.items for a in value):
            value = join(value, tuple([a for a in typed if _keeps_clients(a)]))
        maker = promising.makers(frame, typed) if all(a.tag == "ext" for a in value) else UNKNOWN
        promised = tuple(
            a for a in typed if frame.solver.kind_of(a) or (given and a.tag in _OF_PROJECT) or declared_keys.are_told(a)
        )
        value = maker or join(value, promised)
    context_variables = [a for a in value if a.tag == "obj" and a.name == CONTEXT_VARIABLE]
    for variable in context_variables if s[3] is not None and s[3][0] == "i" else ():
        frame.solver.write(("context", variable.site), frame.solver.instances(frame.evaluate(s[3][3])))
    if any(a.tag == "ext" and a.name in _RECORD_FIELDS for a in value):
        # what instances have is the default, or what the factory gives
        if frame.class_scope is not None and s[2][0] == "n" and any(_is_told_factory(a) for a in value):
            making.note_default(frame, frame.class_scope, s[2][2], value)
            frame.identifier(s[2][2], frame.solver.read(("default", frame.site(s[4][1]))), s[4], "name")
        value = tuple(a for a in value if not (default or _is_told_factory(a)) or not _is_field(a))
    conditions = taken or of_value(frame, s[4], value)
    assign(frame, s[2], value, s[4])
    note_said(frame, s[2], conditions)


def _declare(frame: Frame, name: str, typed: Value, span: ir.Span4) -> None:
    """``session: AsyncSession`` by itself, before the name is given something unknown or after that."""
    frame.declared[name] = typed
    if frame.env.get(name) == UNKNOWN:
        frame.bind(name, typed, span)


def _is_field(atom: Any) -> bool:
    """``field(…)`` of a data class, attrs or pydantic: its annotation tells what it holds."""
    return bool(atom.tag == "map" or (atom.tag == "ext" and atom.name.endswith(_FIELDS)))


def _is_written(value: Value) -> bool:
    """Whether a value is a dictionary that is written out, and not what ``field(…)`` is told."""
    return all(a.tag == "map" and a.items for a in value)


def _keeps_clients(atom: Any) -> bool:
    """Whether a list is declared to hold clients of a library: what is put into it is none that tells more."""
    return isinstance(atom, Seq) and any(a.tag == "ext" and network.is_client(a.name) for v in atom.items for a in v)


def _is_told_factory(atom: Any) -> bool:
    """Whether a field is told what makes its default."""
    return isinstance(atom, Map) and any(atom.get(key) is not None for key in ("default_factory", "factory"))


def _field_default(frame: Frame, value: Value, span: ir.Span4) -> Value:
    """``field(default=get_session)``, ``field(default_factory=connect)``: what instances have by themselves."""
    given = [a.get("default") or UNKNOWN for a in value if a.tag == "map"]
    made = frame.solver.read(("default", frame.site(span)))
    held = tuple(a for a in made if a.tag in ("map", "seq"))
    return (*(a for v in (*given, made) for a in v if a.tag in _KEPT or _is_symbol(a)), *held)


def _keep_made(frame: Frame, owner: ClassInfo, s: ir.Stmt, default: Value) -> None:
    """Each object keeps what ``field(default_factory=session_factory)`` makes for it."""
    made = frame.solver.read(("default", frame.site(s[4][1])))
    held = tuple([a for a in default if a.tag == "handle" and a.kind in (SESSION, CONNECTION, DRIVER) and a in made])
    if held:
        frame.emit(
            "store", s[4][1], subject=held, name=FIELD, text=f"{owner.name}.{s[2][2]}", value=held,
            args=((Cls(owner),),), expr=s[4],
        )  # fmt: skip


def _is_symbol(atom: Any) -> bool:
    """A library's class or function itself, not what it gave."""
    return bool(atom.tag == "ext" and "()" not in atom.name)
