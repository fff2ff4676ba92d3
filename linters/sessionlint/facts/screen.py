"""Which code can matter: the names that are looked for before anything is evaluated.

A function that mentions none of them is evaluated only when code that matters calls it, or when the
search finds out that a name it does mention hands out sessions (see :meth:`Solver.solve`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sessionlint.patterns import regex

_PARTS = (
    "session|engine|sqlalchemy|sqlmodel|commit|rollback|begin|transaction|savepoint|connect|cursor|execut|fetch|tenant"
    "|depends|security|jwt|jose|token|claims|decode|api_?key|authoriz|create_task|ensure_future|gather|taskgroup|add_task"
    "|add_job|start_soon|run_in_executor|thread|background|schedul|celery|apscheduler|dramatiq|uuid|ulid|nanoid|cuid|ksuid|random|flush|scalar|merge"
    "|asyncio|aiohttp|httpx|requests|urllib|openai|smtp|boto|sleep|stream|websocket|route|sqlite|psycopg|asyncpg|aiopg|pool|database"
    "|query|filter_by|set_config|enter_async_context|sql|where|_db\\b|fastapi|starlette|importlib|__import__"
)
#: What counts only where an identifier begins with it.
_BEGINNINGS = (r"db\b", "db_", r"text\b", r"app\b", r"application\b", r"role\b", r"timer\b")
# Each alternative begins with a letter, and text is lowered instead of ignoring case: so the search skips what cannot
# begin one, and is five times as fast.
_PATTERN = "|".join((_PARTS, *(rf"{word[0]}(?<=\b{word[0]}){word[1:]}" for word in _BEGINNINGS)))
_NAMES = regex(_PATTERN)
_FILE = regex(_PATTERN.encode())


def matters(names: str) -> bool:
    """Whether the identifiers of a function (joined by blanks) include one that can matter."""
    return _NAMES.search(names.lower()) is not None


def file_screen(names: Iterable[str]) -> re.Pattern[bytes]:
    """The screen for files, to be searched for in their bytes in lower case.

    ``names`` are more that can matter: a policy's tenant columns, its own sinks…
    """
    more = sorted({n.encode().lower() for n in names if not matters(n)})
    return re.compile(_FILE.pattern + b"".join(b"|" + re.escape(n) for n in more)) if more else _FILE
