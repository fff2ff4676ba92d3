"""Which rules have a fixer, and where it lives: read by every output, imported by none of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

#: code -> ``module:function`` below :mod:`sessionlint.fixes`
FIXERS: Mapping[str, str] = MappingProxyType(
    {
        "TXN101": "sessions_source:use_the_approved",
        "TXN105": "sessions_source:use_the_approved",
        "TXN106": "sessions_source:use_the_approved",
        "TXN107": "sessions_errors:catch_outside",
        "TXN201": "transactions_commit:commit_by_block",
        "TXN202": "transactions_commit:commit_by_block",
        "TXN203": "transactions_begin:begin_by_block",
        "TXN204": "transactions_begin:leave_to_the_caller",
        "TXN205": "transactions_begin:leave_to_this_owner",
        "TXN206": "transactions_begin:begin_once",
        "TXN403": "authentication_values:pass_what_is_used",
        "TXN404": "authentication_imports:import_from_elsewhere",
        "TXN501": "engines:suit_the_pooler",
        "TXN504": "engines:require_tls",
        "TXN505": "engines:bound_the_pool",
        "TXN301": "tenancy:drop_condition",
        "TXN302": "tenancy:drop_sql_condition",
        "TXN303": "tenancy:drop_parameter",
        "TXN304": "tenancy:drop_resolver",
        "TXN601": "background_sessions:open_own_session",
        "TXN602": "background_together:one_after_the_other",
        "TXN603": "background_schedule:schedule_afterwards",
        "TXN605": "tasks:keep_until_done",
        "TXN702": "identity:plain_uuid",
        "TXN211": "scopes:end_before_the_response",
    }
)
