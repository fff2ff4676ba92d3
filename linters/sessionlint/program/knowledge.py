"""What is known of libraries: which external names make handles, wait on the network, start tasks…

All names are import paths after :func:`canonical`; ``()`` marks the result of a call. Sources: the
documentation of SQLAlchemy 2.x, SQLModel, FastAPI, asyncio and the named drivers and clients.
"""

from __future__ import annotations

from functools import lru_cache

from sessionlint.patterns import regex
from sessionlint.program.values import CONNECTION, DRIVER, ENGINE, FACTORY, POOL, SESSION, Ext

SESSION_CLASSES = {
    "sqlalchemy.orm.Session": False,
    "sqlmodel.Session": False,
    "sqlalchemy.ext.asyncio.AsyncSession": True,
    "sqlmodel.ext.asyncio.session.AsyncSession": True,
    "flask_sqlalchemy.session.Session": False,
}

#: Context managers of libraries that open a session, commit it when their block ends well, and close it:
#: https://github.com/dialoguemd/fastapi-sqla (``sqla.py``, ``async_sqla.py``)
SESSION_OPENERS = {"fastapi_sqla.open_session": False, "fastapi_sqla.open_async_session": True}

FACTORY_MAKERS = {
    "sqlalchemy.orm.sessionmaker": False,
    "sqlalchemy.ext.asyncio.async_sessionmaker": True,
    "sqlalchemy.orm.scoped_session": False,
    "sqlalchemy.ext.asyncio.async_scoped_session": True,
}

#: The registry of an extension that empties it at the end of each request (of each application context):
#: https://flask-sqlalchemy.readthedocs.io/en/stable/contexts/
EMPTIED_REGISTRY = "flask_sqlalchemy.scoped_session"
#: Those of them whose objects pass every method on to the session that they keep per thread, task or scope.
REGISTRIES = {"sqlalchemy.orm.scoped_session", "sqlalchemy.ext.asyncio.async_scoped_session", EMPTIED_REGISTRY}

#: One of the tables that the source defines.
MAPPED_TABLE = "sqlalchemy.MetaData().sorted_tables[]"
#: One of the columns of such a table.
MAPPED_COLUMN: str = f"{MAPPED_TABLE}.columns[]"

#: What quotes identifiers for a dialect, and the results of quoting them, by SQLAlchemy or a driver.
IDENTIFIER_PREPARER = "sqlalchemy.identifier_preparer"
#: The result of a statement by which the server quotes something.
QUOTING = "sqlalchemy.quoting"
_QUOTES: dict[str, tuple[str, ...]] = {
    IDENTIFIER_PREPARER: (
        "quote", "quote_identifier", "quote_schema", "format_column", "format_schema", "format_table",
    ),
    QUOTING: ("scalar", "scalar_one", "scalar_one_or_none"),
    **{f"{d}.sql.{kind}()": ("as_string",) for d in ("psycopg", "psycopg2") for kind in ("Identifier", "Literal")},
}  # fmt: skip
QUOTED_NAMES: frozenset[str] = frozenset(f"{by}.{name}()" for by, names in _QUOTES.items() for name in names)

ENGINE_MAKERS = {
    "sqlalchemy.create_engine": False,
    "sqlmodel.create_engine": False,
    "sqlalchemy.engine_from_config": False,
    "sqlalchemy.ext.asyncio.create_async_engine": True,
    "sqlalchemy.ext.asyncio.async_engine_from_config": True,
}
#: What an engine is given to, to be used by asynchronous code.
ASYNC_ENGINE = "sqlalchemy.ext.asyncio.AsyncEngine"

