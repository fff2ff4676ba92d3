"""What methods of strings give: ``format``, ``join``, ``replace`` and those that keep the text."""

from __future__ import annotations

from string import Formatter
from typing import Any

from sessionlint.facts import ir
from sessionlint.facts.number_formats import takes_numbers
from sessionlint.program import (
    checked_lists,
    declared_keys,
    implied,
    joined_clauses,
    mapped,
    mixed_names,
    padding,
    picking,
    text_templates,
    urls,
)
from sessionlint.program.frame import Frame
from sessionlint.program.model import JOINED
from sessionlint.program.strings import as_declared, numbers_in, tell_urls, text_of, texts_of
from sessionlint.program.texts import (
    HOLE,
    IN_HOLES,
    JOIN,
    MAX_HOLES,
    alternatives,
    append,
    how_of,
    in_step,
    limited,
    mixed_by,
    of_number,
    settled,
)
from sessionlint.program.values import (
    ABSENT,
    MAX_ATOMS,
    UNKNOWN,
    Const,
    Operation,
    Seq,
    Text,
    Value,
    join,
    join_all,
)

_KEEPING = {"strip", "lstrip", "rstrip", "lower", "upper", "removeprefix", "removesuffix", "title", "capitalize"}
_TEMPLATES = {
    "substitute": text_templates.substituted, "safe_substitute": text_templates.substituted,
    "render": text_templates.rendered, "render_async": text_templates.rendered,
}  # fmt: skip


def method(
    frame: Frame, text: Text, name: str, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr
) -> Value:
    """A method of a string: ``format``, ``join``, ``replace``; others keep the text."""
    if e[0] == "c" and len(e[3]) == len(args):
        args = [picking.known(frame, part, a) for part, a in zip(e[3], args, strict=True)]
        keywords = [(k, v or _keyword(frame, k, e)) for k, v in keywords]
    if name in _TEMPLATES:
        args = [numbers_in(frame, a) for a in args]
        return tuple(_TEMPLATES[name](text, args, {k: as_declared(frame, v) for k, v in keywords}))
    args = [as_declared(frame, a) for a in args]
    if name == "join" and args and e[0] == "c" and e[3] and e[3][0][0] == "a" and _is_empty(args[0]):
        _note_joined(frame, e[3][0])
    if name == "join":
        if e[0] == "c" and e[3] and args:
            args = [picking.known_items(frame, e[3][0], args[0])]
        args = [numbers_in(frame, a) for a in args]
    if name == "join" and frame.facts:
        args = [tuple([checked_lists.whole(frame, a) for a in value]) for value in args]
    if name == "format_map":
        given = [a for v in args[:1] for a in v if a.tag == "map"]
        keys = dict.fromkeys([k for m in given for k, _ in m.items if isinstance(k, str)])
        args, keywords = [], [(k, join_all([m.get(k) or UNKNOWN for m in given])) for k in keys]
    if name in ("format", "format_map"):
        args = [implied.said(frame, value, e[1]) for value in args]
        keywords = [(key, implied.said(frame, value, e[1])) for key, value in keywords]
        formatted = tuple(_format(text, args, {k: as_declared(frame, v) for k, v in keywords}))
        made = mixed_names.of_parts(formatted, "str.format", _written(e, args, keywords))
        tell_urls(frame, e, texts_of(made))
        return made
    if name == "join" and args and e[0] == "c" and e[3] and e[3][0][0] == "n":
        args = [joined_clauses.of_this_call(frame, e[3][0][2], args[0])]
    if name == "join":
        put_together = _joined_items(text, args[0] if args else UNKNOWN)
        put_together = mixed_names.of_parts(put_together, name, _written(e, args, []))
        tell_urls(frame, e, texts_of(put_together))
        return put_together
    if name == "replace":
        return mixed_names.of_parts(tuple(_replaced(text, args)), name, _written(e, args, [])[1:2])
    if name in _KEEPING:
        plain = name in ("lower", "upper", "strip", "title", "capitalize")
        return (text._replace(text=getattr(text.text, name)()) if plain else text,)
    scheme = urls.scheme_kept(text.text, name)
    return (Text(f"{scheme}://{HOLE}"),) if scheme else UNKNOWN


def _written(e: ir.Expr, args: list[Value], keywords: list[tuple[str, Value]]) -> list[tuple[ir.Expr, Value]]:
    """The arguments of a call as they are written, with what they are."""
    if e[0] != "c" or len(e[3]) != len(args):
        return []
    given = dict(e[4])
    return [*zip(e[3], args, strict=True), *[(given[k], v) for k, v in keywords if k in given]]


def _is_empty(value: Value) -> bool:
    """Whether a list has nothing in it as far as that is known."""
    return bool(value) and all(a.tag == "seq" and not a.items for a in value)


def _note_joined(frame: Frame, joined: ir.Expr) -> None:
    """``" AND ".join(self.clauses)`` of a list that other methods fill."""
    for owner in frame.evaluate(joined[2]):
        if owner.tag == "inst":
            frame.solver.write((JOINED, owner.info, joined[3]), (Const(True, "bool"),))


