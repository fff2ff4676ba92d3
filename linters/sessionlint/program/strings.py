"""Strings: literals, f-strings, concatenation and formatting, with holes for what is not known (:mod:`~.texts`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sessionlint.facts import ir
from sessionlint.facts.number_formats import AS_NUMBER
from sessionlint.patterns import regex
from sessionlint.program import (
    checked_by_makers,
    checked_lists,
    checked_words,
    compared,
    implied,
    listed,
    mixed_names,
    operators,
    padding,
    picking,
    predicates,
    united,
    written_numbers,
)
from sessionlint.program import memo as memory
from sessionlint.program.frame import Frame
from sessionlint.program.texts import (
    AS_UUID,
    COUNTS,
    HARMLESS,
    HOLE,
    JOIN,
    WHOLE,
    alternatives,
    in_step,
    is_uuid,
    limited,
    mixed_by,
    of_number,
    product,
)
from sessionlint.program.values import (
    UNKNOWN,
    Ext,
    Inst,
    Operation,
    Param,
    PartialCall,
    Seq,
    Text,
    Value,
    join,
    merge_maps,
)

if TYPE_CHECKING:
    from sessionlint.program.solver import Solver

#: The time as a number, which ids are made of.
CLOCK = frozenset({"time.time()", "time.time_ns()", "datetime.datetime.now().timestamp()"})
_NUMBERS = tuple(Ext(f"{name}()") for name in ("builtins.int", "builtins.float", "builtins.bool", "decimal.Decimal"))
_NUMERIC = frozenset(f"builtins.{name}()" for name in COUNTS)
_LITERAL = Ext("typing.Literal()")
_MEMBER = Ext("enum.Enum().value()")
_OF_TEXT = ("+", "%")
_ARITHMETIC = ("+", "-", "*", "/", "%", "Mod", "FloorDiv", "Pow")
#: What is added to something is the text of it: a UUID has no ``+``, and a token is one.
_HEX = ("uuid.uuid1()", "uuid.uuid4()", "uuid.uuid7()", "secrets.token_hex()", "secrets.token_urlsafe()")
_PERCENT = regex(r"%(?:\((\w+)\))?[#0\- +]*[\d.*]*([%a-zA-Z])")


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
    parts: list[tuple[ir.Expr, Value]] = []
    for part in e[2]:
        if part[0] == "u" and part[2] == AS_NUMBER:
            out = product(out, of_number(alternatives(frame.evaluate(part[3]))))
            continue
        value = picking.known(frame, part, frame.evaluate(part))
        value = implied.said(frame, value, part[1])
        value = as_declared(frame, value)
        out = product(out, alternatives(value))
        if part[0] != "k":
            parts.append((part, value))
    texts = mixed_names.of_parts(tuple(mixed_by(out, "an f-string")), "an f-string", parts)
    tell_urls(frame, e, texts_of(texts))
    return texts


def as_declared(frame: Frame, value: Value) -> Value:
    """With parameters that are declared numbers, or one of some literals, as that; so are members of enumerations."""
    if len(value) > 1:
        value = compared.as_made(frame, value)
    return tuple(_number(frame, a) if a.tag == "param" else _member(frame, a) if a.tag == "inst" else a for a in value)


def numbers_in(frame: Frame, value: Value) -> Value:
    """The same for what tuples and dictionaries hold, too."""
    out: list[Any] = []
    for atom in as_declared(frame, value):
        if atom.tag == "seq":
            atom = atom._replace(items=tuple([as_declared(frame, v) for v in atom.items]))
        elif atom.tag == "map":
            atom = atom._replace(items=tuple([(k, as_declared(frame, v)) for k, v in atom.items]))
        out.append(atom)
    return tuple(out)


def _member(frame: Frame, atom: Inst) -> Any:
    return _MEMBER if _is_member(frame.solver, atom) else atom


def _is_member(solver: Solver, atom: Any) -> bool:
    return any(b.startswith("enum.") for b in solver.external_bases(atom.info))


def _number(frame: Frame, atom: Param) -> Any:
    if frame.facts and listed.is_listed(frame, atom):
        return _LITERAL
    if atom.info is not frame.function and checked_by_makers.is_checked(frame, atom):
        return _LITERAL
    frame.solver.remember(memory.SIGNATURE, atom.info, atom.info.signature)
    return declared(frame.solver, atom)


def declared(solver: Solver, atom: Param) -> Any:
    """What a parameter is declared to be where that is a number, a UUID or one of some texts, else the parameter."""
    annotation = atom.info.param_values.get(atom.name, (UNKNOWN, UNKNOWN))[0]
    given = solver.instances(annotation) if annotation else UNKNOWN
    if given and given[0].tag == "inst":
        return _MEMBER if all(a.tag == "inst" and _is_member(solver, a) for a in given) else atom
    if given and all(a in _NUMBERS or a == _LITERAL for a in given):
        return given[0]
    if checked_words.is_declared(atom):
        return _LITERAL
    of_uuid = given and all(a.tag == "ext" and is_uuid(a.name) for a in given)
    return Operation(atom, AS_UUID) if of_uuid else atom


#: What is left of a UUID's number by these is a part of it.
_PARTS_OF_NUMBERS = frozenset({">>", "RShift", "FloorDiv"})


def binary(frame: Frame, e: ir.Expr) -> Value:
    """``+``, ``%`` and ``*`` of strings and sequences, ``|`` of annotations, ``&``/``|`` of predicates."""
    # A long chain nests to the left: walk it with a loop, not the stack.
    chain = [e]
    while chain[-1][3][0] == "b" and len(chain) < 20_000:
        chain.append(chain[-1][3])
    value = _operand(frame, chain[-1][2], chain[-1][3])
    parts = [(chain[-1][3], value)]
    for link in reversed(chain):
        right = _operand(frame, link[2], link[4])
        if link[4][0] == "k" and link[3][0] in ("k", "b"):
            number = written_numbers.worked_out(link[2], value, right)
            if number:
                value = number
                continue
        parts.append((link[4], right))
        made = operators.between(frame, link, value, right)
        value = _combined(frame, link, value, right) if made is None else made
    if e[2] in _OF_TEXT and texts_of(value):
        value = mixed_names.of_parts(value, e[2], parts)
    tell_urls(frame, e, texts_of(value))
    return value


def added(frame: Frame, e: ir.Expr) -> tuple[Value, Value | None]:
    """What ``name += value`` makes of it, and what alone is new there; ``None`` where a method says what is made."""
    left = _operand(frame, e[2], e[3])
    right = _operand(frame, e[2], e[4])
    made = operators.between(frame, e, left, right)
    value = _combined(frame, e, left, right) if made is None else made
    if e[2] in _OF_TEXT and texts_of(value):
        value = mixed_names.of_parts(value, e[2], [(e[3], left), (e[4], right)])
    tell_urls(frame, e, texts_of(value))
    return value, right if made is None else None


def _combined(frame: Frame, e: ir.Expr, left: Value, right: Value) -> Value:
    if e[2] == "%" and texts_of(left):
        right = picking.known_items(frame, e[4], right)
        right = tuple([_said_items(frame, a, e[1]) for a in implied.said(frame, right, e[1])])
    return combine(frame, e[2], left, right)


def _said_items(frame: Frame, atom: Any, span: ir.Span4) -> Any:
    """The operands of ``%`` in a tuple, as the texts that they are."""
    if atom.tag != "seq":
        return atom
    return atom._replace(items=tuple([implied.said(frame, item, span) for item in atom.items]))


def _operand(frame: Frame, operator: str, e: ir.Expr) -> Value:
    value = frame.evaluate(e)
    return value if value or operator not in _OF_TEXT else picking.known(frame, e, value)


def tell_urls(frame: Frame, e: ir.Expr, texts: tuple[Text, ...]) -> None:
    if any("://" in t.text for t in texts):
        frame.emit("url", e[1], value=texts, expr=e)


def combine(frame: Frame, operator: str, left: Value, right: Value) -> Value:
    """``left + right`` and other operators between two values of which neither's class says what they do."""
    if operator in _ARITHMETIC and is_number(frame, left) and is_number(frame, right):
        return _NUMBERS[:1]
    if operator in _ARITHMETIC and _is_time(left) and is_number(frame, right):
        return left
    if operator == "|" and len(right) == 1 and right[0].tag == "map" and (below := united.dictionary(frame, left)):
        return (merge_maps(below, right[0]),)
    if operator == "|":
        if left and right and all(a.tag == "partial" for a in (*left, *right)):
            # tasks of a queue with their arguments, one after the other
            return (PartialCall((Ext("celery.chain()"),), (left, right), ()),)
        kept = ("ext", "cls", "annotated", "handle", "map", "predicate", "partial")
        return tuple(a for a in join(left, right) if a.tag in kept)
    if operator == "&" and (kept := checked_lists.common(left, right)):
        return kept
    if operator == "&":
        return predicates.combined([left, right])
    if operator == "*":
        repeated = [a for a in (*left, *right) if a.tag == "seq"]
        return tuple(Seq(s.items, True) for s in repeated) or texts_of(left) or texts_of(right)
    if operator == "%":
        cut = tuple([a for a in left if a.tag == "ext" and a.name.startswith("uuid.") and a.name.endswith(".int")])
        given = numbers_in(frame, right) if texts_of(left) and not cut else right
        return cut or tuple(limited([made for t in texts_of(left) for made in _percent(t, given)]))
    if operator in _PARTS_OF_NUMBERS:
        # the upper half of a UUID's number
        return tuple(a for a in left if a.tag == "ext" and a.name.startswith("uuid."))
    if operator != "+":
        return UNKNOWN
    if texts_of(left) or texts_of(right) or any(a.tag == "ext" and a.name.startswith(_HEX) for a in (*left, *right)):
        texts = product(alternatives(as_declared(frame, left)), alternatives(as_declared(frame, right)))
        return tuple(mixed_by(texts, "+"))
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
        for a in as_declared(frame, value)
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
            pieces = alternatives(padding.padded(given or UNKNOWN, field[0][1:]))
        parts.append(of_number(pieces) if field[2] in "diouxXeEfFgG" else pieces)
    parts.append([Text(text.text[position:], False)])
    return mixed_by(in_step(text, parts), "%")


__all__ = [
    "HARMLESS", "HOLE", "JOIN", "as_declared", "binary", "combine", "declared", "is_number", "joined", "numbers_in",
    "tell_urls", "text_of", "texts_of", "whole",
]  # fmt: skip