RAW_CONNECTIONS = {
    "asyncpg.connect": DRIVER, "asyncpg.create_pool": POOL, "asyncpg.pool.create_pool": POOL,
    "psycopg.connect": DRIVER, "psycopg.Connection.connect": DRIVER, "psycopg.AsyncConnection.connect": DRIVER,
    "psycopg_pool.ConnectionPool": POOL, "psycopg_pool.AsyncConnectionPool": POOL,
    "psycopg_pool.NullConnectionPool": POOL, "psycopg_pool.AsyncNullConnectionPool": POOL,
    "psycopg2.connect": DRIVER, "psycopg2.pool.SimpleConnectionPool": POOL,
    "psycopg2.pool.ThreadedConnectionPool": POOL, "psycopg2.pool.AbstractConnectionPool": POOL,
    "aiopg.connect": DRIVER, "aiopg.create_pool": POOL, "aiopg.sa.create_engine": POOL,
    "sqlite3.connect": DRIVER, "aiosqlite.connect": DRIVER, "pymysql.connect": DRIVER, "MySQLdb.connect": DRIVER,
    "mysql.connector.connect": DRIVER, "aiomysql.connect": DRIVER, "aiomysql.create_pool": POOL,
    "asyncmy.connect": DRIVER, "asyncmy.create_pool": POOL, "pg8000.connect": DRIVER, "pg8000.dbapi.connect": DRIVER,
    "pg8000.native.Connection": DRIVER, "pyodbc.connect": DRIVER, "oracledb.connect": DRIVER,
    "oracledb.connect_async": DRIVER, "duckdb.connect": DRIVER, "cx_Oracle.connect": DRIVER,
    "databases.Database": POOL, "dataset.connect": POOL,
}  # fmt: skip
#: Connections that a ``with`` around them does not close: https://docs.python.org/3/library/sqlite3.html ("the context
#: manager neither implicitly opens a new transaction nor closes the connection"), and for psycopg2
#: https://www.psycopg.org/docs/usage.html#with-statement; pyodbc commits at the end, and closes nothing.
LEFT_OPEN = frozenset({
    "sqlite3.connect", "sqlite3.Connection()", "psycopg2.connect", "psycopg2.extensions.connection()", "pyodbc.connect",
    "pyodbc.Connection()",
})  # fmt: skip
#: Those of them that are awaited.
ASYNC_DRIVERS = regex(r"(?:asyncpg|aiopg|aiosqlite|aiomysql|asyncmy|databases)\.|.*(?:\.Async|_async$)")

#: Annotations that say "this is a handle".
HANDLE_TYPES = {
    **dict.fromkeys(SESSION_CLASSES, SESSION),
    **dict.fromkeys((*FACTORY_MAKERS, EMPTIED_REGISTRY), FACTORY),
    "sqlalchemy.Engine": ENGINE, "sqlalchemy.ext.asyncio.AsyncEngine": ENGINE,
    "sqlalchemy.Connection": CONNECTION, "sqlalchemy.ext.asyncio.AsyncConnection": CONNECTION,
    "sqlalchemy.orm.SessionTransaction": "transaction",
    "sqlalchemy.ext.asyncio.AsyncSessionTransaction": "transaction",
    "sqlalchemy.Transaction": "transaction", "sqlalchemy.ext.asyncio.AsyncTransaction": "transaction",
    "asyncpg.Connection": DRIVER, "asyncpg.Pool": POOL, "asyncpg.pool.PoolConnectionProxy": DRIVER,
    **{f"psycopg.{mode}{name}": DRIVER for mode in ("", "Async") for name in (
        "Connection", "Cursor", "ServerCursor", "ClientCursor", "RawCursor", "RawServerCursor")},
    "psycopg2.extensions.connection": DRIVER, "psycopg2.extensions.cursor": DRIVER,
    **{f"psycopg2.extras.{name}Cursor": DRIVER for name in ("Dict", "RealDict", "NamedTuple", "Logging")},
    "sqlite3.Connection": DRIVER, "sqlite3.Cursor": DRIVER, "aiosqlite.Connection": DRIVER, "aiosqlite.Cursor": DRIVER,
    **{f"{driver}.{name}": DRIVER for driver in ("aiopg", "aiomysql", "oracledb", "pyodbc")
       for name in ("Connection", "Cursor")},
    "pymysql.connections.Connection": DRIVER, "pymysql.cursors.Cursor": DRIVER, "pymysql.cursors.DictCursor": DRIVER,
}  # fmt: skip

