"""Applications of one repository, told apart by what each of them imports."""

from __future__ import annotations

import pytest

from sessionlint.engine import Engine
from sessionlint.policy import Policy
from sessionlint.rules.mounting import same_application

MAIN = "from fastapi import FastAPI\n\n{}\n\napp = FastAPI()\n"
POOL = "from sqlalchemy import create_engine\n\nengine = create_engine('postgresql://db/x')\n"


def same(root, till, office, pairs, **more):
    files = {
        "till/main.py": MAIN.format(till), "office/main.py": MAIN.format(office), "till/pool.py": POOL,
        "common/__init__.py": "", "common/pool.py": POOL, "common/words.py": "from sqlalchemy import text\n", **more,
    }  # fmt: skip
    engine = Engine(root, Policy(root=root))
    program = engine.solve({path: source.encode() for path, source in files.items()})
    return [same_application(program, *pair) for pair in pairs]


PAIR = ("common/pool.py", "till/pool.py")


def test_a_file_beside_the_applications_belongs_to_those_that_import_it(tmp_path):
    assert same(tmp_path, "from till.pool import engine", "from common import pool", [PAIR, PAIR[::-1]]) == [False] * 2
    assert same(tmp_path, "from common.pool import engine", "import common.pool", [PAIR]) == [True]


def test_a_file_that_no_application_imports_may_be_part_of_any(tmp_path):
    assert same(tmp_path, "", "from common import words", [PAIR]) == [True]


@pytest.mark.parametrize("package", ["from common.pool import engine\n", "from . import pool\n"])
def test_what_a_package_imports_is_imported_with_each_of_its_modules(tmp_path, package):
    found = same(
        tmp_path, "from common.words import text", "import common.pool", [PAIR], **{"common/__init__.py": package}
    )
    assert found == [True]


def test_an_edit_that_takes_a_shared_file_into_an_application_has_all_files_judged_again(tmp_path):
    engine = Engine(tmp_path, Policy(root=tmp_path))
    files = {
        "till/main.py": MAIN.format("from till.pool import engine").encode(), "till/pool.py": POOL.encode(),
        "office/main.py": MAIN.format("from common.pool import engine").encode(), "common/pool.py": POOL.encode(),
    }  # fmt: skip
    assert not same_application(engine.solve(files), *PAIR)
    edited = {**files, "till/main.py": MAIN.format("from common.pool import engine").encode()}
    program = engine.solve(edited, edit=True)
    assert (program.changed, same_application(program, *PAIR)) == (None, True)
