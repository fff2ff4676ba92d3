"""Tenant conditions, parameters and resolvers go from the whole program, or it is said what needs them."""

import pytest

from sessionlint.fixes.model import Proposal
from tests.fixes.support import context_of, fixed, proposals

HEADER = (
    "from sqlalchemy import and_, delete, not_, or_, select, text, update\n\nfrom app.models.item import Item\n\n\n"
)
SERVICE = "app/services/items.py"


def service(body: str, parameters: str = "session, tenant_id") -> dict[str, str]:
    """A service with one function."""
    lines = "".join(f"    {line}\n" if line else "\n" for line in body.strip("\n").split("\n"))
    return {SERVICE: f"{HEADER}async def run({parameters}):\n{lines}"}


def body_of(files: dict[str, str], *, select: str = "TXN30") -> str:
    """The body of that function, fixed; asserts that nothing was refused."""
    result = fixed(files, select=(select,))
    assert (result.reasons, result.findings) == ([], [])
    text = result.files[SERVICE]
    return text[text.index("async def run") :].partition("\n")[2]


def reasons(files: dict[str, str], *, select: str = "TXN30") -> list[str]:
    """Why nothing was fixed, without repetitions; asserts that the files are as they were."""
    result = fixed(files, select=(select,))
    assert dict(result.files) == files
    return list(dict.fromkeys(reason.partition(": ")[2] for reason in result.reasons))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("select(Item).where(Item.tenant_id == tenant_id)", "select(Item)"),
        ("select(Item).where(Item.name == 'x', Item.tenant_id == tenant_id)", "select(Item).where(Item.name == 'x')"),
        (
            "select(Item).where(and_(Item.tenant_id == tenant_id, Item.name == 'x'))",
            "select(Item).where(Item.name == 'x')",
        ),
        (
            "select(Item).where((Item.name == 'x') & (Item.tenant_id == tenant_id))",
            "select(Item).where((Item.name == 'x'))",
        ),
        ("select(Item).filter_by(tenant_id=tenant_id, name='x')", "select(Item).filter_by(name='x')"),
        ("select(Item).where(Item.tenant_id.in_([tenant_id])).limit(3)", "select(Item).limit(3)"),
        ("delete(Item).where(Item.id == 1, Item.tenant_id == tenant_id)", "delete(Item).where(Item.id == 1)"),
        ("update(Item).where(Item.id == 1).where(Item.tenant_id == tenant_id)", "update(Item).where(Item.id == 1)"),
    ],
)
def test_the_condition_goes_and_the_rest_of_the_query_stays(before: str, after: str) -> None:
    body = body_of(service(f"return await session.execute({before})"))
    assert body == f"    return await session.execute({after})\n"


def test_what_only_fed_the_condition_goes_with_it() -> None:
    body = body_of(
        service(
            """
query = select(Item).where(Item.name == "x")
# whose items
if tenant_id:
    try:
        owner = uuid.UUID(tenant_id)
        query = query.where(Item.tenant_id == owner)
    except ValueError:
        logger.warning(f"no tenant {tenant_id}")
        return []
logger.info(f"items for tenant {tenant_id}, by name")
return await session.execute(query)
"""
        )
    )
    assert body == (
        '    query = select(Item).where(Item.name == "x")\n'
        "    # whose items\n"
        '    logger.info("items, by name")\n'
        "    return await session.execute(query)\n"
    )


def test_comments_about_the_tenant_go_with_it_from_lines_that_stay() -> None:
    body = body_of(
        service(
            """
try:
    owner = uuid.UUID(tenant_id)

    # the name and the tenant
    filters = [Item.tenant_id == owner, Item.name == "x"]  # always of the tenant
    # the tenant first,
    # then the rest
    query = select(Item).where(*filters).where(Item.tenant_id == owner)  # by name
except ValueError:
    return []
return await session.execute(query)
"""
        )
    )
    assert body == (
        "    try:\n"
        '        filters = [Item.name == "x"]\n'
        "        # the tenant first,\n"
        "        # then the rest\n"
        "        query = select(Item).where(*filters)  # by name\n"
        "    except ValueError:\n"
        "        return []\n"
        "    return await session.execute(query)\n"
    )