#: The classes of connections that an engine's ``connect()`` gives, and the argument that says it is open already.
CONNECTIONS = {"sqlalchemy.Connection": "connection", "sqlalchemy.ext.asyncio.AsyncConnection": "sync_connection"}

ASYNC_TYPES = {n for n in HANDLE_TYPES if "async" in n.lower() or n.startswith(("asyncpg", "aio"))}

_CANONICAL = {
    "sqlalchemy.orm.session.Session": "sqlalchemy.orm.Session",
    "sqlalchemy.orm.session.sessionmaker": "sqlalchemy.orm.sessionmaker",
    "sqlalchemy.orm.session.SessionTransaction": "sqlalchemy.orm.SessionTransaction",
    "sqlalchemy.orm.scoping.scoped_session": "sqlalchemy.orm.scoped_session",
    "sqlalchemy.ext.asyncio.session.AsyncSession": "sqlalchemy.ext.asyncio.AsyncSession",
    "sqlalchemy.ext.asyncio.session.async_sessionmaker": "sqlalchemy.ext.asyncio.async_sessionmaker",
    "sqlalchemy.ext.asyncio.engine.AsyncEngine": "sqlalchemy.ext.asyncio.AsyncEngine",
    "sqlalchemy.ext.asyncio.engine.AsyncConnection": "sqlalchemy.ext.asyncio.AsyncConnection",
    "sqlalchemy.ext.asyncio.engine.create_async_engine": "sqlalchemy.ext.asyncio.create_async_engine",
    "sqlalchemy.ext.asyncio.scoping.async_scoped_session": "sqlalchemy.ext.asyncio.async_scoped_session",
    "sqlalchemy.engine.create_engine": "sqlalchemy.create_engine",
    "sqlalchemy.engine.create.create_engine": "sqlalchemy.create_engine",
    "sqlalchemy.engine.create.engine_from_config": "sqlalchemy.engine_from_config",
    "sqlalchemy.engine.engine_from_config": "sqlalchemy.engine_from_config",
    "sqlalchemy.engine.Engine": "sqlalchemy.Engine",
    "sqlalchemy.engine.base.Engine": "sqlalchemy.Engine",
    "sqlalchemy.engine.Connection": "sqlalchemy.Connection",
    "sqlalchemy.engine.base.Connection": "sqlalchemy.Connection",
    "sqlalchemy.engine.base.Transaction": "sqlalchemy.Transaction",
    "sqlalchemy.future.create_engine": "sqlalchemy.create_engine",
    "sqlmodel.orm.session.Session": "sqlmodel.Session",
    "sqlmodel.ext.asyncio.session.async_sessionmaker": "sqlalchemy.ext.asyncio.async_sessionmaker",
    "sqlmodel.ext.asyncio.AsyncSession": "sqlmodel.ext.asyncio.session.AsyncSession",
    "asyncpg.connection.connect": "asyncpg.connect",
    "asyncpg.connection.Connection": "asyncpg.Connection",
    "asyncpg.pool.Pool": "asyncpg.Pool",
    "psycopg.connection.Connection": "psycopg.Connection",
    "psycopg.connection_async.AsyncConnection": "psycopg.AsyncConnection",
    "psycopg.cursor.Cursor": "psycopg.Cursor",
    "psycopg.cursor_async.AsyncCursor": "psycopg.AsyncCursor",
    "aiosqlite.core.Connection": "aiosqlite.Connection",
    "aiosqlite.cursor.Cursor": "aiosqlite.Cursor",
    "fastapi.param_functions.Depends": "fastapi.Depends",
    "fastapi.params.Depends": "fastapi.Depends",
    "taskiq.TaskiqDepends": "fast_depends.Depends",
    "taskiq_dependencies.Depends": "fast_depends.Depends",
    "faststream.Depends": "fast_depends.Depends",
    "fast_depends.use.Depends": "fast_depends.Depends",
    "fastapi.param_functions.Security": "fastapi.Security",
    "fastapi.param_functions.Header": "fastapi.Header",
    "fastapi.param_functions.Cookie": "fastapi.Cookie",
    "fastapi.params.Header": "fastapi.Header",
    "fastapi.params.Cookie": "fastapi.Cookie",
    "fastapi.security.http.HTTPAuthorizationCredentials": "fastapi.security.HTTPAuthorizationCredentials",
    "fastapi.params.Security": "fastapi.Security",
    "fastapi.routing.APIRouter": "fastapi.APIRouter",
    "fastapi.applications.FastAPI": "fastapi.FastAPI",
    "starlette.background.BackgroundTasks": "fastapi.BackgroundTasks",
    "fastapi.background.BackgroundTasks": "fastapi.BackgroundTasks",
    "starlette.background.BackgroundTask": "fastapi.BackgroundTask",
    "litestar.background_tasks.BackgroundTask": "fastapi.BackgroundTask",
    "starlette.requests.Request": "fastapi.Request",
    "fastapi.requests.Request": "fastapi.Request",
    "fastapi.requests.HTTPConnection": "starlette.requests.HTTPConnection",
    "starlette.websockets.WebSocket": "fastapi.WebSocket",
    "fastapi.websockets.WebSocket": "fastapi.WebSocket",
    "fastapi.middleware.Middleware": "starlette.middleware.Middleware",
    "starlette.responses.StreamingResponse": "fastapi.responses.StreamingResponse",
    "asyncer.create_task_group": "anyio.create_task_group",
    "asyncio.tasks.create_task": "asyncio.create_task",
    "asyncio.tasks.gather": "asyncio.gather",
    "asyncio.tasks.Task": "asyncio.Task",
    "asyncio.taskgroups.TaskGroup": "asyncio.TaskGroup",
    "contextlib.AbstractAsyncContextManager": "typing.AsyncContextManager",
    "contextlib.AbstractContextManager": "typing.ContextManager",
    # the application that serves the request: what is put on the one is found on the other
    **{f"flask.{name}": "flask.Flask()" for name in ("current_app", "globals.current_app", "app.Flask()")},
    **{f"quart.{name}": "quart.Quart()" for name in ("current_app", "globals.current_app", "app.Quart()")},
    "jose.jwt.decode": "jose.jwt.decode",
}


