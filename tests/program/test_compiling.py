"""The engine is written so that mypyc, which makes the compiled wheel, understands it (`make test-wheel` runs that)."""

import ast
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
FRONT_END = "import sys; from mypyc.build import mypycify; mypycify(sys.argv[2:], target_dir=sys.argv[1])"


def compiled_files() -> list[str]:
    hook = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]
    files: list[str] = []
    for entry in hook["mypyc"]["include"]:
        path = ROOT / entry
        files += [str(file.relative_to(ROOT)) for file in ([path] if path.is_file() else sorted(path.glob("*.py")))]
    left = hook["mypyc"]["exclude"]
    return [
        file for file in files if not any(fnmatch(file, pattern) or file.endswith(f"/{pattern}") for pattern in left)
    ]


def is_membership_test_in_a_generator(node: ast.AST) -> bool:
    """Such a test fails when compiled code runs it (mypyc 2.4), though the front end takes it."""
    return isinstance(node, ast.Compare) and any(
        isinstance(operator, ast.In | ast.NotIn) and isinstance(within, ast.GeneratorExp)
        for operator, within in zip(node.ops, node.comparators, strict=True)
    )


def test_no_compiled_module_tests_for_membership_in_a_generator() -> None:
    for file in compiled_files():
        for node in ast.walk(ast.parse((ROOT / file).read_text())):
            assert not is_membership_test_in_a_generator(node), f"{file}:{getattr(node, 'lineno', 0)}"


def test_mypyc_translates_every_module_that_the_wheel_has_compiled(tmp_path: Path) -> None:
    files = [file.removeprefix("linters/") for file in compiled_files()]
    assert len(files) > 70
    assert "sessionlint/program/evaluate.py" in files
    options = ["--ignore-missing-imports", "--follow-imports=silent", f"--cache-dir={tmp_path / 'cache'}"]
    command = [sys.executable, "-c", FRONT_END, str(tmp_path), *options, *files]
    run = subprocess.run(command, cwd=ROOT / "linters", capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    assert list(tmp_path.rglob("__native*.c")) != []
