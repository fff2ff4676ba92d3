"""Strings: literals, f-strings, concatenation and formatting, with holes for what is not known.

A string that differs between paths has several texts; beyond a few only the longest are kept.
"""

from __future__ import annotations

import re
from string import Formatter
from typing import Any

from sessionlint.facts import ir
from sessionlint.facts.number_formats import AS_NUMBER, takes_numbers
from sessionlint.program import knowledge, listed, mapped, operators, padding, picking, predicates, urls
from sessionlint.program import memo as memory
from sessionlint.program.frame import Frame
from sessionlint.program.values import (
    ABSENT,
    MAX_ATOMS,
    UNKNOWN,
    Const,
    Ext,
    Inst,
    Operation,
    Param,
    PartialCall,
    Seq,
    Text,
    Value,
    join,
    join_all,
    merge_maps,
)

HOLE = "\0"
MAX_ALTERNATIVES = 4
MAX_HOLES = 4

#: Functions that give numbers, whatever they are given.
_COUNTS = ("int", "len", "float", "bool", "round", "abs", "sum", "hash", "id", "ord")
#: Numbers, names of mapped tables and quoted names cannot carry foreign text.
HARMLESS = knowledge.QUOTED_NAMES | {
    knowledge.MAPPED_TABLE, knowledge.MAPPED_COLUMN,
    *(f"builtins.{name}()" for name in _COUNTS),
    "sqlalchemy.table_name()", "enum.Enum().value()", "typing.Literal()", padding.PADDED,
}  # fmt: skip
#: Nor can what is spelled in hexadecimal digits, or a part of it.
_DIGITS = re.compile(
    r"^(?:(?:hashlib|hmac)\..*\.hexdigest\(\)|uuid\.uuid\d\(\)\.hex|secrets\.token_hex\(\)|builtins\.hex\(\))(?:\[\])*$"
)
#: The time as a number, which ids are made of; and what stands behind it once it is a whole one.
CLOCK = frozenset({"time.time()", "time.time_ns()", "datetime.datetime.now().timestamp()"})
WHOLE = ".__int__()"
_NUMBERS = tuple(Ext(f"builtins.{name}()") for name in ("int", "float", "bool"))
_NUMERIC = frozenset(f"builtins.{name}()" for name in _COUNTS)
_LITERAL = Ext("typing.Literal()")
_MEMBER = Ext("enum.Enum().value()")
_OF_TEXT = ("+", "%")
_ARITHMETIC = ("+", "-", "*", "/", "%", "Mod", "FloorDiv", "Pow")
_KEPT = ("ext", "param", "injected")
#: What is added to something is the text of it: a UUID has no ``+``.
_HEX = ("uuid.uuid1()", "uuid.uuid4()", "uuid.uuid7()")
#: The operation that stands in a hole for joined items of a parameter; its result is the separator.
JOIN = "str.join"
_TOLD_LATER: tuple[str, ...] = (JOIN, *picking.LATER)
_TEMPLATE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_PERCENT = re.compile(r"%(?:\((\w+)\))?[#0\- +]*[\d.*]*([%a-zA-Z])")
#: What recursion adds again and again.
_REPEATED = re.compile(rf"((?:{HOLE}[^{HOLE}]*){{1,3}}?)\1+")
_KEEPING = {"strip", "lstrip", "rstrip", "lower", "upper", "removeprefix", "removesuffix", "title", "capitalize"}


def text_of(value: Value) -> Text | None:
    """The text a value is, when it is a string; literals are not dynamic."""
    found = texts_of(value)
    return found[0] if found else None


def texts_of(value: Value) -> tuple[Text, ...]:
    """All texts a value may be."""
    out: list[Text] = []
    for atom in value:
        if atom.tag == "text":
            out.append(Text(*atom))
        elif atom.tag == "const" and atom.kind == "str":
            out.append(Text(atom.value, False))
    return tuple(out)


def whole(value: Value) -> str | None:
    """The one string a value is when all of it is known: a literal, or put together of literals."""
    if len(value) != 1:
        return None
    atom = value[0]
    if atom.tag == "text":
        return None if atom.dynamic or HOLE in atom.text else str(atom.text)
    return atom.value if atom.tag == "const" and atom.kind == "str" else None


