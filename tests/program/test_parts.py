"""A repository falls apart where no import joins it."""

import marshal
from ast import parse
from pathlib import Path

import pytest

from sessionlint.facts.lower import lower_module
from sessionlint.policy_model import Policy
from sessionlint.program import parts
from sessionlint.program.build import build_parts
from sessionlint.program.division_store import DivisionStore
from sessionlint.program.modules import ModuleNames
from sessionlint.program.parts import divided, merged

SHOP = {
    "shop/__init__.py": "",
    "shop/db.py": "from sqlalchemy import create_engine\nengine = create_engine('postgresql://db/shop')\n",
    "shop/api.py": "from shop import db\nfrom . import text\n",
    "shop/text.py": "",
}
DESK = {
    "desk/db.py": "import sqlalchemy\n",
    "desk/api.py": "def call():\n    import desk.db\n",
}


@pytest.fixture
def small(monkeypatch):
    """Counts everything as large, but for files of a line or two."""
    monkeypatch.setattr(parts, "WORTH", 0)
    monkeypatch.setattr(parts, "_LARGE", 200)


def parts_of(files, policy=None, **options):
    policy = policy or Policy(root=Path(), **options)
    blobs = {path: marshal.dumps(lower_module(parse(text), text)) if text else b"" for path, text in files.items()}
    return divided(blobs, ModuleNames(blobs, policy.src), policy)


def test_two_programs_are_two_parts_and_the_larger_comes_first(small):
    assert parts_of({**SHOP, **DESK}) == [frozenset(SHOP), frozenset(DESK)]


def test_the_part_of_the_policys_modules_comes_first(small):
    found = parts_of({**SHOP, **DESK}, session_dependencies=("desk.db.get_db",))
    assert found == [frozenset(DESK), frozenset(SHOP)]


def test_what_is_small_belongs_to_the_first_part(small):
    found = parts_of({**SHOP, **DESK, "tool.py": "import os\n"})
    assert found == [frozenset({*SHOP, "tool.py"}), frozenset(DESK)]


def test_one_import_joins_two_programs_also_inside_a_function(small):
    assert (
        parts_of({**SHOP, **DESK, "desk/later.py": "def run():\n    from desk import api\n    from shop import db\n"})
        == []
    )


def test_a_test_that_imports_both_joins_nothing(small):
    files = {**SHOP, **DESK, "tests/test_all.py": "import shop.api\nimport desk.api\n"}
    assert parts_of(files) == [frozenset(SHOP), frozenset(DESK)]


def test_little_code_is_not_divided():
    assert parts_of({**SHOP, **DESK}) == []


A, B, C = frozenset({"a.py"}), frozenset({"b.py"}), frozenset({"c.py"})
NOTHING: frozenset[str] = frozenset()


def test_parts_that_read_nothing_of_others_stay():
    assert merged([A, B], {A: frozenset({"loose.py"}), B: NOTHING}) == [A, B]


def test_a_part_is_put_together_with_the_one_it_reads():
    assert merged([A, B, C], {A: NOTHING, B: NOTHING, C: frozenset({"a.py"})}) == [A | C, B]


def test_parts_that_read_the_same_loose_file_are_put_together():
    loose = frozenset({"loose.py"})
    assert merged([A, B, C], {A: NOTHING, B: loose, C: loose}) == [A, B | C]


def test_a_chain_of_reading_puts_all_together():
    assert merged([A, B, C], {A: B, B: C, C: NOTHING}) == [A | B | C]


def test_a_vendored_copy_is_imported_by_the_package_around_it_only():
    files = ["desk/main.py", "shop/__init__.py", "shop/api.py", "shop/_vendor/croniter/__init__.py"]
    names = ModuleNames(files, ["."])
    assert names.path_of("croniter", "shop/api.py") == "shop/_vendor/croniter/__init__.py"
    assert names.path_of("croniter", "desk/main.py") is None
    assert names.path_of("shop._vendor.croniter", "desk/main.py") == "shop/_vendor/croniter/__init__.py"


def test_a_vendored_copy_takes_no_name_from_the_package_that_all_import():
    files = ["desk/main.py", "libs/croniter/__init__.py", "a/__init__.py", "a/api.py", "a/_vendor/croniter/__init__.py"]
    names = ModuleNames(files, ["."])
    assert names.path_of("croniter", "desk/main.py") == "libs/croniter/__init__.py"


def divisions(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    policy = Policy(root=root)
    (root / "cache").mkdir(exist_ok=True)
    found = build_parts(root, sorted(files), policy, cache_dir=root / "cache")
    found.reading.cache.save()
    afresh = build_parts(root, sorted(files), policy)
    assert (found.names.state, found.parts) == (afresh.names.state, afresh.parts)
    return found


def test_what_modules_are_called_is_remembered_until_an_import_changes(tmp_path, monkeypatch):
    known = []
    load = DivisionStore.load

    def noted(*arguments):
        known.append(load(*arguments) is not None)
        return load(*arguments)

    monkeypatch.setattr(DivisionStore, "load", noted)
    files = {"src/shop/__init__.py": "", "src/shop/db.py": "from sqlalchemy import create_engine\n"}
    files["run.py"] = "from shop import db\n\nsession = db\n"
    divisions(tmp_path, files)
    divisions(tmp_path, {**files, "run.py": "from shop import db\n\nsession = db  # the same\n"})
    divisions(tmp_path, {**files, "run.py": "import shop.db\n\nsession = shop\n"})
    assert known == [False, True, False]


@pytest.mark.parametrize("harm", [b"", b"SLPARTS2", b"x" * 400])
def test_a_damaged_division_counts_as_absent(tmp_path, harm):
    files = {"db.py": "from sqlalchemy import create_engine\n"}
    divisions(tmp_path, files)
    (stored,) = (tmp_path / "cache").glob("parts-*.bin")
    stored.write_bytes(harm)
    divisions(tmp_path, files)
