"""Functions of libraries that do not come back: they raise, or end the process.

Sources: ``NoReturn`` and ``Never`` in typeshed (``argparse``, ``os``, ``typing``); click's ``Context``, pytest's
outcomes and werkzeug's ``abort`` are annotated so, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sessionlint.facts import ir
from sessionlint.program.frame import Frame
from sessionlint.program.values import UNKNOWN, Ext, Value

Keywords = list[tuple[str, Value]]

_EXIT: Final = "builtins.SystemExit"
CLICK: Final = ("click.Context()", "click.core.Context()", "click.get_current_context()", "typer.Context()")
#: What each of them raises.
_RAISED: dict[str, str] = {
    **dict.fromkeys(("sys.exit", "builtins.exit", "builtins.quit", "os._exit", "os.abort"), _EXIT),
    **{f"os.exec{form}": _EXIT for form in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")},
    **{f"argparse.ArgumentParser().{name}": _EXIT for name in ("error", "exit")},
    **{f"{context}.{name}": f"click.{raised}"
       for context in CLICK for name, raised in (("fail", "UsageError"), ("abort", "Abort"), ("exit", "Exit"))},
    "typing.assert_never": "builtins.AssertionError",
    "typing_extensions.assert_never": "builtins.AssertionError",
    **{f"pytest.{name}": f"pytest.{name}.Exception" for name in ("fail", "skip", "xfail", "exit")},
    "flask.abort": "werkzeug.exceptions.HTTPException",
    "werkzeug.exceptions.abort": "werkzeug.exceptions.HTTPException",
}  # fmt: skip


def _never_returns(raised: str) -> Callable[[Frame, list[Value], Keywords, ir.Expr], Value]:
    def called(frame: Frame, args: list[Value], keywords: Keywords, e: ir.Expr) -> Value:
        return _leave(frame, raised, e)

    return called


def _leave(frame: Frame, raised: str, e: ir.Expr) -> Value:
    frame.emit("raise", e[1], value=(Ext(raised),), expr=e)
    frame.dead = True
    return UNKNOWN


def at_assertion(frame: Frame, test: ir.Expr) -> None:
    """``assert False`` says that no program comes there."""
    if test[0] == "k" and isinstance(test[2], int) and not test[2]:
        _leave(frame, "builtins.AssertionError", test)


#: What calling them does, by name.
SPECIAL = {name: _never_returns(raised) for name, raised in _RAISED.items()}
