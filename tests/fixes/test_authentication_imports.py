"""Imports of the auth layer below the router."""

from __future__ import annotations

import pytest

from tests.fixes.support import fixed

SERVICE = "app/services/jobs.py"
FILES = {
    "app/auth/roles.py": "from app.models.role import Role\n\n\ndef allowed(user):\n    return user\n",
    "app/models/role.py": "class Role:\n    pass\n",
}


def mended(text: str) -> tuple[str, list[str]]:
    result = fixed({**FILES, SERVICE: text}, select=("TXN404",))
    return result.files[SERVICE], [reason.partition(": ")[2] for reason in result.reasons]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from app.auth.roles import allowed\n\nx = 1\n", "\nx = 1\n"),
        ("from app.auth.roles import Role\n\nx = Role()\n", "from app.models.role import Role\n\nx = Role()\n"),
        (
            "from app.auth.roles import Role, allowed\n\nx = Role()\n",
            "from app.models.role import Role\n\nx = Role()\n",
        ),
    ],
)
def test_what_is_not_used_or_is_at_home_elsewhere_is_not_imported_from_there(before: str, after: str):
    text, reasons = mended(before)
    assert (text.lstrip("\n"), reasons) == (after.lstrip("\n"), [])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "from app.auth.roles import allowed\n\nx = allowed(1)\n",
            "allowed is used here; check in a dependency of the route and pass the plain result",
        ),
        (
            'from app.auth.roles import allowed\n\n__all__ = ["allowed"]\n',
            "allowed is used here; check in a dependency of the route and pass the plain result",
        ),
        ("from app.auth.roles import *\n", "the import takes a module, or everything in one"),
        ("import app.auth.roles\n", "no ImportFrom is written there"),
        ("def f():\n    from app.auth.roles import allowed\n", "the function imports it when it runs"),
    ],
)
def test_what_is_used_is_refused(text: str, reason: str):
    assert mended(text) == (text, [reason])
