"""Engines are set up for the pooler, and their pools bounded."""

import pytest

from tests.fixes.support import fixed

HEAD = "from sqlalchemy.ext.asyncio import create_async_engine\nfrom app.settings import settings\n\n"
BOTH = '"statement_cache_size": 0, "prepared_statement_cache_size": 0'


def mended(body, select=("TXN501", "TXN505")):
    result = fixed({"app/session.py": HEAD + body}, select=select)
    text = result.files["app/session.py"]
    assert text.startswith(HEAD)
    return text.removeprefix(HEAD), result


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "engine = create_async_engine(settings.database_url, pool_size=10)\n",
            "engine = create_async_engine(\n    settings.database_url,\n    pool_size=10,\n"
            f"    connect_args={{{BOTH}}},\n)\n",
        ),
        (
            'engine = create_async_engine(settings.database_url, connect_args={"ssl": settings.ssl_context})\n',
            "engine = create_async_engine(\n    settings.database_url,\n    connect_args={\n"
            '        "ssl": settings.ssl_context,\n        "statement_cache_size": 0,\n'
            '        "prepared_statement_cache_size": 0,\n    },\n)\n',
        ),
        (
            'ARGS = {"ssl": 1}\n'
            "engine = create_async_engine(settings.database_url, connect_args=ARGS, statement_cache_size=0)\n",
            f'ARGS = {{"ssl": 1, {BOTH}}}\nengine = create_async_engine(settings.database_url, connect_args=ARGS)\n',
        ),
        (
            "engine = create_async_engine(settings.database_url, connect_args=dict(ssl=True, raw_sql=True))\n",
            "engine = create_async_engine(\n    settings.database_url,\n    connect_args=dict(\n"
            "        ssl=True, statement_cache_size=0, prepared_statement_cache_size=0\n    ),\n)\n",
        ),
    ],
)
def test_missing_caches_are_added_and_what_cannot_work_goes(before, after):
    text, result = mended(before)
    assert text == after
    assert not result.refused


def test_entries_laid_out_line_by_line_keep_their_comments():
    text, _ = mended(
        "engine = create_async_engine(\n"
        "    settings.database_url,\n"
        "    pool_size=2,  # small\n"
        "    max_overflow=-1,\n"
        "    connect_args={\n"
        '        "ssl": settings.ssl_context,  # TLS\n'
        '        "statement_cache_size": 100,\n'
        '        "prepared_statement_name_func": lambda: f"s_{uuid4()}",\n'
        '        "server_settings": {"jit": "off", "application_name": "x"},\n'
        "    },\n"
        ")\n"
    )
    assert text == (
        "engine = create_async_engine(\n"
        "    settings.database_url,\n"
        "    pool_size=5,  # small\n"
        "    max_overflow=5,\n"
        "    connect_args={\n"
        '        "ssl": settings.ssl_context,  # TLS\n'
        '        "statement_cache_size": 0,\n'
        '        "server_settings": {"application_name": "x"},\n'
        '        "prepared_statement_cache_size": 0,\n'
        "    },\n"
        ")\n"
    )


def test_null_pool_goes_with_its_import():
    result = fixed(
        {
            "app/session.py": "from sqlalchemy.ext.asyncio import create_async_engine\n"
            "from sqlalchemy.pool import NullPool\nfrom app.settings import settings\n\n"
            f"engine = create_async_engine(settings.database_url, poolclass=NullPool, connect_args={{{BOTH}}})\n"
        },
        select=("TXN501",),
    )
    assert "NullPool" not in result.files["app/session.py"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "OPTIONS = {}\nengine = create_async_engine(settings.database_url, **OPTIONS)\n",
            "TXN501 app/session.py:5: connect_args may come with the ** argument",
        ),
        (
            'def args():\n    return {"ssl": True}\n\n\n'
            "engine = create_async_engine(settings.database_url, connect_args=args())\n",
            "TXN501 app/session.py:8: connect_args is made by other code",
        ),
        (
            'ARGS = {"ssl": True}\nprint(ARGS)\n'
            "engine = create_async_engine(settings.database_url, connect_args=ARGS)\n",
            "TXN501 app/session.py:6: ARGS is used for other things, too",
        ),
    ],
)
def test_settings_made_elsewhere_are_refused(body, reason):
    text, result = mended(body)
    assert text == body
    assert result.reasons == [reason]


REMOTE = "postgresql+asyncpg://app@db.example.com:6543/app"
PSYCOPG = "postgresql+psycopg://app@db.example.com:6543/app"


def with_tls(body, tls="required"):
    files = {"app/session.py": f"from sqlalchemy.ext.asyncio import create_async_engine\n\n{body}"}
    result = fixed(files, select=("TXN504",), policy={"tls": tls})
    return result.files["app/session.py"].partition("\n\n")[2], [reason.partition(": ")[2] for reason in result.reasons]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f'e = create_async_engine("{REMOTE}")\n',
         f'e = create_async_engine(\n    "{REMOTE}", connect_args={{"ssl": "require"}}\n)\n'),
        (f'e = create_async_engine("{PSYCOPG}", connect_args={{}})\n',
         f'e = create_async_engine(\n    "{PSYCOPG}", connect_args={{"sslmode": "require"}}\n)\n'),
        (f'A = {{"ssl": False}}\ne = create_async_engine("{REMOTE}", connect_args=A)\n',
         f'A = {{"ssl": "require"}}\ne = create_async_engine("{REMOTE}", connect_args=A)\n'),
        (f'A = dict(sslmode="prefer")\ne = create_async_engine("{PSYCOPG}", connect_args=A)\n',
         f'A = dict(sslmode="require")\ne = create_async_engine("{PSYCOPG}", connect_args=A)\n'),
    ],
)  # fmt: skip
def test_an_engine_without_tls_asks_for_it_where_that_is_all_the_policy_wants(before, after):
    assert with_tls(before) == (after, [])


@pytest.mark.parametrize(
    ("body", "tls", "reason"),
    [
        (f'e = create_async_engine("{REMOTE}")\n', "verified", "which CA file verifies the server is for you to say"),
        (f'e = create_async_engine("{PSYCOPG}?sslmode=disable")\n', "required", "TLS is switched off in the URL"),
    ],
)
def test_tls_that_is_to_be_verified_or_is_set_in_the_url_is_refused(body, tls, reason):
    assert with_tls(body, tls) == (body, [reason])
