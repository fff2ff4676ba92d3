"""Texts that a test, or a declaration, lets through only where they are plain words: names that carry no other text.

``if not re.fullmatch(r"[a-z_]+", name): raise``, ``name.isidentifier()``, ``Query(pattern="^(asc|desc)$")``. And what
is left of a text where all else is taken out: ``re.sub(r"[^a-z_]", "", name)``.
"""

from __future__ import annotations

from typing import Any, Final

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program.frame import Frame
from sessionlint.program.values import Ext, Param, Value, const

#: Methods of texts that hold of plain words only.
_METHODS: Final = frozenset({"isidentifier", "isalnum", "isalpha", "isdigit", "isdecimal", "isnumeric"})
_MATCHES: Final = frozenset({"fullmatch", "match"})
_MODULES: Final = frozenset({"re", "regex"})
_ONE: Final = r"(?:\\[wd.]|\[(?:\\[wd.]|\w-\w|[\w.])+\]|[\w.]|[+*?]|\{\d*,?\d*\})"
#: What a pattern may have whose texts are words and dots; a dot of its own is anything.
_WORDS: Final = regex(rf"\^?(?:\(\?:|\(|\)|\||{_ONE})+(?:\$|\\Z)?")
_DOT: Final = regex(r"(?<!\\)\.(?![^\[]*\])")
#: What no word has in it, as a pattern of what is taken out; and what may stand there.
_OTHERS: Final = regex(r"(?:\\W|\[\^(?:\\[wd.]|\w-\w|[\w.])+\])\+?")
_PLAIN: Final = regex(r"\w+")
#: Alternatives that all of a pattern has around them.
_ENCLOSED: Final = regex(r"\^?\((?:\?:)?[^()]*\)(?:\$|\\Z)")
#: What ``re.compile(…)`` gives.
_COMPILED: Final[Value] = (Ext("re.compile()"),)
#: The keywords by which declarations say which texts they take.
_LIMITS: Final = ("pattern", "regex")


def tested(frame: Frame, test: ir.Expr) -> str | None:
    """The name that is a plain word where a call in a condition holds."""
    called = test[2]
    if called[0] != "a":
        return None
    if called[3] in _METHODS and not test[3]:
        return called[2][2] if called[2][0] == "n" else None
    if called[3] not in _MATCHES or not test[3] or test[3][-1][0] != "n":
        return None
    of_module = called[2][0] == "n" and called[2][2] in _MODULES
    if len(test[3]) != (2 if of_module else 1) or test[4]:
        return None
    pattern = _written(frame, test[3][0]) if of_module else _compiled(frame, called[2])
    whole = called[3] == "fullmatch"
    return test[3][-1][2] if pattern is not None and are_words(pattern, whole) else None


def are_words(pattern: str, whole: bool) -> bool:
    """Whether a pattern lets nothing but words through, given that it must match ``whole`` texts or else says so."""
    if _WORDS.fullmatch(pattern) is None or _DOT.search(pattern) is not None:
        return False
    if whole:
        return True
    return pattern.endswith(("$", r"\Z")) and ("|" not in pattern or _ENCLOSED.fullmatch(pattern) is not None)


def leaves_words(frame: Frame, e: ir.Expr, of_module: bool) -> bool:
    """Whether a call takes all but letters, digits and dots out of a text: ``re.sub(r"[^a-z_]", "", name)``."""
    if e[0] != "c":
        return False
    args: tuple[ir.Expr, ...] = e[3]
    if len(args) != (3 if of_module else 2) or e[2][0] != "a" or args[-2][0] != "k":
        return False
    by = args[-2][2]
    if not isinstance(by, str) or (by and _PLAIN.fullmatch(by) is None):
        return False
    pattern = _written(frame, args[0]) if of_module else _compiled(frame, e[2][2])
    return pattern is not None and _OTHERS.fullmatch(pattern) is not None


def is_declared(param: Param) -> bool:
    """Whether a parameter's declaration lets nothing but words through: ``order: str = Query(pattern="^[a-z]+$")``."""
    for entry in param.info.params:
        if entry[0] == param.name:
            return any(_says_words(e) for e in entry[2:4] if e is not None)
    return False


def _says_words(e: Any) -> bool:
    if type(e) is not tuple or not e:
        return False
    if e[0] == "c" and len(e) == 5:
        given = next((v for k, v in e[4] if k in _LIMITS), None)
        # pydantic looks for the pattern anywhere in the text
        return given is not None and given[0] == "k" and _is_whole(given[2])
    return any(_says_words(child) for child in e[2:])


def _is_whole(pattern: Any) -> bool:
    return isinstance(pattern, str) and pattern.startswith("^") and are_words(pattern, False)


def _written(frame: Frame, e: ir.Expr) -> str | None:
    if e[0] == "k":
        return e[2] if isinstance(e[2], str) else None
    value = frame.evaluate(e) if e[0] == "n" else ()
    return value[0].value if len(value) == 1 and value[0].tag == "const" and value[0].kind == "str" else None


def compiled(frame: Frame, name: str, value: Value, source: ir.Expr) -> None:
    """``NAME = re.compile(r"[a-z]+")`` in a module: what the pattern is."""
    if value == _COMPILED and len(source[3]) == 1 and frame.function.name == "<module>" and frame.class_scope is None:
        pattern = _written(frame, source[3][0])
        if pattern is not None:
            frame.solver.write(("pattern", frame.path, name), const(pattern))


def _compiled(frame: Frame, e: ir.Expr) -> str | None:
    if e[0] != "n" or e[2] in frame.env:
        return None
    kept = frame.solver.read(("pattern", frame.path, e[2]))
    return kept[0].value if len(kept) == 1 else None


__all__ = ["are_words", "compiled", "is_declared", "leaves_words", "tested"]