#: Attributes of library objects that are sessions or engines: import path with calls -> type.
_HANDLE_ATTRIBUTES = {
    "flask_sqlalchemy.SQLAlchemy().session": f"{EMPTIED_REGISTRY}()",
    "sqlalchemy.inspect().session": "sqlalchemy.orm.Session()",
    "sqlalchemy.orm.Query().session": "sqlalchemy.orm.Session()",
    "sqlalchemy.Query().session": "sqlalchemy.orm.Session()",
    "sqlalchemy.inspect().async_session": "sqlalchemy.ext.asyncio.AsyncSession()",
    "flask_sqlalchemy.SQLAlchemy().engine": "sqlalchemy.Engine()",
    "flask_sqlalchemy_lite.SQLAlchemy().session": "sqlalchemy.orm.Session()",
    "flask_sqlalchemy_lite.SQLAlchemy().engine": "sqlalchemy.Engine()",
    "flask_sqlalchemy_lite.SQLAlchemy().async_session": "sqlalchemy.ext.asyncio.AsyncSession()",
    "fastapi_sqlalchemy.db.session": "sqlalchemy.orm.Session()",
    "fastapi_async_sqlalchemy.db.session": "sqlalchemy.ext.asyncio.AsyncSession()",
}
#: What Strawberry puts on the context that a route of FastAPI gets, by its documentation: class path -> type.
_CONTEXT_ATTRIBUTES = {
    f"{context}().{name}": given
    for context in ("strawberry.fastapi.BaseContext", "strawberry.fastapi.context.BaseContext")
    for name, given in (("background_tasks", "fastapi.BackgroundTasks()"), ("request", "fastapi.Request()"))
}
#: Methods of tables that make the statement of the function that is called so: ``stock.insert()``.
TABLE_STATEMENTS = frozenset({"insert", "update", "delete"})
_OF_TABLES = {
    f"{table}.{name}": f"sqlalchemy.{name}"
    for table in ("sqlalchemy.Table()", "sqlalchemy.TableClause()", "sqlalchemy.table()", MAPPED_TABLE)
    for name in (*TABLE_STATEMENTS, "select")
}
_KNOWN_ATTRIBUTES = {**_HANDLE_ATTRIBUTES, **_CONTEXT_ATTRIBUTES, **_OF_TABLES}