def joined(frame: Frame, e: ir.Expr) -> Value:
    """An f-string."""
    out = [Text("", False)]
    for part in e[2]:
        if part[0] == "u" and part[2] == AS_NUMBER:
            out = _product(out, _of_number(_alternatives(frame.evaluate(part[3]))))
            continue
        value = picking.known(frame, part, frame.evaluate(part))
        out = _product(out, _alternatives(_numbers(frame, value)))
    texts = tuple(_mixed_by(out, "an f-string"))
    _tell_urls(frame, e, texts)
    return texts


def _of_number(texts: list[Text]) -> list[Text]:
    """What a field may hold that takes nothing but numbers."""
    return [t._replace(dynamic=False) if t.text == HOLE else t for t in texts]


def _numbers(frame: Frame, value: Value) -> Value:
    """With parameters that are declared numbers, or one of some literals, as that; so are members of enumerations."""
    return tuple(_number(frame, a) if a.tag == "param" else _member(frame, a) if a.tag == "inst" else a for a in value)


def _member(frame: Frame, atom: Inst) -> Any:
    return _MEMBER if any(b.startswith("enum.") for b in frame.solver.external_bases(atom.info)) else atom


def _number(frame: Frame, atom: Param) -> Any:
    if frame.facts and listed.is_listed(frame, atom):
        return _LITERAL
    frame.solver.remember(memory.SIGNATURE, atom.info, atom.info.signature)
    annotation = atom.info.param_values.get(atom.name, (UNKNOWN, UNKNOWN))[0]
    declared = frame.solver.instances(annotation) if annotation else UNKNOWN
    if declared and declared[0].tag == "inst":
        return _MEMBER if all(a.tag == "inst" and _member(frame, a) == _MEMBER for a in declared) else atom
    return declared[0] if declared and all(a in _NUMBERS or a == _LITERAL for a in declared) else atom


def _alternatives(value: Value) -> list[Text]:
    """What a value reads as inside a string: a hole for what is not known."""
    out: list[Text] = []
    for atom in value:
        if atom.tag == "const":
            if atom.value is not None:
                out.append(Text(str(atom.value), False))
            elif len(value) == 1:
                # nobody writes "None" into a text: a setting whose value comes from outside
                out.append(Text(HOLE, True))
        elif atom.tag == "text":
            out.append(Text(*atom))
        else:
            # a class of the source, or the table that stands for it
            harmless = (atom.tag == "ext" and _is_harmless(atom.name)) or atom.tag == "cls"
            kept = atom.tag in _KEPT or (atom.tag == "operation" and atom.name in _TOLD_LATER)
            out.append(Text(HOLE, not harmless, "", (atom,) if kept else ()))
    return _limited(out) or [Text(HOLE, True)]


def _is_harmless(name: str) -> bool:
    if name in HARMLESS or name.endswith(WHOLE) or ("hex" in name and _DIGITS.match(name) is not None):
        return True
    return name.startswith(mapped.ROOTS) and mapped.is_name(name)


def _product(left: list[Text], right: list[Text]) -> list[Text]:
    if len(left) == 1 and len(right) == 1:
        return [_append(left[0], right[0])]
    return _limited([_append(a, b) for a in left for b in right])


def _append(a: Text, b: Text) -> Text:
    text = _settled(a.text + b.text)
    return Text(text, a.dynamic or b.dynamic, a.how or b.how, (a.holes + b.holes)[:MAX_HOLES])


