"""Operations of database handles by what they do, as the documentation of SQLAlchemy and the drivers names them."""

from __future__ import annotations

END = {"commit": "commit", "rollback": "rollback", "prepare": "commit"}
BEGIN = {"begin", "begin_nested", "begin_twophase", "transaction"}
CLOSE = {"close", "aclose", "close_all", "remove", "invalidate", "dispose", "terminate", "release"}
SAME = {"execution_options", "with_for_update", "options"}
#: What asks a session whether a transaction is open; what gives that, or ``None``.
ASKS = ("in_transaction", "in_nested_transaction")
ASKS_FOR = ("get_transaction", "get_nested_transaction")
#: The name of the outcome of ``not session.in_transaction()``.
ASKS_NOT = "not in_transaction"
#: Asking and forgetting work on a closed session and begin nothing.
PASSIVE = {
    *ASKS, *ASKS_FOR, "get_bind", "expunge", "expunge_all", "expire", "expire_all",
    "is_modified",
    "no_autoflush", "identity_key", "object_session", "dirty", "new", "info",
}  # fmt: skip
#: All of these.
KNOWN = frozenset({*END, *BEGIN, *CLOSE, *SAME, *PASSIVE})
