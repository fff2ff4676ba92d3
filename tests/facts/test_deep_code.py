"""Code nested thousands deep is read or refused; the process survives, which is why it is not this one."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from sessionlint.facts.lower import lower_module
from sessionlint.facts.packing import pack, unpack
from sessionlint.facts.source import with_deep_stack

READ = {
    "sum of 5,000 terms": "'a' + '+a' * 5_000",
    "2,000 method calls": "'x' + '.a().b()' * 1_000",
    "2,000 subscripts": "'x' + '[0]' * 2_000",
    "5,000 conjuncts": "'a and ' * 5_000 + 'a'",
    "2,000 elifs": "'if a: pass\\n' + 'elif a: pass\\n' * 2_000",
    "sum of 5,000 terms in new syntax": "'type T = int\\nx = a' + '+a' * 5_000",
    "150 nested lists": "'[' * 150 + ']' * 150",
    "90 nested functions": "''.join(' ' * i + 'def f():\\n' for i in range(90)) + ' ' * 90 + 'pass\\n'",
}
REFUSED = {
    "2,000 parentheses": "'(' * 2_000 + ')' * 2_000",
    "2,000 lists": "'[' * 2_000 + ']' * 2_000",
    "2,000 calls": "'f(' * 2_000 + ')' * 2_000",
    "100,000 powers": "'a**' * 100_000 + 'a'",
    "100,000 negations": "'-' * 100_000 + 'a'",
    "100,000 lambdas": "'lambda:' * 100_000 + '1'",
    "100,000 conditionals": "'1 if a else ' * 100_000 + '1'",
    "2,000 f-strings": "'f\"{' * 2_000 + '1' + '}\"' * 2_000",
    "2,000 patterns": "'match x:\\n case ' + '[' * 2_000 + ']' * 2_000 + ': pass\\n'",
}
SCRIPT = """
import json, sys
from sessionlint.facts.source import SourceError, parse
results = {}
for name, expression in json.load(sys.stdin).items():
    try:
        parse(eval(expression).encode(), "a.py")
        results[name] = "read"
    except SourceError as error:
        results[name] = f"{error.line}: {error.message}; {error.remedy}"
print(json.dumps(results))
"""


def run(code: dict[str, str]) -> dict[str, str]:
    done = subprocess.run([sys.executable, "-c", SCRIPT], input=json.dumps(code), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    results: dict[str, str] = json.loads(done.stdout)
    return results


@pytest.mark.skipif(sys.version_info[:2] == (3, 12), reason="CPython 3.12 limits nesting, however large the stack")
def test_long_chains_are_read() -> None:
    assert run(READ) == dict.fromkeys(READ, "read")


CHAINS = {
    "sum": "    x = a" + " + a" * 5_000,
    "calls": "    a.b" + ".c(1)" * 3_000,
    "subscripts": "    x = a" + "[0]" * 3_000,
    "ladder": "    if a == 0:\n        pass\n" + "    elif a == 1:\n        x = 1\n" * 2_000,
}


@pytest.mark.skipif(sys.version_info[:2] == (3, 12), reason="CPython 3.12 limits nesting, however large the stack")
def test_what_stands_after_a_long_chain_is_checked(tmp_path: Path) -> None:
    (tmp_path / "sessionlint.toml").write_text('session-modules = ["door.py"]\n')
    (tmp_path / "door.py").touch()
    head = "from sqlalchemy.orm import Session\n\n\ndef f(session: Session, a):\n"
    for name, chain in CHAINS.items():
        (tmp_path / f"{name}.py").write_text(f"{head}{chain}\n    session.commit()\n")
    command = [sys.executable, "-m", "sessionlint", "check", "--format", "json"]
    for _ in ("read", "from the cache"):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        report = json.loads(done.stdout)
        assert (done.returncode, report["errors"]) == (1, [])
        assert [(row["path"], row["code"]) for row in report["findings"]] == [
            (f"{name}.py", "TXN201") for name in sorted(CHAINS)
        ]


def test_nesting_beyond_what_python_reads_is_an_error_with_a_remedy() -> None:
    results = run(REFUSED)
    remedy = "break the longest expression into several statements, or exclude the file from the check"
    too_deep = "1: the code nests too deeply to be read"
    f_strings = "parentheses" if sys.version_info < (3, 12) else "f-strings"
    assert results.pop("2,000 f-strings") == f"{too_deep} (too many nested {f_strings}); {remedy}"
    for name in ("2,000 parentheses", "2,000 lists", "2,000 calls"):
        assert results.pop(name) == f"{too_deep} (too many nested parentheses); {remedy}"
    assert results.pop("2,000 patterns") == f"2{too_deep[1:]} (too many nested parentheses); {remedy}"
    assert results == dict.fromkeys(results, f"{too_deep}; {remedy}")


def test_a_deep_stack_returns_the_result_and_restores_the_recursion_limit() -> None:
    def depth(left: int) -> int:
        return 0 if left == 0 else 1 + depth(left - 1)

    limit = sys.getrecursionlimit()
    assert with_deep_stack(lambda: depth(20_000)) == 20_000
    assert sys.getrecursionlimit() == limit


def test_a_deep_stack_hands_on_what_the_call_raises() -> None:
    def endless(n: int) -> int:
        return endless(n + 1)

    with pytest.raises(RecursionError):
        with_deep_stack(lambda: endless(0))
    with pytest.raises(ZeroDivisionError):
        with_deep_stack(lambda: 1 // 0)


def test_a_long_sum_is_unpacked_on_any_stack() -> None:
    """As where the imports of all files are looked at, which nobody expects to go deep."""
    text = "session = " + "+".join(["1"] * 5_000) + "\n"
    blob = with_deep_stack(lambda: pack(lower_module(ast.parse(text), text)))
    statement = unpack(blob)[0][0]
    levels, node = 0, statement[3]
    while node[0] == "b":
        levels, node = levels + 1, node[3]
    assert levels == 4_999
