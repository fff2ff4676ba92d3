"""Who calls a function: what the program knows, what can be read off, and what stays unknown."""

from __future__ import annotations

from sessionlint.fixes.callers import Callers
from tests.fixes.support import context_of

SERVICE = "app/services/orders.py"
FUNCTION = """\
async def place(session, tenant_id, number):
    session.add(number)
"""


def callers(files: dict[str, str], qualname: str = "place") -> Callers:
    context = context_of(files)
    function = next(f for f in context.program.functions if f.path == SERVICE and f.qualname == qualname)
    return context.callers(function)


def summary(found: Callers) -> tuple[list[tuple[str, int, str]], list[tuple[str, int, str]]]:
    calls = [(c.path, c.line, c.function.qualname if c.function else "") for c in found.calls]
    return calls, [(m.path, m.line, m.why) for m in found.unknown]


def test_calls_are_found_through_every_way_of_importing():
    found = callers(
        {
            SERVICE: FUNCTION,
            "app/services/all.py": "from app.services.orders import place as put\n",
            "app/routers/one.py": """\
from app.services import orders
from app.services.all import put
from app.services.orders import place
import app.services.orders


async def one(session):
    await place(session, 1, 2)
    await orders.place(session, 1, 2)
    await put(session, 1, 2)
    await app.services.orders.place(session, tenant_id=1, number=2)
""",
        }
    )
    assert summary(found) == ([("app/routers/one.py", line, "one") for line in (8, 9, 10, 11)], [])
    assert found.all_known
    assert all(call.event is not None for call in found.calls)


def test_a_call_in_a_test_is_read_off_though_tests_are_not_evaluated():
    found = callers(
        {
            SERVICE: FUNCTION,
            "tests/test_orders.py": "from app.services.orders import place\n\n\n"
            "async def test_place(session):\n    await place(session, 1, 2)\n",
        }
    )
    assert summary(found) == ([("tests/test_orders.py", 5, "")], [])


def test_a_function_that_is_passed_on_or_named_in_a_text_is_not_all_known():
    found = callers(
        {
            SERVICE: FUNCTION,
            "app/routers/one.py": "from app.services.orders import place\n\nhandlers = {'place': place}\n",
            "tests/test_orders.py": "def test(mocker):\n    mocker.patch('app.services.orders.place')\n",
        }
    )
    assert not found.all_known
    assert summary(found)[1] == [
        ("app/routers/one.py", 3, "named in a text, perhaps to be replaced in a test"),
        ("app/routers/one.py", 3, "passed on without being called"),
        ("tests/test_orders.py", 2, "named in a text, perhaps to be replaced in a test"),
    ]


def test_functions_and_locals_of_the_same_name_are_not_it():
    found = callers(
        {
            SERVICE: FUNCTION,
            "app/services/seats.py": "def place(row):\n    return row\n\n\ndef other(place):\n    return place(1)\n\n\n"
            "place(3)\n",
            "app/services/sorting.py": "from app.services.seats import place\n\nplace(1)\n",
        }
    )
    assert summary(found) == ([], [])


def test_a_method_is_called_on_what_is_known_to_be_its_object():
    files = {
        SERVICE: """\
class Orders:
    async def place(self, session, tenant_id):
        session.add(tenant_id)


class Express(Orders):
    async def place(self, session, tenant_id):
        session.add(1)


async def run(session, unknown):
    orders = Orders()
    await orders.place(session, 1)
    await unknown.place(session, 1)
""",
    }
    calls, unknown = summary(callers(files, "Orders.place"))
    assert calls == [(SERVICE, 13, "run")]
    assert unknown == [
        (SERVICE, 7, "overridden or overrides in Express"),
        (SERVICE, 14, "perhaps what is called on an object that is not known"),
    ]


def test_an_endpoint_is_called_by_the_framework_too():
    found = callers(
        {
            SERVICE: "from fastapi import APIRouter\n\nrouter = APIRouter()\n\n\n@router.get('/')\n" + FUNCTION,
        }
    )
    assert found.routed
    assert found.all_known