#: Modules of ``sqlalchemy.sql``, not names in it: what is taken out of them is looked up by its whole path.
_MODULES_OF_SQL = frozenset({"expression", "elements", "selectable", "dml", "ddl"})


@lru_cache(maxsize=20000)
def canonical(name: str) -> str:
    """The one spelling of an import path that the tables use."""
    if name in _KNOWN_ATTRIBUTES:
        return _KNOWN_ATTRIBUTES[name]
    head, call, rest = name.partition("()")
    if head in _CANONICAL:
        head = _CANONICAL[head]
    elif head.startswith("typing_extensions."):
        head = "typing." + head[18:]
    elif head.startswith("collections.abc."):
        head = "typing." + head[16:]
    elif head.startswith(
        ("sqlalchemy.sql.", "sqlalchemy.schema.", "sqlalchemy.future.", "sqlalchemy.orm.query", "sqlalchemy.engine.url")
    ):
        last = head.rsplit(".", 1)[1]
        if last in _MODULES_OF_SQL:
            return name
        head = {"URL": "sqlalchemy.URL", "make_url": "sqlalchemy.make_url"}.get(last, f"sqlalchemy.{last}")
    elif head == "sqlalchemy.engine.URL":
        head = "sqlalchemy.URL"
    elif head == "sqlalchemy.engine.make_url":
        head = "sqlalchemy.make_url"
    elif head.startswith("sqlmodel.") and head.rsplit(".", 1)[1] in _FROM_SQLALCHEMY:
        head = f"sqlalchemy.{head.rsplit('.', 1)[1]}"
    return head + call + rest


