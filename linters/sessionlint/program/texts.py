"""Texts with holes: what a value reads as inside a string, and how texts are put together.

A string that differs between paths has several texts; beyond a few only the longest are kept.
"""

from __future__ import annotations

import re

from sessionlint.patterns import regex
from sessionlint.program import knowledge, mapped, padding, picking
from sessionlint.program.values import (
    Text,
    Value,
)

HOLE = "\0"
#: Stands before each name of what was mixed in and is not known, behind how it was.
MIXED = "\0"
MAX_NAMES = 5
MAX_ALTERNATIVES = 4
MAX_HOLES = 8

#: Functions that give numbers, whatever they are given.
COUNTS = ("int", "len", "float", "bool", "round", "abs", "sum", "hash", "id", "ord")
_MATH = (
    "ceil", "floor", "trunc", "fabs", "sqrt", "isqrt", "log", "log2", "log10", "exp", "pow", "prod", "gcd", "lcm",
    "comb", "perm", "factorial", "hypot", "fsum", "copysign",
)  # fmt: skip
_CASES = ("lower", "upper", "title", "capitalize", "casefold", "strip")
#: What stands behind a number once it is a whole one.
WHOLE = ".__int__()"
#: Numbers, names of mapped tables and quoted names cannot carry foreign text.
HARMLESS = knowledge.QUOTED_NAMES | {
    knowledge.MAPPED_TABLE, knowledge.MAPPED_COLUMN, "sqlalchemy.Table()",
    *(f"builtins.{name}()" for name in COUNTS), *(f"math.{name}()" for name in _MATH),
    *(f"{made}().{name}()" for made in ("builtins.bool", "typing.Literal") for name in _CASES),
    "decimal.Decimal()", "time.time()", "time.time_ns()", "random.randint()", "random.randrange()", "os.getpid()",
    "sqlalchemy.table_name()", "enum.Enum().value()", "typing.Literal()", padding.PADDED,
}  # fmt: skip
#: Numbers that times, and spans of time, are told by.
_OF_TIME = regex(
    r"^datetime\.(?:date|datetime|time|timedelta)\b.*\.(?:(?:micro)?seconds?|minute|hour|days?|month|year"
    r"|(?:timestamp|total_seconds|toordinal|(?:iso)?weekday)\(\))$"
)
#: A UUID, made or read or declared.
_UUID = r"(?:uuid\.(?:uuid\d|UUID)|pydantic\.(?:types\.)?UUID\d)\(\)"
_IS_UUID = regex(rf"^{_UUID}$")
#: Nor can what is spelled in hexadecimal digits, or a part of it.
_DIGITS = regex(
    rf"^(?:(?:hashlib|hmac)\..*\.hexdigest\(\)|{_UUID}(?:\.hex)?|secrets\.token_hex\(\)|builtins\.hex\(\))(?:\[\])*$"
)
#: What is remembered of a hole: callers may know it.
IN_HOLES = ("ext", "param", "injected")
#: The operation that stands in a hole for joined items of a parameter; its result is the separator.
JOIN = "str.join"
#: The operation that stands in a hole for a parameter that is declared a UUID: no caller mixes foreign text in there.
AS_UUID = "uuid.UUID"
_TOLD_LATER: tuple[str, ...] = (JOIN, *picking.LATER)
#: What recursion adds again and again.
_REPEATED = regex(rf"((?:{HOLE}[^{HOLE}]*){{1,3}}?)\1+")


def of_number(texts: list[Text]) -> list[Text]:
    """What a field may hold that takes nothing but numbers."""
    return [t._replace(dynamic=False) if t.text == HOLE else t for t in texts]


def alternatives(value: Value) -> list[Text]:
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
            harmless = (atom.tag == "ext" and is_harmless(atom.name)) or atom.tag == "cls"
            if atom.tag == "operation" and atom.name == AS_UUID:
                out.append(Text(HOLE, False, "", (atom,)))
                continue
            kept = atom.tag in IN_HOLES or (atom.tag == "operation" and atom.name in _TOLD_LATER)
            out.append(Text(HOLE, not harmless, "", (atom,) if kept else ()))
    return limited(out) or [Text(HOLE, True)]


def is_harmless(name: str) -> bool:
    """Whether a library's value of this name can carry no foreign text."""
    if name in HARMLESS or name.endswith(WHOLE):
        return True
    if ("hex" in name or "uuid." in name or "UUID" in name) and _DIGITS.match(name) is not None:
        return True
    if name.startswith("datetime.") and _OF_TIME.match(name) is not None:
        return True
    return name.startswith(mapped.ROOTS) and mapped.is_name(name)


def is_uuid(name: str) -> bool:
    """Whether a library's value of this name is a UUID: it reads as nothing but digits and hyphens."""
    return _IS_UUID.match(name) is not None


def product(left: list[Text], right: list[Text]) -> list[Text]:
    """Each of the one before each of the other."""
    if len(left) == 1 and len(right) == 1:
        return [append(left[0], right[0])]
    return limited([append(a, b) for a in left for b in right])


def append(a: Text, b: Text) -> Text:
    """One text, and behind it another."""
    text = settled(a.text + b.text)
    how = of_both(a.how, b.how) if a.how and b.how else a.how or b.how
    return Text(text, a.dynamic or b.dynamic, how, (a.holes + b.holes)[:MAX_HOLES])


def of_both(how: str, other: str) -> str:
    """How the one was mixed, with the names of what was mixed into the other, too."""
    if not how or how == other:
        return other
    named = how.split(MIXED)
    new = [name for name in other.split(MIXED)[1:] if name not in named[1:]]
    return MIXED.join([*named, *new[: max(0, MAX_NAMES + 1 - len(named))]]) if new else how


def how_of(pieces: list[Text]) -> str:
    """How several texts were mixed."""
    how = ""
    for piece in pieces:
        how = of_both(how, piece.how) if how and piece.how else how or piece.how
    return how


def settled(text: str) -> str:
    """With fewer repetitions: else a function that calls itself on a part would find a longer text every time."""
    excess = text.count(HOLE) - MAX_HOLES

    def fewer(found: re.Match[str]) -> str:
        nonlocal excess
        unit = found[1]
        dropped = min(max(0, -(-excess // unit.count(HOLE))), len(found[0]) // len(unit) - 1)
        excess -= dropped * unit.count(HOLE)
        return found[0][dropped * len(unit) :]

    return _REPEATED.sub(fewer, text) if excess > 0 else text


def limited(texts: list[Text]) -> list[Text]:
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


def in_step(text: Text, parts: list[list[Text]]) -> list[Text]:
    """A text of parts: one with the first alternative of each, one with the second…: fields are often of one value."""
    made: list[Text] = []
    for number in range(max([len(part) for part in parts])):
        chosen = [part[number] if number < len(part) else part[0] for part in parts]
        dynamic = text.dynamic or any(piece.dynamic for piece in chosen)
        how = how_of([text, *chosen])
        holes = list(text.holes)
        for piece in chosen:
            holes.extend(piece.holes)
        # settled once: what stands before a field is shortened with what follows
        text_now = settled("".join([piece.text for piece in chosen]))
        made.append(Text(text_now, dynamic, how, tuple(holes[:MAX_HOLES])))
    return made


def mixed_by(texts: list[Text], how: str) -> list[Text]:
    """Names the operation that mixed values in, where that is not told yet."""
    return [t._replace(how=t.how or how) if t.dynamic else t for t in texts]