def test_a_parameter_goes_from_every_function_it_is_passed_through() -> None:
    files = {
        "app/services/rows.py": (
            "from app.models.item import Item\nfrom sqlalchemy import select\n\n\n"
            "async def rows(session, tenant_id, *, name):\n"
            "    return await session.execute(select(Item).where(Item.name == name, Item.tenant_id == tenant_id))\n"
        ),
        "app/services/items.py": (
            "from app.services.rows import rows\n\n\n"
            "class Items:\n"
            "    async def found(self, session, name, tenant_id=None):\n"
            '        """Finds items.\n\n'
            "        :param name: theirs\n"
            "        :param tenant_id: whose,\n"
            "            or anybody's\n"
            '        """\n'
            "        return await rows(session, tenant_id, name=name)\n"
        ),
        "app/routers/items.py": (
            "from app.services.items import Items\n\n\n"
            "async def show(session, user):\n"
            "    tenant_id = user.tenant_id\n"
            '    return await Items().found(session, "x", tenant_id)\n'
        ),
        "tests/test_items.py": (
            "from app.services.rows import rows\n\n\n"
            "async def test_items(session):\n"
            '    assert await rows(session, "t", name="x")\n'
        ),
    }
    result = fixed(files, select=("TXN30",))
    assert (result.reasons, result.findings) == ([], [])
    assert "async def rows(session, *, name):" in result.files["app/services/rows.py"]
    assert "where(Item.name == name)" in result.files["app/services/rows.py"]
    assert result.files["app/services/items.py"].endswith(
        "    async def found(self, session, name):\n"
        '        """Finds items.\n\n'
        "        :param name: theirs\n"
        '        """\n'
        "        return await rows(session, name=name)\n"
    )
    assert result.files["app/routers/items.py"].endswith(
        'async def show(session, user):\n    return await Items().found(session, "x")\n'
    )
    assert 'await rows(session, name="x")' in result.files["tests/test_items.py"]


def test_all_findings_of_a_parameter_have_one_proposal() -> None:
    files = service("return await session.execute(select(Item).where(Item.tenant_id == tenant_id))")
    files["app/routers/items.py"] = (
        "from app.services.items import run\n\n\nasync def show(session):\n    return await run(session, 't')\n"
    )
    context = context_of(files)
    made = [p for code in ("TXN301", "TXN303") for p in proposals(context, code)]
    assert [p.finding.code for p in made] == ["TXN301", "TXN303", "TXN303"]
    assert all(isinstance(p, Proposal) and p.changes == made[0].changes for p in made)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("sql", "after"),
    [
        ("SELECT 1 FROM t WHERE tenant_id = :t", "SELECT 1 FROM t"),
        ("SELECT 1 FROM t WHERE a = :a AND x.tenant_id = :t ORDER BY a", "SELECT 1 FROM t WHERE a = :a ORDER BY a"),
        ("SELECT 1 FROM t WHERE tenant_id = CAST(:t AS uuid) AND a = :a", "SELECT 1 FROM t WHERE a = :a"),
        ("SELECT 1 FROM t WHERE tenant_id = ANY(:t) LIMIT 3", "SELECT 1 FROM t LIMIT 3"),
        ("DELETE FROM t WHERE a = :a AND tenant_id = :t", "DELETE FROM t WHERE a = :a"),
        (
            "SELECT 1 FROM (SELECT 1 FROM t WHERE tenant_id = :t) s WHERE a OR b",
            "SELECT 1 FROM (SELECT 1 FROM t) s WHERE a OR b",
        ),
    ],
)
def test_the_condition_goes_from_sql_text_with_its_value(sql: str, after: str) -> None:
    body = body_of(service(f'return await session.execute(text("{sql}"), {{"a": 1, "t": tenant_id}})'))
    assert body == f'    return await session.execute(text("{after}"), {{"a": 1}})\n'


def test_a_text_that_goes_on_keeps_its_where() -> None:
    files = service(
        """
sql = "SELECT 1 FROM t WHERE tenant_id = :t"
if name:
    sql += " AND name = :name"
return await session.execute(text(sql).bindparams(t=tenant_id, name=name))
""",
        "session, tenant_id, name",
    )
    assert body_of(files) == (
        '    sql = "SELECT 1 FROM t WHERE TRUE"\n'
        "    if name:\n"
        '        sql += " AND name = :name"\n'
        "    return await session.execute(text(sql).bindparams(name=name))\n"
    )


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("delete(Item).where(Item.tenant_id == tenant_id)", "without the condition, the delete would reach every row"),
        (
            "update(Item).where(*[Item.tenant_id == tenant_id])",
            "without the condition, the update would reach every row",
        ),
        (
            "select(Item).where(or_(Item.tenant_id == tenant_id, Item.name == 'x'))",
            "the condition is an argument of or_(), where leaving it out is not the same",
        ),
        (
            "select(Item).where((Item.tenant_id == tenant_id) | (Item.name == 'x'))",
            "the condition is part of an or, where leaving it out is not the same",
        ),
        (
            "select(Item).where(~(Item.tenant_id == tenant_id))",
            "the condition is part of its own opposite, where leaving it out is not the same",
        ),
        (
            "select(Item).where(Item.tenant_id != tenant_id)",
            "the condition asks for something else than the rows of a tenant",
        ),
        (
            "text('DELETE FROM t WHERE tenant_id = :t'), {'t': tenant_id}",
            "without the condition, the statement would reach every row",
        ),
        (
            "text('SELECT 1 FROM t WHERE a = 1 OR tenant_id = :t'), {'t': tenant_id}",
            "an OR stands beside the condition",
        ),
        ("text('SELECT 1 FROM t WHERE NOT tenant_id = :t'), {'t': tenant_id}", "the condition is negated"),
        (
            "text('SELECT 1 FROM t WHERE tenant_id > :t'), {'t': tenant_id}",
            "the condition is not of the form tenant_id = :name, once in this text",
        ),
    ],
)
def test_conditions_that_mean_more_are_refused(query: str, reason: str) -> None:
    files = service(f"return await session.execute({query})")
    assert reason in reasons(files)


