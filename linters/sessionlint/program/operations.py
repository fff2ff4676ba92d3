"""Operations of database handles by what they do, as the documentation of SQLAlchemy and the drivers names them."""

from __future__ import annotations

END = {"commit": "commit", "rollback": "rollback", "prepare": "commit"}
BEGIN = {"begin", "begin_nested", "begin_twophase", "transaction"}
CLOSE = {"close", "aclose", "close_all", "remove", "invalidate", "dispose", "terminate", "release"}
SAME = {"execution_options", "with_for_update", "options"}
#: Asking and forgetting work on a closed session and begin nothing.
PASSIVE = {
    "in_transaction", "in_nested_transaction", "get_bind", "expunge", "expunge_all", "expire", "expire_all",
    "is_modified",
    "no_autoflush", "identity_key", "object_session", "dirty", "new", "info",
}  # fmt: skip
#: All of these.
KNOWN = frozenset({*END, *BEGIN, *CLOSE, *SAME, *PASSIVE})
