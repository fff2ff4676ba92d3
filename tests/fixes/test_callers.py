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


TEXT = "named in a text, perhaps to be replaced in a test"
PERHAPS = "perhaps what is called on an object that is not known"


def mentions(source: str, service: str = FUNCTION, qualname: str = "place") -> list[tuple[int, str]]:
    """What is not understood about the function in one more file."""
    found = callers({SERVICE: service, "app/services/seats.py": FUNCTION, "tests/test_it.py": source}, qualname)
    return [(line, why) for path, line, why in summary(found)[1] if path == "tests/test_it.py"]


def test_a_word_names_a_function_only_where_something_looks_it_up_in_its_module():
    source = """\
from unittest import mock

import httpx

from app.services import orders, seats


def test(monkeypatch, thing, self):
    log("place", {"place": 1}, "moved to seats.place", "see app.services.seats.place")
    mock.patch.object(seats, "place")
    mock.patch.object(httpx, "place")
    mock.patch("app.services.seats.place")
    getattr(self, "place")
    monkeypatch.setattr(orders, "place", None)
    mock.patch("app.services.orders.place")
    run("app.services.orders:place")
    run("orders.place")
    getattr(thing, "place")
"""
    assert mentions(source) == [(line, TEXT) for line in (14, 15, 16, 17, 18)]


def test_a_text_names_a_method_through_its_class():
    service = "class Orders:\n    async def place(self, session, number):\n        session.add(number)\n"
    source = """\
from unittest import mock

from app.services import orders, seats


def test(thing):
    mock.patch("app.services.orders.place")
    mock.patch("app.services.orders.Seats.place")
    mock.patch.object(seats, "place")
    mock.patch("app.services.orders.Orders.place")
    mock.patch.object(orders.Orders, "place")
"""
    assert mentions(source, service, "Orders.place") == [(10, TEXT), (11, TEXT)]


def test_a_function_of_a_module_is_no_attribute_of_an_object():
    source = """\
from app.services import orders


def test(rows):
    rows["a"].place(1, 2, 3)
    rows.get().place(1, 2, 3)
"""
    assert mentions(source) == []
    assert mentions(source + "\n\nMODULES = {'a': orders}\n") == [(5, PERHAPS), (6, PERHAPS)]


def test_a_call_that_the_parameters_do_not_take_is_of_something_else():
    service = """\
class Orders:
    async def place(self, session, *, number, urgent=False):
        session.add(number)
"""
    source = """\
def test(thing, more):
    thing.place({"a": 1})
    thing.place(1, 2, 3, number=4)
    thing.place(1, number=2, colour=3)
    thing.place(1, number=2)
    thing.place(1, **more)
    thing.place(*more)
    Orders.place(thing, 1, number=2)
"""
    assert mentions(source, service, "Orders.place") == [(line, PERHAPS) for line in (5, 6, 7, 8)]
    decorated = service.replace("    async", "    @with_session\n    async")
    assert (2, PERHAPS) in mentions(source, decorated, "Orders.place")


def test_a_route_is_no_call_of_a_method_of_its_name():
    service = "class Orders:\n    async def put(self, session):\n        session.add(1)\n"
    source = """\
from app.main import router


@router.put("/orders")
async def order(thing):
    thing.put("/orders")
"""
    assert mentions(source, service, "Orders.put") == [(6, PERHAPS)]


def test_a_test_calls_a_function_through_the_package_that_hands_it_on():
    found = callers(
        {
            SERVICE: FUNCTION,
            "app/services/__init__.py": "from app.services.orders import place\n",
            "tests/test_orders.py": "from app import services\n\n\nasync def test(session):\n"
            "    await services.place(session, 1, 2)\n",
        }
    )
    assert summary(found) == ([("tests/test_orders.py", 5, "")], [])
