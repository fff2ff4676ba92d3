"""What classes of libraries around SQLAlchemy do with a session: which they keep, what their methods do with it.

Sources: documentation and code of advanced-alchemy 1.11 (``repository/_async.py``, ``service/_async.py``: every write
ends in ``_flush_or_commit(auto_commit)``), fastapi-users-db-sqlalchemy 7.0 (``create``, ``update``, ``delete`` commit),
FastCRUD 0.22 (``crud/fast_crud.py``: ``commit: bool = True``), sqlalchemy-crud-plus 1.13 (``crud.py``: ``commit: bool =
False``) and fastapi-pagination (``ext/sqlalchemy.py``: it counts and selects).
"""

from __future__ import annotations

from typing import NamedTuple

#: Packages whose classes are known here.
PACKAGES = (
    "advanced_alchemy.", "litestar.", "fastapi_users.", "fastapi_users_db_sqlalchemy.", "fastapi_users_db_sqlmodel.",
    "fastcrud.", "sqlalchemy_crud_plus.", "fastapi_pagination.",
)  # fmt: skip


class LibraryClass(NamedTuple):
    """A library's class: the constructor's arguments that it keeps under their names, and what its methods do.

    ``session``: the argument that is the session, empty where each call is given one first. ``switch``: the argument by
    which a call (or the constructor) says that a write commits; ``commits``: the writes that do unless told otherwise.
    ``repository``: the attribute that says of which class the attribute ``repository`` is. ``filters``: the methods
    whose keywords name columns that rows are looked for by.
    """

    keeps: tuple[str, ...]
    session: str
    is_async: bool
    reads: frozenset[str]
    writes: frozenset[str]
    switch: str = ""
    commits: frozenset[str] = frozenset()
    repository: str = ""
    filters: frozenset[str] = frozenset()


_NONE: frozenset[str] = frozenset()
_READS = frozenset({
    "count", "exists", "get", "get_by_slug", "get_many", "get_many_and_count", "get_one", "get_one_or_none", "list",
    "list_and_count",
})  # fmt: skip
_BOTH = frozenset({
    "delete", "delete_many", "delete_where", "get_and_update", "get_or_upsert", "update", "update_many", "upsert",
    "upsert_many",
})  # fmt: skip
_ADDS = _BOTH | {"add", "add_many"}
_CREATES = _BOTH | {"create", "create_many"}
_USER_WRITES = frozenset({"add_oauth_account", "create", "delete", "update", "update_oauth_account"})
_ALCHEMY_FILTERS = frozenset({
    "count", "delete_where", "exists", "get_one", "get_one_or_none", "list", "list_and_count",
})  # fmt: skip
_FASTCRUD_READS = frozenset({
    "count", "exists", "get", "get_joined", "get_multi", "get_multi_by_cursor", "get_multi_joined",
})  # fmt: skip
_FASTCRUD_COMMITS = frozenset({"create", "db_delete", "delete", "update", "upsert"})
_FASTCRUD_FILTERS = _FASTCRUD_READS | {"db_delete", "delete", "update"}
_PLUS_READS = frozenset({
    "count", "exists", "select_model", "select_model_by_column", "select_models", "select_models_order",
})  # fmt: skip
_PLUS_WRITES = frozenset({
    "bulk_create_models", "bulk_update_models", "create_model", "create_models", "delete_model",
    "delete_model_by_column", "update_model", "update_model_by_column",
})  # fmt: skip
_PLUS_FILTERS = (_PLUS_READS - {"select_model"}) | {"delete_model_by_column", "update_model_by_column"}
_SESSION = ("session",)


def _alchemy() -> dict[str, LibraryClass]:
    found: dict[str, LibraryClass] = {}
    for prefix, is_async in (("SQLAlchemyAsync", True), ("SQLAlchemySync", False)):
        for name in ("Repository", "SlugRepository"):
            found[f"{prefix}{name}"] = LibraryClass(
                ("session", "auto_commit"), "session", is_async, _READS, _ADDS, "auto_commit", filters=_ALCHEMY_FILTERS
            )
        found[f"{prefix}QueryRepository"] = LibraryClass(
            _SESSION, "session", is_async, _READS, _NONE, filters=_ALCHEMY_FILTERS
        )
        found[f"{prefix}QueryService"] = LibraryClass(_SESSION, "session", is_async, _NONE, _NONE)
        for name, writes in (("RepositoryReadService", _NONE), ("RepositoryService", _CREATES)):
            found[f"{prefix}{name}"] = LibraryClass(
                ("session", "auto_commit"), "session", is_async, _READS, writes, "auto_commit", _NONE,
                "repository_type", _ALCHEMY_FILTERS,
            )  # fmt: skip
    return found


_CLASSES: dict[str, LibraryClass] = {
    **_alchemy(),
    "BaseUserManager": LibraryClass(("user_db",), "", True, _NONE, _NONE),
    "SQLAlchemyUserDatabase": LibraryClass(
        _SESSION, "session", True, frozenset({"get", "get_by_email", "get_by_oauth_account"}), _USER_WRITES, "",
        _USER_WRITES,
    ),
    "SQLModelUserDatabaseAsync": LibraryClass(
        _SESSION, "session", True, frozenset({"get", "get_by_email", "get_by_oauth_account"}), _USER_WRITES, "",
        _USER_WRITES,
    ),
    "SQLAlchemyAccessTokenDatabase": LibraryClass(
        _SESSION, "session", True, frozenset({"get_by_token"}), _USER_WRITES, "", _USER_WRITES
    ),
    "FastCRUD": LibraryClass(
        (), "", True, _FASTCRUD_READS, _FASTCRUD_COMMITS | {"upsert_multi"}, "commit", _FASTCRUD_COMMITS,
        filters=_FASTCRUD_FILTERS,
    ),
    "CRUDPlus": LibraryClass((), "", True, _PLUS_READS, _PLUS_WRITES, "commit", filters=_PLUS_FILTERS),
}  # fmt: skip
#: Functions that read with the session they are given first.
READERS = frozenset({"paginate", "apaginate"})
#: What constructors keep of their arguments, under these names.
KEPT = frozenset(name for known in _CLASSES.values() for name in known.keeps)
#: All the methods that are known of any of the classes.
METHODS = frozenset().union(*(known.reads | known.writes for known in _CLASSES.values()))


def find(path: str) -> LibraryClass | None:
    """The class with this import path: libraries hand theirs on under several."""
    return _CLASSES.get(path.rpartition(".")[2]) if path.startswith(PACKAGES) else None


def reads(path: str) -> bool:
    """Whether a library's function reads with the session it is given."""
    package, _, name = path.partition(".")
    return package == "fastapi_pagination" and name.rpartition(".")[2] in READERS and name.startswith("ext.")