QUERY = "sqlalchemy.select()"
#: A query that locks what it reads.
LOCKING_QUERY = "sqlalchemy.select().with_for_update()"
QUERY_MAKERS = frozenset(
    f"sqlalchemy.{n}"
    for n in ("select", "update", "delete", "insert", "union", "union_all", "exists", "values", "lambda_stmt")
) | {
    "sqlalchemy.dialects.postgresql.insert", "sqlalchemy.dialects.sqlite.insert", "sqlalchemy.dialects.mysql.insert",
    "sqlalchemy.orm.Query", "sqlalchemy.orm.query.Query",
}  # fmt: skip
#: Those whose arguments are columns, not conditions.
COLUMN_TAKERS = {"sqlalchemy.select", "sqlalchemy.values", "sqlalchemy.orm.Query", "sqlalchemy.orm.query.Query"}
WRITE_QUERY_MAKERS = {"sqlalchemy.update", "sqlalchemy.delete", "sqlalchemy.insert"}
_FROM_SQLALCHEMY = {
    "select", "update", "delete", "insert", "text", "and_", "or_", "not_", "func", "Column", "col", "exists", "union",
    "union_all",
}  # fmt: skip
PREDICATE_COMBINERS = {
    "sqlalchemy.and_", "sqlalchemy.or_", "sqlalchemy.not_", "sqlalchemy.true", "sqlalchemy.false",
    "sqlalchemy.orm.with_loader_criteria", "sqlalchemy.exists",
}  # fmt: skip
#: Their conditions filter only where the whole of them does.
PREDICATE_JOINERS = {f"sqlalchemy.{n}" for n in ("and_", "or_", "not_")}
PREDICATE_METHODS = {"where", "filter", "having", "filter_by", "and_", "or_", "join", "outerjoin", "select_from"}
#: Methods of queries (and ``over`` of functions) that take expressions to select, sort by or set.
SHOWING_METHODS = {
    "order_by", "group_by", "distinct", "add_columns", "add_column", "with_only_columns", "with_entities", "column",
    "returning", "values", "over", "within_group", "query",
}  # fmt: skip
COLUMN_TESTS = {
    "in_", "not_in", "notin_", "is_", "is_not", "isnot", "like", "ilike", "between", "any_", "contains", "startswith",
    "endswith", "op", "is_distinct_from", "is_not_distinct_from", "any", "has", "overlap", "__eq__", "__ne__", "eq",
    "bool_op",
    "regexp_match", "contained_by",
}  # fmt: skip

#: Functions whose result compares like the column they are given.
COLUMN_WRAPPERS = {
    "sqlalchemy.cast", "sqlalchemy.type_coerce", "sqlalchemy.try_cast", "sqlalchemy.tuple_", "sqlalchemy.collate",
    "sqlalchemy.any_", "sqlalchemy.all_", "sqlalchemy.label",
    *(f"sqlalchemy.{n}" for n in ("distinct", "desc", "asc", "nulls_first", "nulls_last", "nullsfirst", "nullslast")),
    *(f"sqlalchemy.func.{n}" for n in ("coalesce", "lower", "upper", "trim", "nullif", "max", "min", "any", "ifnull",
    "text", "cast")),
}  # fmt: skip
#: Comparisons as functions: ``operator.eq(column, value)``.
OPERATORS = {f"operator.{n}" for n in ("eq", "ne", "lt", "le", "gt", "ge", "contains", "__eq__", "__ne__")}

SESSION_WRITES = {
    "add", "add_all", "delete", "merge", "flush", "bulk_save_objects", "bulk_insert_mappings",
    "bulk_update_mappings",
}  # fmt: skip
SESSION_READS = {
    "execute", "scalar", "scalars", "get", "get_one", "refresh", "query", "exec", "stream", "stream_scalars",
    "exec_driver_sql", "run_sync", "connection",
}  # fmt: skip
SQL_METHODS = {"execute", "scalar", "scalars", "exec", "stream", "stream_scalars", "exec_driver_sql", "executemany",
               "fetch", "fetchrow", "fetchval", "fetch_all", "fetch_one", "copy_from_query"}  # fmt: skip
#: Whatever takes ``COPY … FROM STDIN`` by one of these names is a driver's cursor.
COPY_METHODS = {"copy", "copy_expert"}
#: What takes SQL text on a driver's connection or cursor besides, by the documentation of asyncpg, psycopg, sqlite3,
#: aiosqlite and databases.
DRIVER_SQL_METHODS = {
    "prepare", "cursor", "fetchmany", "copy", "copy_expert", "mogrify", "executescript", "execute_insert",
    "execute_fetchall", "execute_many", "fetch_val", "iterate",
}  # fmt: skip
#: Stands for calling something of which only ``Callable[…, X]`` is known.
DECLARED_CALL = "typing.declared_call"
SESSION_ONLY = {"commit", "rollback", "begin", "begin_nested", "flush", "add", "add_all", "expunge", "refresh", "merge"}

