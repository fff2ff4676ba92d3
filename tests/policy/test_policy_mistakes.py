"""A policy that cannot be used: every mistake at once, with its remedy."""

from pathlib import Path

import pytest

from sessionlint.errors import PolicyError
from sessionlint.policy import policy_from_mapping


def problems(mapping: dict[str, object]) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        policy_from_mapping(mapping, Path("/project"), "pyproject.toml")
    return caught.value.problems


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("sesion-modules", ["a.py"], "sesion-modules: unknown key. Did you mean 'session-modules'?"),
        ("session_modules", ["a.py"], "session_modules: unknown key. Did you mean 'session-modules'?"),
        ("zebra", 1, "zebra: unknown key."),
        ("preset", "scraper", "preset: is \"scraper\"; write one of 'unit-of-work', 'scrapersky'. "
         "Did you mean 'scrapersky'?"),
        ("tls", True, "tls: is true; write one of 'verified', 'required', 'off'."),
        ("select", "TXN", 'select: is "TXN", a single text; write a list: ["TXN"].'),
        ("select", 3, "select: is 3; write a list of texts."),
        ("select", ["TXN", 3], "select: holds 3, which is not a text; put it in quotes."),
        ("ignore", ["explicit-commit"], 'ignore: "explicit-commit" is not a code; write "TXN201" (explicit-commit).'),
        ("ignore", ["TXN250"], "ignore: \"TXN250\" is not a rule code or the beginning of one. "
         "Did you mean 'TXN210'?"),
        ("session-modules", ["app/db/"], 'session-modules: "app/db/" is not a Python file; name the file itself, '
         'such as "app/db/session.py", never a folder or a module.'),
        ("session-modules", ["app.db"], 'session-modules: "app.db" is not a Python file; name the file itself, '
         'such as "app/db.py", never a folder or a module.'),
        ("session-modules", ["app/*.py"], 'session-modules: "app/*.py" is a pattern; name each session module file '
         "by file, so that no other file is approved with it."),
        ("session-modules", ["/srv/app/db.py"], 'session-modules: "/srv/app/db.py" is an absolute path; write it '
         "relative to the folder of the policy."),
        ("session-modules", ["C:/app/db.py"], 'session-modules: "C:/app/db.py" is an absolute path; write it '
         "relative to the folder of the policy."),
        ("exclude", ["../other/**"], 'exclude: "../other/**" leaves the project; move the policy to the folder that '
         "holds everything."),
        ("exclude", ["!keep.py"], 'exclude: "!keep.py" is a negated pattern, which a policy cannot hold; name what '
         "belongs, nothing else."),
        ("exclude", ["["], 'exclude: "[" holds a "[" that is never closed, and matches nothing; close it, or write '
         '"\\\\[" for the character.'),
        ("exclude", ["docs//old"], 'exclude: "docs//old" matches nothing, because no path is written like that; write '
         '"docs/old".'),
        ("exclude", ["./"], 'exclude: "./" matches nothing, because no path is written like that; write "**".'),
        ("layers", {"router": ["app/[z-a]/**"]}, 'layers.router: "app/[z-a]/**" holds a range that runs backwards, and '
         "matches nothing; turn it round."),
        ("per-file-ignores", {"a[.py": ["TXN1"]}, 'per-file-ignores: "a[.py" holds a "[" that is never closed, and '
         'matches nothing; close it, or write "\\\\[" for the character.'),
        ("exclude", [""], 'exclude: "" is empty; remove it.'),
        ("src", ["src/*"], 'src: "src/*" is a pattern; name each import root.'),
        ("session-dependencies", ["app/db.py:get_db"], 'session-dependencies: "app/db.py:get_db" is not a qualified '
         'name such as app.db.get_session; write "app.db.get_db".'),
        ("tenant-names", ["Model.tenant_id"], 'tenant-names: "Model.tenant_id" is not a Python name; name the column '
         "or parameter alone."),
        ("allow-unprotected", ["health"], 'allow-unprotected: "health" is not a path; write "/health".'),
        ("pool-min", 0, "pool-min: is 0; write a whole number from 1 to 10000."),
        ("pooler-port", "6543", 'pooler-port: is "6543"; write a whole number from 1 to 65535.'),
        ("pool-min", True, "pool-min: is true; write a whole number from 1 to 10000."),
        ("layers", ["app/**"], "layers: is ['app/**']; write a table: router = [\"app/api/**\"]"),
        ("layers", {"routers": ["app/**"]}, 'layers: "routers" is not a layer (router, service, background, auth, '
         "model, migration, test). Did you mean 'router'?"),
        ("layers", {"router": "app/**"}, 'layers.router: is "app/**", a single text; write a list: ["app/**"].'),
        ("severity", {"TXN201": "warn"}, "severity.TXN201: is \"warn\"; write one of 'error', 'warning', 'info'. "
         "Did you mean 'warning'?"),
        ("severity", {"TXN2O1": "info"}, "severity: \"TXN2O1\" is not a rule code or the beginning of one. "
         "Did you mean 'TXN201'?"),
        ("per-file-ignores", {"a.py": ["E501"]}, 'per-file-ignores.a.py: "E501" is not a rule code or the beginning '
         "of one."),
        ("root", "yes", 'root: is "yes"; write true or false.'),
    ],
)  # fmt: skip
def test_a_mistake_names_the_key_the_value_and_the_remedy(key, value, problem):
    assert problems({key: value}) == [problem]


def test_all_mistakes_are_reported_at_once():
    found = problems(
        {
            "presett": "scrapersky",
            "tls": "on",
            "session-modules": ["app/db/", "/abs.py"],
            "layers": {"rooter": ["x"], "test": 3},
            "severity": {"TXN1": "fatal"},
        }
    )
    assert [problem.partition(":")[0] for problem in found] == [
        "presett",
        "tls",
        "session-modules",
        "session-modules",
        "layers",
        "layers.test",
        "severity.TXN1",
    ]


def test_the_error_text_names_the_file_on_every_line():
    with pytest.raises(PolicyError) as caught:
        policy_from_mapping({"a": 1, "b": 2}, Path("/project"), "pyproject.toml")
    assert str(caught.value) == "pyproject.toml: a: unknown key.\npyproject.toml: b: unknown key."
