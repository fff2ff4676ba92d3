"""Which code can matter: the names that are looked for before anything is evaluated.

A function that mentions none of them is evaluated only when code that matters calls it, or when the
search finds out that a name it does mention hands out sessions (see :meth:`Solver.solve`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_PARTS = (
    "session|engine|sqlalchemy|sqlmodel|commit|rollback|begin|transaction|savepoint|connect|cursor|execut|fetch|tenant"
    "|depends|security|jwt|jose|token|claims|decode|api_?key|authoriz|create_task|ensure_future|gather|taskgroup|add_task"
    "|add_job|start_soon|run_in_executor|to_thread|background|schedul|celery|apscheduler|dramatiq|uuid|flush|scalar|merge"
    "|aiohttp|httpx|requests|urllib|openai|smtp|boto|sleep|stream|websocket|route|sqlite|psycopg|asyncpg|aiopg|pool|database"
    "|query|filter_by|set_config|enter_async_context|Session|\\bdb\\b|_db\\b|\\bdb_|\\btext\\b|sql|where|commit"
    "|\\bApp(?:lication)?\\b|fastapi|starlette|\\brole\\b|importlib|__import__"
)
_NAMES = re.compile(_PARTS, re.I)
#: The same for the bytes of a file.
FILE_SCREEN = re.compile(_PARTS.encode(), re.I)


def matters(names: str) -> bool:
    """Whether the identifiers of a function (joined by blanks) include one that can matter."""
    return _NAMES.search(names) is not None


def file_screen(names: Iterable[str]) -> re.Pattern[bytes]:
    """The screen for files, with more names that can matter (a policy's tenant columns, its own sinks…)."""
    more = sorted({n for n in names if not matters(n)})
    if not more:
        return FILE_SCREEN
    return re.compile(FILE_SCREEN.pattern + b"".join(b"|" + re.escape(n.encode()) for n in more), re.I)