def test_a_delete_through_a_variable_or_a_list_is_refused_as_well() -> None:
    variable = "query = delete(Item)\nquery = query.where(Item.tenant_id == tenant_id)\nawait session.execute(query)"
    assert "without the condition, the delete would reach every row" in reasons(service(variable))
    collected = (
        "parts = [Item.tenant_id == tenant_id]\nif name:\n    parts.append(Item.name == name)\n"
        "await session.execute(delete(Item).where(*parts))"
    )
    assert "without the condition, the delete would reach every row" in reasons(
        service(collected, "session, tenant_id, name")
    )
    elsewhere = "return await session.execute(query.where(Item.tenant_id == tenant_id))"
    assert "the query query is made elsewhere; it may delete or update" in reasons(
        service(elsewhere, "session, tenant_id, query")
    )


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("session.add(Item(name='x', tenant_id=tenant_id))", "tenant_id is passed on to Item()"),
        (
            "item = await session.get(Item, 1)\nif item.tenant_id != tenant_id:\n    raise PermissionError",
            "the tenant is compared here; decide by role and ownership first",
        ),
        ("if tenant_id:\n    await session.execute(select(Item))", "what is done here depends on the tenant"),
        ("await session.execute(select(Item))\nreturn tenant_id", "tenant_id is still needed"),
        (
            "await session.execute(select(Item))\nowner = db.get(Tenant, tenant_id)",
            "tenant_id is passed on to db.get()",
        ),
        (
            "values = {'tenant_id': tenant_id}\nawait session.execute(select(Item), values)",
            "the tenant is kept under 'tenant_id'",
        ),
        (
            "await session.execute(select(Item))\nkey = f'items-{tenant_id}'\nreturn key",
            "the tenant is part of a text that is used",
        ),
        (
            "tenant_id = await resolve(tenant_id)\nawait session.execute(select(Item))",
            "tenant_id comes from a call that may do more",
        ),
    ],
)
def test_a_parameter_that_serves_other_things_is_refused(body: str, reason: str) -> None:
    assert reasons(service(body)) == [reason]


def test_a_parameter_is_refused_where_not_every_call_is_known() -> None:
    files = service("return await session.execute(select(Item))")
    files["app/routers/items.py"] = "from app.services.items import run\n\nhandlers = {'run': run}\n"
    result = fixed(files, select=("TXN303",))
    assert result.reasons == ["TXN303 app/routers/items.py:3: run() is passed on without being called"]
    spread = (
        "from app.services.items import run\n\n\n"
        "async def show(session, values):\n    return await run(session, **values)\n"
    )
    result = fixed({**files, "app/routers/items.py": spread}, select=("TXN303",))
    assert "TXN303 app/routers/items.py:5: the call passes **, which may hold tenant_id" in result.reasons


ROUTER = """\
from fastapi import APIRouter, Depends

from app.auth.security import get_current_user
from app.session import get_session_dependency

router = APIRouter()


async def get_tenant_id(user=Depends(get_current_user)):
    return user["tenant_id"]


@router.get("/items")
async def show(tenant_id: str, user=Depends(get_current_user), session=Depends(get_session_dependency)):
    return []
"""


def in_router(old: str, new: str, code: str) -> tuple[str, list[str]]:
    """The router with a change, fixed, and why what is left was refused."""
    assert old in ROUTER
    result = fixed({"app/routers/items.py": ROUTER.replace(old, new)}, select=(code,))
    return result.files["app/routers/items.py"], result.reasons


def test_a_parameter_of_an_endpoint_goes_unless_a_path_names_it() -> None:
    text, reasons = in_router("/items", "/things", "TXN303")
    assert ("async def show(user=Depends(get_current_user)" in text, reasons) == (True, [])
    _, reasons = in_router("/items", "/{tenant_id}/items", "TXN303")
    assert reasons == ["TXN303 app/routers/items.py:14: the path of the route names tenant_id, or is made elsewhere"]
    _, reasons = in_router("APIRouter()", 'APIRouter(prefix="/{tenant_id}")', "TXN303")
    assert reasons == ["TXN303 app/routers/items.py:6: a prefix of routes names tenant_id"]


