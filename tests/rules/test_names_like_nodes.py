"""Names of one letter are what nodes of the facts begin with; nothing that looks through nodes mixes them up."""

from __future__ import annotations

import ast

import pytest

from sessionlint.gate.suppressing import COMMENT_CODES
from sessionlint.rules import examples
from sessionlint.rules.catalogue import all_rules
from sessionlint.run import check_rules
from tests.support.marked import SHAPES
from tests.support.shares import share_of

_RULES = list(all_rules())
#: Those that look at nodes. What rules say of comments follows from what all others say, which is asked anew for each.
_LOOKING = [rule for rule in _RULES if rule.META.code not in COMMENT_CODES]
_SOURCES = {
    **{f"{r.META.code} bad {i}": (b.source, b.path, b.policy) for r in _RULES for i, b in enumerate(r.BAD)},
    **{f"{r.META.code} good {i}": (g.source, g.path, g.policy) for r in _RULES for i, g in enumerate(r.GOOD)},
    **{shape.name: (shape.source, "app/services/example.py", ()) for shape in SHAPES},
}
#: What nodes begin with, as far as something can be called so (:mod:`sessionlint.facts.ir`).
_PARAMETERS = (
    "a, aw, b, c, d, e, f, g, i, k, l, lam, n, o, q, t, u, w, x, y, yf, z, E, R, I, L, W, T, F, C, M, J, imp, glob"
)
_KEYWORDS = _PARAMETERS.replace(",", "=None,")
_NAMES = _PARAMETERS.split(", ")
_DEFINED = "".join(f"    def {name}({name}=1): {name} = {name}\n    class {name}: pass\n" for name in _NAMES)
_PADDING = ast.parse(
    f"def c({_PARAMETERS}, *n, **x):\n    from a import b as i, n as c\n    return n\n"
    f"(lambda {_PARAMETERS}, *, m=1: m)\n"
    "(lambda c: c)\n(lambda n=None, *, c=1: c)\n"
    f"print({_KEYWORDS}=None)\n"
    "class n:\n    a = 1\n    def x(c, n, b, q): c.n = n\n"
).body


#: At the top of a file, once.
_LETTERS = ast.parse(
    f"from outside.letters import {_PARAMETERS}\n"
    f"def n():\n    global {_PARAMETERS}\n    from a import {_PARAMETERS}\n    import {_PARAMETERS}\n{_DEFINED}"
).body


class _Padded(ast.NodeTransformer):
    """Puts functions, classes, parameters and keywords of such names into every function."""

    def visit(self, node: ast.AST) -> ast.AST:
        self.generic_visit(node)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return node
        start = 1 if ast.get_docstring(node, clean=False) is not None else 0
        node.body[start:start] = _PADDING
        for handler in [n for n in ast.walk(node) if isinstance(n, ast.ExceptHandler | ast.Try | ast.With)]:
            handler.body[:0] = _PADDING[1:5]
        return node


@pytest.mark.parametrize("name", share_of(_SOURCES, 31))
def test_no_rule_takes_a_name_for_a_node(name: str) -> None:
    source, path, overrides = _SOURCES[name]
    files = examples.split(source, path)
    padded = {path: _padded(text) for path, text in files.items()}
    program = examples.program_for(padded, examples.policy_for(dict(overrides), files))
    assert check_rules(program, _LOOKING)[1] == []
    for function in program.functions:
        # how what an earlier run found is met again
        assert all(function.definition_at(span) for span in function.children)


def _padded(text: str) -> str:
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return text  # what the example is about
    place = next((i for i, n in enumerate(tree.body) if not isinstance(n, ast.ImportFrom | ast.Expr)), len(tree.body))
    _Padded().visit(tree)
    tree.body[place:place] = _LETTERS
    return ast.unparse(ast.fix_missing_locations(tree))
