"""Texts that are only shown to people: what is printed, logged, raised with an error, or helps with a command."""

from __future__ import annotations

import re
from typing import Any

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program.model import FunctionInfo

_PRINTS = frozenset({"print", "pprint", "echo", "secho", "warn", "input", "exit"})
_LOGS = frozenset({"debug", "info", "warning", "error", "exception", "critical", "fatal", "trace", "success"})
_LOGGER = regex(r"(?:^|[._])log(?:s|ger|ging)?(?:$|[._])|logger$|^(?:structlog|loguru|messages)\b", re.I)
_WRITES = ("stdout.write", "stderr.write")
#: Keyword arguments that are shown with an option, a field or an endpoint.
_TELLS = frozenset({"help", "description", "epilog", "usage", "title", "summary", "example", "examples", "metavar"})
#: Methods that put texts together.
_OF_TEXTS = frozenset({"format", "join", "strip", "rstrip", "lstrip", "dedent", "cleandoc", "indent", "str"})


def is_shown(function: FunctionInfo, text: ir.Expr) -> bool:
    """Whether a text in a function's code goes nowhere but to a reader."""
    return _shown(ir.body_of(function.facts), text, False) is True


def _shown(node: Any, text: ir.Expr, shown: bool) -> bool | None:
    """Whether what is around the text shows it; ``None`` where it does not stand below the node."""
    if node is text or (len(node) > 2 and node[0] == text[0] and node[1] == text[1]):
        return shown
    if len(node) == 5 and node[0] == "c" and type(node[1]) is tuple:
        return _in_call(node, text, shown)
    if node and node[0] == "!" and len(node) > 2 and node[2] is not None and node[2][0] == "c":
        # what an error is made with
        return _in_call(node[2], text, True, raised=True)
    for child in node:
        if type(child) is tuple and child:
            found = _shown(child, text, shown)
            if found is not None:
                return found
    return None


def _in_call(call: Any, text: ir.Expr, shown: bool, raised: bool = False) -> bool | None:
    """The same for a call: an argument of one that shows nothing may be what connects."""
    callee = call[2]
    name = callee[3] if callee[0] == "a" else callee[2] if callee[0] == "n" else ""
    of_text = name in _OF_TEXTS
    shows = raised or (shown if of_text else _shows(callee, name))
    parts = [(callee, of_text and shown), *((a, shows) for a in call[3])]
    parts += [(value, shows or key in _TELLS) for key, value in call[4]]
    found = (_shown(part, text, so) for part, so in parts)
    return next((told for told in found if told is not None), None)


def _shows(callee: Any, name: str) -> bool:
    if name in _PRINTS or (ir.dotted(callee) or "").endswith(_WRITES):
        return True
    owner = (ir.dotted(callee[2]) or "") if callee[0] == "a" else ""
    return name in _LOGS and bool(_LOGGER.search(owner))


__all__ = ["is_shown"]