#: Operations of a session that load rows, what a result gives them out by, and what a ``Query`` does to rows itself.
ROW_LOADS = {"get", "get_one", "scalar", "scalars", "execute", "exec", "merge", "stream", "stream_scalars"}
#: Loads whose results fetch as they are asked, and the methods of results that ask.
STREAMS = {"stream", "stream_scalars"}
FETCHES = {
    "all", "fetchall", "fetchone", "fetchmany", "first", "one", "one_or_none", "partitions", "scalar", "scalar_one",
    "scalar_one_or_none",
}  # fmt: skip
ROW_METHODS = {
    "all", "fetchall", "fetchone", "first", "one", "one_or_none", "partitions", "scalar", "scalar_one",
    "scalar_one_or_none", "scalars", "tuples", "unique", "yield_per",
}  # fmt: skip
QUERY_WRITES = {"update", "delete"}
QUERY_RUNS = {"all", "count", "first", "get", "one", "one_or_none", "scalar", "values", *QUERY_WRITES}
#: What shows how far something is that it goes through, and gives its elements as they are.
PROGRESS_BARS = (
    "tqdm.tqdm", "tqdm.auto.tqdm", "tqdm.asyncio.tqdm", "tqdm.rich.tqdm", "tqdm.notebook.tqdm", "rich.progress.track",
    "rich.progress.Progress().track", "alive_progress.alive_it",
)  # fmt: skip
CONTEXT_MANAGERS = {"contextlib.asynccontextmanager", "contextlib.contextmanager"}
#: Markers of dependency injection around the type of what is injected: ``FromDishka[AsyncSession]``.
#: Objects that carry another, of the class they are declared with, under an attribute.
CARRIERS = {
    "strawberry.Info": "context", "strawberry.types.Info": "context", "strawberry.types.info.Info": "context",
    "pydantic_ai.RunContext": "deps", "pydantic_ai.tools.RunContext": "deps",
}  # fmt: skip
#: They keep what a method returns on the object, which is then asked no more.
KEEPING_PROPERTIES = (
    "functools.cached_property", "cached_property.cached_property", "werkzeug.utils.cached_property",
    "django.utils.functional.cached_property", "sqlalchemy.util.memoized_property",
)  # fmt: skip
#: What ``object_session`` gives.
AMBIENT_SESSIONS = (Ext("sqlalchemy.orm.Session()"), Ext("sqlalchemy.ext.asyncio.AsyncSession()"))
#: What an application or a broker keeps for as long as it runs.
APPLICATION_STATES = {"app.state", "taskiq.TaskiqState()"}
INJECTION_MARKERS = {
    "FromDishka", "FromComponent", "Injected", "Inject", "FromDI", "NamedDependency", "Provide", "Provider", "Closing",
    "AnyOf", "WithParents",
}  # fmt: skip
ROUTE_METHODS = {
    "get", "post", "put", "patch", "delete", "head", "options", "trace", "api_route", "route", "websocket",
    "websocket_route",
}  # fmt: skip
ROUTERS = {
    "fastapi.APIRouter()",
    "fastapi.FastAPI()",
    "starlette.applications.Starlette()",
    "starlette.routing.Router()",
}
STREAMING = {
    "fastapi.responses.StreamingResponse", "sse_starlette.EventSourceResponse",
    "sse_starlette.sse.EventSourceResponse", "fastapi.sse.EventSourceResponse",
}  # fmt: skip

#: Events whose listeners receive the session first.
SESSION_EVENTS = {
    "before_flush", "after_flush", "after_flush_postexec", "before_commit", "after_commit", "after_rollback",
    "after_soft_rollback", "after_begin", "after_transaction_create", "after_transaction_end", "before_attach",
    "after_attach",
}  # fmt: skip
#: What keeps for each thread what is put into its attributes.
THREAD_LOCAL = "threading.local()"