def _keyword(frame: Frame, name: str, e: ir.Expr) -> Value:
    """A keyword argument that nothing is known of, as an entry of a parameter."""
    given = next((part for key, part in e[4] if key == name), None)
    return picking.known(frame, given, UNKNOWN) if given is not None else UNKNOWN


def _format(text: Text, args: list[Value], named: dict[str, Value]) -> list[Text]:
    try:
        fields = list(Formatter().parse(text.text))
    except ValueError:
        return [Text(text.text, True, "str.format", text.holes)]
    parts: list[list[Text]] = [[Text("", False)]]
    automatic = iter(args)
    for before, field, spec, _ in fields:
        parts.append([Text(before, False)])
        if field is None:
            continue
        if field == "":
            value = next(automatic, UNKNOWN)
        elif field.isdigit():
            value = args[int(field)] if int(field) < len(args) else UNKNOWN
        else:
            value = named.get(field, UNKNOWN)
        pieces = alternatives(padding.padded(value, spec) if spec else value)
        parts.append(of_number(pieces) if spec and takes_numbers(spec) else pieces)
    return mixed_by(in_step(text, parts), "str.format")


def filled(text: Text, known: list[Value]) -> Value:
    """The text once its holes are known, each in its place; only what is in the holes when places cannot be told."""
    pieces = text.text.split(HOLE)
    if len(pieces) != len(known) + 1:
        return (text._replace(holes=join_all(known)[:MAX_HOLES]),)
    out = [Text(pieces[0], False, text.how)]
    for value, piece in zip(known, pieces[1:], strict=True):
        given = [a for a in value if len(value) == 1 or a != ABSENT] or [None]
        each = [t for a in given for t in alternatives((a,) if a is not None else UNKNOWN)]
        out = list(dict.fromkeys(append(append(o, t), Text(piece, False)) for o in out for t in each))
        out = limited(out) if len(out) > MAX_ATOMS else out
    return tuple(t if t.dynamic else t._replace(how="") for t in out)


def joined_items(separator: Value, sequence: Value) -> Value:
    """``separator.join(sequence)``; unknown sequences that a caller knows are kept for it."""
    text = text_of(separator) or Text(HOLE, True)
    return _joined_items(text, sequence)


def _joined_items(text: Text, sequence: Value) -> Value:
    out: list[Text] = []
    if any(a.tag == "ext" and a.name.startswith(mapped.ROOTS) for a in sequence):
        sequence = tuple([Seq((mapped.elements(a.name),), True) if a.tag == "ext" else a for a in sequence])
    if any(a.tag == "map" for a in sequence):
        sequence = tuple([Seq(told, True) if (told := _keys(a)) else a for a in sequence])
    for atom in sequence:
        if atom.tag == "const" and atom.kind == "str":
            # its characters: ``",".join("?" * number)``
            out.append(Text(text.text.join(atom.value), text.dynamic))
        if atom.tag == "text" and not atom.dynamic:
            out.append(Text(text.text.join(atom.text), text.dynamic))
        if atom.tag != "seq" or not atom.items:
            continue
        pieces = [t for item in atom.items for t in alternatives(item)]
        dynamic = text.dynamic or any(t.dynamic for t in pieces)
        how = how_of(pieces) or "join"
        # in their places, so that callers can fill them
        holes = tuple([h for t in pieces for h in t.holes])[:MAX_HOLES]
        out.append(Text(settled(text.text.join(t.text for t in pieces)), dynamic, how if dynamic else "", holes))
    listed = any(a.tag == "seq" for a in sequence)
    passed = tuple([a for a in sequence if a.tag == "param" or _is_later(a)]) if listed and len(sequence) > 1 else ()
    if passed or (not out and not listed):
        # ``names or ["id"]``: what is passed is no less what it may be
        kept = passed or tuple(a for a in sequence if a.tag in IN_HOLES or _is_later(a))
        if not text.dynamic:
            separator = (Const(text.text, "str"),)
            kept = tuple(Operation(a, JOIN, separator) if a.tag == "param" or _is_later(a) else a for a in kept)
        out.append(Text(HOLE, True, "join", kept[:MAX_HOLES]))
    return tuple(limited(out)) or (Text("", text.dynamic),)


def _keys(atom: Any) -> tuple[Value, ...]:
    """What going through a dictionary gives, one after the other."""
    return declared_keys.elements(atom) if atom.tag == "map" else ()


def _is_later(atom: Any) -> bool:
    """Whether it stands for an entry of a parameter, or what an object was given."""
    return bool(atom.tag == "operation" and atom.name in picking.LATER)


def _replaced(text: Text, args: list[Value]) -> list[Text]:
    old, given = (text_of(args[0]), alternatives(args[1])) if len(args) >= 2 else (None, [Text(HOLE, True)])
    out: list[Text] = []
    for new in given:
        changed = text.text.replace(old.text, new.text) if old and old.text else text.text
        dynamic = text.dynamic or new.dynamic
        holes = join(text.holes, new.holes)[:MAX_HOLES]
        out.append(Text(changed, dynamic, text.how or ("replace" if dynamic else ""), holes))
    return out
