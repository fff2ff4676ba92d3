"""What is a test because pytest looks there, by its defaults or as it is told, or because only tests ask for it."""

from __future__ import annotations

import pytest

STORE = (
    "from sqlalchemy import create_engine\nfrom sqlalchemy.orm import sessionmaker\n\n"
    "opened = sessionmaker(create_engine('sqlite:///hives.db'))\n\n\n"
    "def injected():\n    with opened() as db:\n        yield db\n"
)
MAIN = (
    "from fastapi import Depends, FastAPI\n\nfrom hives.store import injected\n\napp = FastAPI()\n\n\n"
    "@app.get('/')\ndef read(db=Depends(injected)):\n    return db.get(object, 1)\n"
)
ENGINE = "from sqlalchemy import create_engine\n\nengine = create_engine('sqlite://')\n"
APP = {"hives/__init__.py": "", "hives/store.py": STORE, "hives/main.py": MAIN}
USUAL = ("tests/", "test/", "test_*.py", "*_test.py", "conftest.py")


def shown(result) -> tuple[str, ...]:
    return tuple(p for p in result.layers.get("test", ()) if p not in USUAL)


def test_pytest_looks_into_files_that_end_in_test_by_default(infer):
    result = infer({**APP, "hives/queen_test.py": ENGINE})
    assert result.policy.layer_of("hives/queen_test.py") == "test"
    assert not any("queen_test" in note for note in result.notes)


def test_a_file_that_ends_in_test_and_that_the_application_imports_is_its_own(infer):
    main = MAIN.replace("hives.store import", "hives.honey_test import engine\nfrom hives.store import")
    main += "\n\n@app.get('/taste')\ndef taste():\n    return engine.connect()\n"
    result = infer({**APP, "hives/main.py": main, "hives/honey_test.py": ENGINE})
    assert result.policy.layer_of("hives/honey_test.py") is None


CONFIGURED = {
    "pyproject.toml": "[tool.pytest.ini_options]\ntestpaths = ['trials', 'nowhere']\n",
    "pytest.ini": "[pytest]\ntestpaths = trials\n",
    "tox.ini": "[tox]\nenvlist = x\n[pytest]\ntestpaths =\n    trials\n",
    "setup.cfg": "[tool:pytest]\ntestpaths = ./trials/\n",
}


@pytest.mark.parametrize("name", CONFIGURED)
def test_folders_that_pytest_is_told_of_are_of_tests(infer, name):
    assert shown(infer({**APP, name: CONFIGURED[name], "trials/rows.py": ENGINE})) == ("trials/**",)


def test_a_file_without_a_word_of_pytest_configures_nothing(infer):
    said = "[tool.other]\ntestpaths = ['trials']\n"
    assert shown(infer({**APP, "pyproject.toml": said, "trials/rows.py": ENGINE})) == ()


def test_the_first_file_that_configures_pytest_counts(infer):
    files = {"pytest.ini": "[pytest]\naddopts = -q\n", "setup.cfg": CONFIGURED["setup.cfg"]}
    assert shown(infer({**APP, **files, "trials/rows.py": ENGINE})) == ()


@pytest.mark.parametrize("told", ["trials", "hives", ".", "trials hives"])
def test_pytest_may_be_told_to_look_for_tests_among_the_code(infer, told):
    main = MAIN.replace("hives.store import", "trials.rows import engine\nfrom hives.store import")
    files = {"hives/main.py": main, "trials/rows.py": ENGINE, "pytest.ini": f"[pytest]\ntestpaths = {told}\n"}
    assert shown(infer({**APP, **files})) == ()


def test_tests_are_called_as_pytest_is_told(infer):
    told = {"setup.cfg": "[tool:pytest]\npython_files = test_*.py check_*.py\n"}
    result = infer({**APP, **told, "hives/check_one.py": ENGINE, "hives/check_two.py": ENGINE})
    assert shown(result) == ("check_*.py",)