TASK_GROUPS = {"asyncio.TaskGroup()", "anyio.create_task_group()"}
CALL_THROUGH = {
    "asyncio.to_thread": 0, "anyio.to_thread.run_sync": 0, "starlette.concurrency.run_in_threadpool": 0,
    "fastapi.concurrency.run_in_threadpool": 0, "sqlalchemy.util.greenlet_spawn": 0,
    "sqlalchemy.util.concurrency.greenlet_spawn": 0, "asyncio.wait_for": 0, "asyncio.shield": 0, "asyncio.run": 0,
    "asyncio.timeout": -1, "asgiref.sync.sync_to_async": -1, "anyio.run": 0, "contextlib.nullcontext": -1,
    "anyio.from_thread.run": 0, "anyio.from_thread.run_sync": 0,
    "asgiref.sync.async_to_sync": -1, "asgiref.sync.AsyncToSync": -1, "asgiref.sync.async_to_sync()": 0,
}  # fmt: skip
SCHEDULER_METHODS = {"add_job", "scheduled_job", "add_schedule", "configure_task"}
TASK_DECORATORS = regex(
    r"^(?:celery|dramatiq|huey|rq|taskiq\w*|procrastinate|arq|saq|streaq|pgqueuer|apscheduler|fastapi_utils|repid"
    r"|faststream|broadcaster|rocketry|hatchet_sdk|prefect|temporalio\.activity|airflow|aiocron|schedule)\b.*"
    r"(?:\.task|\.actor|shared_task|\.periodic_task|\.entrypoint|\.schedule|\.job|\.cron|\.flow|repeat_every"
    r"|\.scheduled_job|\.subscriber|\.db_task|\.cond|\.defn|\.crontab|\.repeat)(?:\(\))?$"
)
#: Signals that a worker's process sends when it starts or stops:
#: https://docs.celeryq.dev/en/stable/userguide/signals.html#worker-signals
_WORKER_SIGNALS = regex(
    r"celery\.signals\.(?:celeryd_init|celeryd_after_setup|(?:beat|beat_embedded|worker|worker_process)_init"
    r"|worker_ready|worker_shutting_down|worker(?:_process)?_shutdown)\.connect(?:\(\))?"
)
#: What an arq worker keeps as ``ctx["redis"]``, by arq's documentation.
WORKER_REDIS = "arq.connections.ArqRedis()"
QUEUE_METHODS = {
    "delay",
    "apply_async",
    "send",
    "send_with_options",
    "kiq",
    "defer",
    "defer_async",
    "enqueue",
    "enqueue_job",
}

JWT_DECODERS = regex(
    r"^(?:jwt|jose\.jwt|jose|authlib\.jose(?:\.jwt)?|joserfc\.jwt|python_jwt|itsdangerous|jwcrypto(?:\.jwt)?|firebase_admin\.auth"
    r"|google\.oauth2\.id_token|fastapi_jwt_auth|cognitojwt)\b.*"
    r"(?:decode|decode_async|decode_complete|verify|verify_id_token|verify_oauth2_token|get_unverified_claims|get_unverified_header|loads)$"
    r"|^(?:supabase|gotrue|supabase_auth)\b.*\.auth\.get_(?:user|claims)$|^jwcrypto\.jwt\.JWT\b.*\.(?:deserialize|validate)$"
)
SECURITY_CLASSES = regex(
    r"^fastapi\.security\.(?:\w+\.)*(?:HTTPBearer|HTTPBasic|HTTPDigest|OAuth2\w*|APIKey\w+(?:\[[^\]]*\])?|OpenIdConnect)\(\)$"
)


def handle_kind(name: str) -> str | None:
    """The kind of handle an annotation with this name declares, or ``None``."""
    return HANDLE_TYPES.get(name)


def connects_to_worker(name: str) -> bool:
    """Whether what is called connects a function with the start or the end of a worker's process."""
    return name.startswith("celery.signals.") and _WORKER_SIGNALS.fullmatch(name) is not None
