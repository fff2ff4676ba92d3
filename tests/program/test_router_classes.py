"""Router classes of a project: what their constructors pass on protects and prefixes the routes."""

from __future__ import annotations

import pytest

from tests.program.support import marked

HEAD = """\
# --- app/routers/x.py
from fastapi import APIRouter, Depends

from app.auth.security import get_current_user


def limit():
    return 1


"""
TAIL = """

@router.get("")
async def read():
    return {}
"""
ROUTERS = {
    "a constructor that adds the guard": """\
class Guarded(APIRouter):
    def __init__(self, **options):
        super().__init__(dependencies=[Depends(get_current_user)], **options)


router = Guarded(prefix="/items")
""",
    "a constructor that adds the guard to what it is given": """\
class Guarded(APIRouter):
    def __init__(self, *args, dependencies=None, **options):
        dependencies = [*(dependencies or []), Depends(get_current_user)]
        super().__init__(*args, dependencies=dependencies, **options)


router = Guarded(dependencies=[Depends(limit)])
""",
    "a constructor that puts the guard among the options": """\
class Guarded(APIRouter):
    def __init__(self, *args, **options):
        options.setdefault("dependencies", [Depends(get_current_user)])
        APIRouter.__init__(self, *args, **options)


router = Guarded(prefix="/items")
""",
    "a class below the one that adds the guard": """\
class Guarded(APIRouter):
    def __init__(self, **options):
        super().__init__(dependencies=[Depends(get_current_user)], **options)


class Named(Guarded):
    def __init__(self, name, **options):
        super().__init__(prefix="/" + name, **options)


router = Named("items")
""",
    "a guard that the router is made with": """\
class Through(APIRouter):
    def __init__(self, guard, **options):
        super().__init__(dependencies=[Depends(guard)], **options)


other = Through(limit)
router = Through(get_current_user)
""",
    "options that are passed on": """\
class Named(APIRouter):
    def __init__(self, name, **options):
        super().__init__(prefix="/" + name, **options)


other = Named("other")
router = Named("items", dependencies=[Depends(get_current_user)])
""",
}
OPEN = {
    "a constructor that adds something else": """\
class Limited(APIRouter):
    def __init__(self, **options):
        super().__init__(dependencies=[Depends(limit)], **options)


router = Limited(prefix="/items")
""",
    "a dependency that the router is made with": """\
class Through(APIRouter):
    def __init__(self, guard, **options):
        super().__init__(dependencies=[Depends(guard)], **options)


other = Through(get_current_user)
router = Through(limit)
""",
    "another router of the class that is protected": """\
class Named(APIRouter):
    def __init__(self, name, **options):
        super().__init__(prefix="/" + name, **options)


other = Named("other", dependencies=[Depends(get_current_user)])
router = Named("items")
""",
    "options that are not passed on": """\
class Named(APIRouter):
    def __init__(self, name, **options):
        super().__init__(prefix="/" + name)
        self.options = options


router = Named("items", dependencies=[Depends(get_current_user)])
""",
}


@pytest.mark.parametrize("router", ROUTERS.values(), ids=ROUTERS)
def test_routes_are_protected_by(router: str) -> None:
    found, _ = marked(HEAD + router + TAIL, "4")
    assert found == []


@pytest.mark.parametrize("router", OPEN.values(), ids=OPEN)
def test_routes_are_not_protected_by(router: str) -> None:
    found, expected = marked(HEAD + router + TAIL.replace('"")', '"")  # TXN405'), "4")
    assert found == expected
    assert expected
