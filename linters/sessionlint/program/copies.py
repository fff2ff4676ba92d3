"""Copies of records with other fields: ``dataclasses.replace(context, user=user)``, ``pair._replace(session=other)``.

A copy is its original in all that is not replaced. What stands in it for a session or an object of the project is the
copy's alone, and is kept with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sessionlint.facts import ir
from sessionlint.program.frame import identity
from sessionlint.program.giving import HELD
from sessionlint.program.records import ELSEWHERE, FIELD, REPLACED, UNTOLD
from sessionlint.program.values import UNKNOWN_KEYWORDS, Const, Ext, Inst, Value, contained, shallow

if TYPE_CHECKING:
    from sessionlint.program.frame import Frame

#: The method of named tuples that copies.
NAMED: Final = "_replace"
Keywords = list[tuple[str, Value]]


def replaced(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
    """``dataclasses.replace(record, user=1)``: the same with other fields."""
    out: list[Any] = []
    for atom in args[0] if args else ():
        if atom.tag == "inst" and not frame.solver.kind_of(atom):
            _flow(frame, atom, keywords)
            out.append(with_fields(frame, atom, keywords))
        elif atom.tag in ("param", "injected"):
            out.extend(_of_parameter(frame, atom, keywords))
    return tuple(dict.fromkeys(out)) or (Ext("dataclasses.replace()"),)


def _of_parameter(frame: Frame, atom: Any, keywords: Keywords) -> list[Any]:
    """A copy of what the function was given: as good as that where no session or object is another one."""
    views = [v for v in frame.solver.views(atom) if v.tag == "inst" and not frame.solver.kind_of(v)]
    if any(name == UNKNOWN_KEYWORDS for name, _ in keywords):
        return []
    if not any(_stands(frame, view, name, value) for view in views for name, value in keywords):
        return [atom] if views else []
    return [with_fields(frame, view, keywords) for view in views]


def _flow(frame: Frame, record: Inst, keywords: Keywords) -> None:
    """What copies are given is what methods find in their fields; of data classes, in the parameters of their maker."""
    fields = frame.solver.fields(record.info)
    for name, value in keywords:
        maker = fields.get(name)
        if maker is not None:
            frame.solver.flow(maker, name, value)
            frame.solver.write((ELSEWHERE, record.info, name), UNTOLD)
            frame.solver.write(("attr", record.info, name), (identity(maker, name),))
        elif name != UNKNOWN_KEYWORDS:
            others = tuple([a for a in value if a.tag not in ("const", "text") and a not in UNTOLD])
            frame.solver.write(("attr", record.info, name), others)


def with_fields(frame: Frame, record: Inst, keywords: Keywords) -> Inst:
    """The record with other values in these fields."""
    given = {name: value or UNTOLD for name, value in keywords if name != UNKNOWN_KEYWORDS}
    fields = {Const(name, FIELD): value for name, value in given.items()}
    if len(given) < len(keywords):
        fields = {key: UNTOLD for key, _ in record.bindings} | fields
    made = frame.solver.fields(record.info)
    makers = [(name, value, maker) for name, value in given.items() if (maker := made.get(name)) is not None]
    fields.update([(identity(maker, name), shallow(value, 2)) for name, value, maker in makers])
    kept: list[tuple[Any, Value]] = []
    for key, value in record.bindings:
        if key == HELD:
            value = tuple([m._replace(items=tuple([i for i in m.items if i[0] not in given])) for m in value])
        if not (key.tag == "const" and key.kind == REPLACED and key.value in given):
            kept.append((key, fields.get(key, value)))
    known = dict(kept)
    kept += [(k, fields[k]) for name, _, maker in makers if (k := identity(maker, name)) not in known]
    instead = [(Const(name, REPLACED), v) for name, v in given.items() if _stands(frame, record, name, v)]
    return record._replace(bindings=(*kept, *instead))


def _stands(frame: Frame, record: Inst, name: str, value: Value) -> bool:
    """Whether a field has, or is given, a session or what may hold one."""
    held = (*contained(value, 1), *frame.solver.attribute(record.info, name))
    return any(a.tag in ("inst", "injected") or frame.solver.kind_of(a) is not None for a in held)


__all__ = ["NAMED", "replaced", "with_fields"]