def _settled(text: str) -> str:
    """With fewer repetitions: else a function that calls itself on a part would find a longer text every time."""
    excess = text.count(HOLE) - MAX_HOLES

    def fewer(found: re.Match[str]) -> str:
        nonlocal excess
        unit = found[1]
        dropped = min(max(0, -(-excess // unit.count(HOLE))), len(found[0]) // len(unit) - 1)
        excess -= dropped * unit.count(HOLE)
        return found[0][dropped * len(unit) :]

    return _REPEATED.sub(fewer, text) if excess > 0 else text


def _limited(texts: list[Text]) -> list[Text]:
    """Without duplicates, and only the longest when there are many."""
    if len(texts) <= 1:
        return texts
    texts = list(dict.fromkeys(texts))
    if len(texts) <= MAX_ALTERNATIVES:
        return texts
    # those that read alike must not crowd out the others
    alike: dict[str, Text] = {}
    for text in texts:
        known = alike.get(text.text)
        alike[text.text] = text if known is None or (text.dynamic and not known.dynamic) else known
    texts = list(alike.values())
    if len(texts) <= MAX_ALTERNATIVES:
        return texts
    dynamic = next((t for t in texts if t.dynamic), None)
    kept = sorted(texts, key=lambda t: -len(t.text))[:MAX_ALTERNATIVES]
    if dynamic is not None and not any(t.dynamic for t in kept):
        kept[-1] = dynamic
    return kept


def binary(frame: Frame, e: ir.Expr) -> Value:
    """``+``, ``%`` and ``*`` of strings and sequences, ``|`` of annotations, ``&``/``|`` of predicates."""
    # A long chain nests to the left: walk it with a loop, not the stack.
    chain = [e]
    while chain[-1][3][0] == "b" and len(chain) < 20_000:
        chain.append(chain[-1][3])
    value = _operand(frame, chain[-1][2], chain[-1][3])
    for link in reversed(chain):
        right = _operand(frame, link[2], link[4])
        made = operators.between(frame, link, value, right)
        value = _combine(frame, link[2], value, right) if made is None else made
    _tell_urls(frame, e, texts_of(value))
    return value


def _operand(frame: Frame, operator: str, e: ir.Expr) -> Value:
    value = frame.evaluate(e)
    return value if value or operator not in _OF_TEXT else picking.known(frame, e, value)


def _tell_urls(frame: Frame, e: ir.Expr, texts: tuple[Text, ...]) -> None:
    if any("://" in t.text for t in texts):
        frame.emit("url", e[1], value=texts, expr=e)


def _combine(frame: Frame, operator: str, left: Value, right: Value) -> Value:
    if operator in _ARITHMETIC and is_number(frame, left) and is_number(frame, right):
        return _NUMBERS[:1]
    if operator in _ARITHMETIC and _is_time(left) and is_number(frame, right):
        return left
    if operator == "|" and len(left) == len(right) == 1 and left[0].tag == right[0].tag == "map":
        return (merge_maps(left[0], right[0]),)
    if operator == "|":
        if left and right and all(a.tag == "partial" for a in (*left, *right)):
            # tasks of a queue with their arguments, one after the other
            return (PartialCall((Ext("celery.chain()"),), (left, right), ()),)
        kept = ("ext", "cls", "annotated", "handle", "map", "predicate", "partial")
        return tuple(a for a in join(left, right) if a.tag in kept)
    if operator == "&":
        return predicates.combined([left, right])
    if operator == "*":
        repeated = [a for a in (*left, *right) if a.tag == "seq"]
        return tuple(Seq(s.items, True) for s in repeated) or texts_of(left) or texts_of(right)
    if operator == "%":
        return tuple(_limited([made for t in texts_of(left) for made in _percent(t, right)]))
    if operator in (">>", "RShift"):
        # the upper half of a UUID's number
        return tuple(a for a in left if a.tag == "ext" and a.name.startswith("uuid."))
    if operator != "+":
        return UNKNOWN
    if texts_of(left) or texts_of(right) or any(a.tag == "ext" and a.name.startswith(_HEX) for a in (*left, *right)):
        texts = _product(_alternatives(_numbers(frame, left)), _alternatives(_numbers(frame, right)))
        return tuple(_mixed_by(texts, "+"))
    sequences = [x for x in (*left, *right) if x.tag == "seq"]
    if sequences:
        return (Seq(tuple(i for s in sequences for i in s.items)[:40], any(s.many for s in sequences)),)
    return UNKNOWN


def is_number(frame: Frame, value: Value) -> bool:
    """Whether a value is a number, whichever."""
    return bool(value) and all(
        (a.tag == "ext" and a.name in _NUMERIC)
        or (a.tag == "const" and a.kind in ("int", "float"))
        or (a.tag == "ext" and a.name.endswith(WHOLE))
        for a in _numbers(frame, value)
    )


def _is_time(value: Value) -> bool:
    return bool(value) and all(a.tag == "ext" and a.name.removesuffix(WHOLE) in CLOCK for a in value)


def _percent(text: Text, right: Value) -> list[Text]:
    """``text % right``: what stands for the fields, in order or by name."""
    single = [a for a in right if a.tag == "seq"]
    items = list(single[0].items) if single and not single[0].many else [] if single else [right]
    names = next((a for a in right if a.tag == "map"), None)
    parts: list[list[Text]] = []
    position = 0
    for field in _PERCENT.finditer(text.text):
        parts.append([Text(text.text[position : field.start()], False)])
        position = field.end()
        if field[2] == "%":
            pieces = [Text("%", False)]
        else:
            given = items.pop(0) if items and not field[1] else names.get(field[1]) if names and field[1] else None
            pieces = _alternatives(padding.padded(given or UNKNOWN, field[0][1:]))
        parts.append(_of_number(pieces) if field[2] in "diouxXeEfFgG" else pieces)
    parts.append([Text(text.text[position:], False)])
    return _mixed_by(_in_step(text, parts), "%")


def _in_step(text: Text, parts: list[list[Text]]) -> list[Text]:
    """A text of parts: one with the first alternative of each, one with the second…: fields are often of one value."""
    made: list[Text] = []
    for number in range(max([len(part) for part in parts])):
        chosen = [part[number] if number < len(part) else part[0] for part in parts]
        dynamic = text.dynamic or any(piece.dynamic for piece in chosen)
        how = next((piece.how for piece in (text, *chosen) if piece.how), "")
        holes = list(text.holes)
        for piece in chosen:
            holes.extend(piece.holes)
        # settled once: what stands before a field is shortened with what follows
        settled = _settled("".join([piece.text for piece in chosen]))
        made.append(Text(settled, dynamic, how, tuple(holes[:MAX_HOLES])))
    return made


def _mixed_by(texts: list[Text], how: str) -> list[Text]:
    """Names the operation that mixed values in, where that is not told yet."""
    return [t._replace(how=t.how or how) if t.dynamic else t for t in texts]


def method(
    frame: Frame, text: Text, name: str, args: list[Value], keywords: list[tuple[str, Value]], e: ir.Expr
) -> Value:
    """A method of a string: ``format``, ``join``, ``replace``; others keep the text."""
    if e[0] == "c" and len(e[3]) == len(args):
        args = [picking.known(frame, part, a) for part, a in zip(e[3], args, strict=True)]
        keywords = [(k, v or _keyword(frame, k, e)) for k, v in keywords]
    args = [_numbers(frame, a) for a in args]
    if name in ("substitute", "safe_substitute"):
        return tuple(_templated(text, args, dict(keywords)))
    if name == "format_map":
        given = [a for v in args[:1] for a in v if a.tag == "map"]
        keys = dict.fromkeys([k for m in given for k, _ in m.items if isinstance(k, str)])
        args, keywords = [], [(k, join_all([m.get(k) or UNKNOWN for m in given])) for k in keys]
    if name in ("format", "format_map"):
        made = _format(text, args, {k: _numbers(frame, v) for k, v in keywords})
        _tell_urls(frame, e, tuple(made))
        return tuple(made)
    if name == "join":
        return _joined_items(text, args[0] if args else UNKNOWN)
    if name == "replace":
        return tuple(_replaced(text, args))
    if name in _KEEPING:
        plain = name in ("lower", "upper", "strip", "title", "capitalize")
        return (text._replace(text=getattr(text.text, name)()) if plain else text,)
    scheme = urls.scheme_kept(text.text, name)
    return (Text(f"{scheme}://{HOLE}"),) if scheme else UNKNOWN


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
        pieces = _alternatives(padding.padded(value, spec) if spec else value)
        parts.append(_of_number(pieces) if spec and takes_numbers(spec) else pieces)
    return _mixed_by(_in_step(text, parts), "str.format")


def _templated(text: Text, args: list[Value], named: dict[str, Value]) -> list[Text]:
    """``string.Template``: its fields by name."""
    given = next((a for v in args[:1] for a in v if a.tag == "map"), None)
    parts: list[list[Text]] = []
    position = 0
    for field in _TEMPLATE.finditer(text.text):
        name = field[1] or field[2]
        parts.append([Text(text.text[position : field.start()], False)])
        parts.append(_alternatives(named.get(name) or (given.get(name) if given else None) or UNKNOWN))
        position = field.end()
    parts.append([Text(text.text[position:], False)])
    return _mixed_by(_in_step(text, parts), "a template")


def filled(text: Text, known: list[Value]) -> Value:
    """The text once its holes are known, each in its place; only what is in the holes when places cannot be told."""
    pieces = text.text.split(HOLE)
    if len(pieces) != len(known) + 1:
        return (text._replace(holes=join_all(known)[:MAX_HOLES]),)
    out = [Text(pieces[0], False, text.how)]
    for value, piece in zip(known, pieces[1:], strict=True):
        given = [a for a in value if len(value) == 1 or a != ABSENT] or [None]
        each = [t for a in given for t in _alternatives((a,) if a is not None else UNKNOWN)]
        out = list(dict.fromkeys(_append(_append(o, t), Text(piece, False)) for o in out for t in each))
        out = _limited(out) if len(out) > MAX_ATOMS else out
    return tuple(t if t.dynamic else t._replace(how="") for t in out)


def joined_items(separator: Value, sequence: Value) -> Value:
    """``separator.join(sequence)``; unknown sequences that a caller knows are kept for it."""
    text = text_of(separator) or Text(HOLE, True)
    return _joined_items(text, sequence)


def _joined_items(text: Text, sequence: Value) -> Value:
    out: list[Text] = []
    if any(a.tag == "ext" and a.name.startswith(mapped.ROOTS) for a in sequence):
        sequence = tuple([Seq((mapped.elements(a.name),), True) if a.tag == "ext" else a for a in sequence])
    for atom in sequence:
        if atom.tag == "const" and atom.kind == "str":
            # its characters: ``",".join("?" * number)``
            out.append(Text(text.text.join(atom.value), text.dynamic))
        if atom.tag == "text" and not atom.dynamic:
            out.append(Text(text.text.join(atom.text), text.dynamic))
        if atom.tag != "seq" or not atom.items:
            continue
        pieces = [t for item in atom.items for t in _alternatives(item)]
        dynamic = text.dynamic or any(t.dynamic for t in pieces)
        how = next((t.how for t in pieces if t.how), "") or "join"
        holes = join_all([t.holes for t in pieces])[:MAX_HOLES]
        out.append(Text(_settled(text.text.join(t.text for t in pieces)), dynamic, how if dynamic else "", holes))
    listed = any(a.tag == "seq" for a in sequence)
    passed = tuple([a for a in sequence if a.tag == "param" or _is_later(a)]) if listed and len(sequence) > 1 else ()
    if passed or (not out and not listed):
        # ``names or ["id"]``: what is passed is no less what it may be
        kept = passed or tuple(a for a in sequence if a.tag in _KEPT or _is_later(a))
        if not text.dynamic:
            separator = (Const(text.text, "str"),)
            kept = tuple(Operation(a, JOIN, separator) if a.tag == "param" or _is_later(a) else a for a in kept)
        out.append(Text(HOLE, True, "join", kept[:MAX_HOLES]))
    return tuple(_limited(out)) or (Text("", text.dynamic),)


def _is_later(atom: Any) -> bool:
    """Whether it stands for an entry of a parameter, or what an object was given."""
    return bool(atom.tag == "operation" and atom.name in picking.LATER)


def _replaced(text: Text, args: list[Value]) -> list[Text]:
    old, given = (text_of(args[0]), _alternatives(args[1])) if len(args) >= 2 else (None, [Text(HOLE, True)])
    out: list[Text] = []
    for new in given:
        changed = text.text.replace(old.text, new.text) if old and old.text else text.text
        dynamic = text.dynamic or new.dynamic
        holes = join(text.holes, new.holes)[:MAX_HOLES]
        out.append(Text(changed, dynamic, text.how or ("replace" if dynamic else ""), holes))
    return out


__all__ = [
    "HARMLESS", "HOLE", "JOIN", "binary", "filled", "is_number", "joined", "joined_items", "method", "text_of",
    "texts_of", "whole",
]  # fmt: skip
