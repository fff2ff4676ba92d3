"""The tables of the service. PostgreSQL UUID ids throughout, and no column that tells customers apart."""

from reference_app.models.accounts import ApiKey, Role, User
from reference_app.models.base import Base
from reference_app.models.batches import Batch, BatchStatus
from reference_app.models.requests import ConnectionProbe, IdempotencyRecord
from reference_app.models.scans import (
    FINAL_SCAN_STATUSES,
    MAX_URL_LENGTH,
    RETRIABLE_SCAN_STATUSES,
    UNFINISHED_SCAN_STATUSES,
    AttemptOutcome,
    Page,
    Scan,
    ScanAttempt,
    ScanStatus,
)

__all__ = [
    "FINAL_SCAN_STATUSES",
    "MAX_URL_LENGTH",
    "RETRIABLE_SCAN_STATUSES",
    "UNFINISHED_SCAN_STATUSES",
    "ApiKey",
    "AttemptOutcome",
    "Base",
    "Batch",
    "BatchStatus",
    "ConnectionProbe",
    "IdempotencyRecord",
    "Page",
    "Role",
    "Scan",
    "ScanAttempt",
    "ScanStatus",
    "User",
]