def test_what_is_called_so_but_asked_for_is_no_test(infer):
    told = {"setup.cfg": "[tool:pytest]\npython_files = check_*.py *.py\n"}
    main = MAIN.replace("hives.store import", "hives.check_in import engine\nfrom hives.store import")
    files = {"hives/main.py": main, "hives/check_in.py": ENGINE, "hives/check_out.py": ENGINE, "hives/bees.py": ENGINE}
    assert shown(infer({**APP, **told, **files})) == ("hives/check_out.py",)


def test_a_folder_called_after_a_kind_of_tests_needs_no_test_in_it(infer):
    assert shown(infer({**APP, "slow_tests/store.py": ENGINE})) == ("slow_tests/**",)


def test_a_folder_of_tests_that_are_the_subject_is_part_of_the_application(infer):
    main = MAIN.replace("hives.store import", "hives.honey_tests.rows import engine\nfrom hives.store import")
    files = {"hives/main.py": main, "hives/honey_tests/rows.py": ENGINE, "hives/honey_tests/others.py": ENGINE}
    assert shown(infer({**APP, **files})) == ()


HELPED = "from hives.{0} import engine\n\n\ndef test_it():\n    assert engine\n"


@pytest.mark.parametrize(
    ("module", "expected"),
    [("testing.rows", "hives/testing/**"), ("testing", "hives/testing.py"), ("testkit.rows", "hives/testkit/**")],
)
def test_what_only_tests_import_and_is_called_after_testing_helps_them(infer, module, expected):
    helper = {f"hives/{module.replace('.', '/')}.py": ENGINE, "tests/test_all.py": HELPED.format(module)}
    assert shown(infer({**APP, **helper})) == (expected,)


def test_what_nobody_imports_helps_no_tests(infer):
    assert shown(infer({**APP, "hives/testing/rows.py": ENGINE})) == ()


def test_what_is_called_after_testing_and_the_application_imports_is_its_own(infer):
    main = MAIN.replace("hives.store import", "hives.testing.rows import engine\nfrom hives.store import")
    files = {"hives/main.py": main, "hives/testing/rows.py": ENGINE, "tests/test_all.py": HELPED.format("testing.rows")}
    assert shown(infer({**APP, **files})) == ()


def test_what_only_tests_import_is_no_test_by_that_alone(infer):
    files = {"hives/hourly.py": ENGINE, "tests/test_all.py": HELPED.format("hourly")}
    assert shown(infer({**APP, **files})) == ()


CASES = (
    "import unittest\n\nfrom hives.store import opened\n\n\nclass Frames(unittest.TestCase):\n"
    "    def test_add(self):\n        with opened() as db:\n            db.commit()\n"
)
ASKS = "from hives.store import opened\n\n\ndef test_add():\n    with opened() as db:\n        db.commit()\n"


@pytest.mark.parametrize(
    ("name", "source"),
    [("tests", CASES), ("checks", CASES + "\n\nif __name__ == '__main__':\n    unittest.main()\n"), ("tests", ASKS)],
    ids=["cases", "cases by any name", "functions"],
)
def test_a_file_of_tests_beside_what_it_tests_is_one(infer, name, source):
    work = (
        "from hives.store import opened\n\n\ndef count():\n    with opened() as db:\n        return db.get(object, 1)\n"
    )
    result = infer({**APP, "hives/frames/work.py": work, f"hives/frames/{name}.py": source})
    assert shown(result) == (f"hives/frames/{name}.py",)


def test_a_file_that_is_only_called_after_tests_or_that_the_application_imports_is_none(infer):
    kept = ASKS.replace("test_add", "add")
    main = MAIN.replace("from hives.store", "from hives.frames.tests import Frames\nfrom hives.store")
    assert shown(infer({**APP, "hives/frames/tests.py": kept})) == ()
    assert shown(infer({**APP, "hives/main.py": main, "hives/frames/tests.py": CASES})) == ()
