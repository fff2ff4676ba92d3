"""Under which conditions a place in a function stands: in the branch for SQLite, or in the one for tests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sessionlint.facts import ir
from sessionlint.patterns import regex
from sessionlint.program.model import FunctionInfo

_WORDS = regex(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_OF_TESTS = {"test", "tests", "testing", "pytest", "unittest", "unittests"}
#: What stands beside them in names: ``IS_TEST_ENV``, but not ``test_connection``.
_BESIDE = {
    "app", "ci", "current", "database", "db", "enabled", "env", "environment", "for", "in", "integration", "is", "mode",
    "on", "only", "run", "running", "stage", "under", "unit", "use", "using", "version",
}  # fmt: skip
_UNEQUAL = {"!=", "not in", "is not"}


def for_sqlite(function: FunctionInfo, span: ir.Span4) -> bool:
    """Whether a place stands in a branch whose condition speaks of SQLite: ``if url.startswith("sqlite")``."""
    return any(_says_sqlite(test, holds) for test, holds in conditions(function, span))


def for_tests(function: FunctionInfo, span: ir.Span4) -> bool:
    """Whether a place is reached in tests only: ``if settings.mode == "testing"``, ``else`` of ``!= Env.TEST``."""
    return any(_says_tests(test, holds) for test, holds in conditions(function, span))


def mentions(function: FunctionInfo, name: str) -> Iterator[ir.Span4]:
    """Where a function, without those in it, mentions a name or an attribute of that name."""
    yield from _mentions(function.body, name)


def _mentions(node: tuple[Any, ...], name: str) -> Iterator[ir.Span4]:
    for child in node:
        if type(child) is tuple and child:
            if len(child) > 2 and child[0] in ("n", "a") and child[-1] == name:
                yield child[1]
            else:
                yield from _mentions(child, name)


def conditions(function: FunctionInfo, span: ir.Span4) -> Iterator[tuple[ir.Expr, bool]]:
    """The tests of the ``if`` statements and expressions around a place of a function, outermost first.

    Each comes with whether it holds there; ``not`` is taken off.
    """
    yield from _around(function.body, span)


def _around(node: tuple[Any, ...], span: ir.Span4) -> Iterator[tuple[ir.Expr, bool]]:
    for child in node:
        if type(child) is not tuple or not child:
            continue
        where = child[1] if len(child) > 3 and child[0] in ("I", "q") and type(child[1]) is tuple else None
        if where is None or len(where) != 4:
            yield from _around(child, span)
        elif where[:2] <= span[:2] and span[2:] <= where[2:]:
            test, negated = child[2], False
            while test[0] == "u" and test[2] == "not":
                test, negated = test[3], not negated
            for branch, chosen in ((child[3], True), (child[4], False)):
                if _holds(branch, span):
                    yield test, chosen is not negated
            yield from _around(child[3:], span)
            return


def _holds(node: tuple[Any, ...], span: ir.Span4) -> bool:
    spans = [n[1] for n in (node if node and type(node[0]) is tuple else (node,)) if len(n) > 1 and type(n[1]) is tuple]
    return any(s[:2] <= span[:2] and span[2:] <= s[2:] for s in spans)


def _says_sqlite(test: ir.Expr, holds: bool) -> bool:
    """Whether a condition that holds (or does not) speaks of SQLite: ``else`` of ``backend != "sqlite"`` does, too."""
    if test[0] == "x" and any(operator in _UNEQUAL for operator in test[3]):
        holds = not holds
    return holds and _mentions_sqlite(test)


def _mentions_sqlite(node: Any) -> bool:
    if isinstance(node, str):
        return "sqlite" in node.lower()
    return isinstance(node, tuple) and any(_mentions_sqlite(child) for child in node)


def _says_tests(test: ir.Expr, holds: bool) -> bool:
    """Whether a condition that holds (or does not) means that tests run."""
    op = test[0]
    if op == "u" and test[2] == "not":
        return _says_tests(test[3], not holds)
    if op == "o":
        # ``a and b`` holds when both do, and fails when one does; ``or`` the other way round
        every = (test[2] == "or") is holds
        said = (_says_tests(part, holds) for part in test[3])
        return all(said) if every else any(said)
    if op == "x":
        unequal = any(operator in _UNEQUAL for operator in test[3])
        return unequal is not holds and any(_names_tests(side) for side in (test[2], *test[4]))
    return holds and _names_tests(test)


def _names_tests(expr: ir.Expr) -> bool:
    """Whether a value is called after tests: ``TESTING``, ``Env.TEST``, ``"test"``, ``os.getenv("PYTEST_VERSION")``."""
    op = expr[0]
    if op in ("n", "a", "k"):
        words = {w.lower() for w in _WORDS.findall(expr[-1])} if isinstance(expr[-1], str) else set()
        return "pytest" in words or (bool(words & _OF_TESTS) and words <= _OF_TESTS | _BESIDE)
    if op in ("t", "l", "e"):
        return bool(expr[2]) and all(_names_tests(e) for e in expr[2])
    if op == "c":
        return _names_tests(expr[2]) or any(_names_tests(e) for e in expr[3])
    return op == "i" and (_names_tests(expr[3]) or _names_tests(expr[2]))