def test_a_resolver_goes_unless_it_alone_authenticates_the_request() -> None:
    text, reasons = in_router("tenant_id: str,", "tenant_id: str = Depends(get_tenant_id),", "TXN304")
    assert ("async def show(user=Depends(get_current_user)" in text, reasons) == (True, [])
    _, reasons = in_router(
        "tenant_id: str, user=Depends(get_current_user),", "tenant_id: str = Depends(get_tenant_id),", "TXN304"
    )
    assert reasons == ["TXN304 app/routers/items.py:14: the resolver is the only thing that authenticates the request"]


def test_a_parameter_that_a_decorator_knows_is_refused() -> None:
    files = service("return await session.execute(select(Item))")
    decorated = (
        "def scoped(function):\n    return lambda session, **rest: function(session, tenant_id='t')\n\n\n@scoped\nasync"
    )
    files[SERVICE] = files[SERVICE].replace("async", decorated)
    assert reasons(files, select="TXN303") == ["a decorator of run() may use tenant_id"]


def test_variables_that_only_fed_a_condition_go_back_to_where_they_come_from() -> None:
    files = service(
        """
given = user.get("tenant_id", "")
try:
    owner_tenant = uuid.UUID(given)
except ValueError:
    raise PermissionError(given) from None
return await session.execute(select(Item).where(Item.tenant_id == owner_tenant, Item.name == "x"))
""",
        "session, user",
    )
    assert body_of(files) == '    return await session.execute(select(Item).where(Item.name == "x"))\n'


def test_the_argument_goes_where_a_function_is_started_in_the_background() -> None:
    files = service("return await session.execute(select(Item))")
    files["app/routers/items.py"] = (
        "import asyncio\n\nfrom fastapi import BackgroundTasks\n\nfrom app.services.items import run\n\n\n"
        "async def start(tasks: BackgroundTasks, user):\n"
        "    tasks.add_task(run, None, user.tenant_id)\n"
        "    tasks.add_task(run, None, tenant_id=user.tenant_id)\n"
        "    await asyncio.create_task(run(None, user.tenant_id))\n"
    )
    result = fixed(files, select=("TXN303",))
    assert (result.reasons, result.findings) == ([], [])
    assert result.files["app/routers/items.py"].endswith(
        "    tasks.add_task(run, None)\n    tasks.add_task(run, None)\n    await asyncio.create_task(run(None))\n"
    )


LISTED = """\
from fastapi import APIRouter, Depends, Header

from app.auth.security import get_current_user


async def get_tenant_id(x_tenant: str = Header()):
    return x_tenant


async def audit():
    return None


router = APIRouter({router})


@router.get("/items"{route})
async def show(user=Depends(get_current_user)):
    return []
"""


def listed(router: str = "", route: str = "") -> dict[str, str]:
    return {"app/routers/items.py": LISTED.format(router=router, route=route)}


def test_a_resolver_goes_from_a_list_of_dependencies() -> None:
    before = listed(
        "dependencies=[Depends(get_current_user), Depends(get_tenant_id)], prefix='/v1'",
        ", dependencies=[Depends(get_tenant_id), Depends(audit)], status_code=200",
    )
    result = fixed(before, select=("TXN304",))
    assert (result.reasons, result.findings) == ([], [])
    after = listed(
        "dependencies=[Depends(get_current_user)], prefix='/v1'", ", dependencies=[Depends(audit)], status_code=200"
    )
    assert result.files == after
    result = fixed(listed(route=", dependencies=[Depends(get_tenant_id)]"), select=("TXN304",))
    assert (result.files, result.findings) == (listed(), [])


def test_a_resolver_stays_in_a_list_where_it_authenticates_or_the_list_is_made_elsewhere() -> None:
    guarding = listed("dependencies=[Depends(get_tenant_id)]")
    path = "app/routers/items.py"
    guarding[path] = guarding[path].replace("(x_tenant: str = Header())", "(x_tenant=Depends(get_current_user))")
    assert fixed(guarding, select=("TXN304",)).reasons == [
        f"TXN304 {path}:14: the resolver is the only thing in the list that authenticates the request"
    ]
    elsewhere = listed("dependencies=COMMON")
    elsewhere[path] = elsewhere[path].replace("router = ", "COMMON = [Depends(get_tenant_id)]\nrouter = ")
    assert fixed(elsewhere, select=("TXN304",)).reasons == [
        f"TXN304 {path}:15: the list of dependencies is written elsewhere"
    ]
