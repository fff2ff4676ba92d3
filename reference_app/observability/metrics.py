"""Every metric of the service; names start with ``reference_app_``. Grafana and the alert rules refer to them."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

# A second series for each counter that nobody asks for.
disable_created_metrics()  # type: ignore[no-untyped-call]

_LATENCIES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUEST_SECONDS = Histogram(
    "reference_app_http_request_seconds",
    "Time from a request's arrival to the end of its answer.",
    ("method", "route", "status"),
    buckets=_LATENCIES,
)
AUTH_FAILURES = Counter(
    "reference_app_auth_failures", "Requests refused before they reached a service, by reason.", ("reason",)
)
RATE_LIMITED = Counter("reference_app_rate_limited", "Requests refused because a limit was reached.", ("limit",))
RATE_LIMIT_STORAGE_ERRORS = Counter(
    "reference_app_rate_limit_storage_errors", "Times the shared storage of the limits did not answer."
)

TRANSACTIONS = Counter("reference_app_transactions", "Database transactions by outcome.", ("outcome",))
POOL_CHECKED_OUT = Gauge("reference_app_pool_checked_out", "Connections in use.")
POOL_SIZE = Gauge("reference_app_pool_limit", "Connections the pool may open at most.")
POOL_WAIT_SECONDS = Histogram(
    "reference_app_pool_wait_seconds", "Time a session waited for its connection.", buckets=_LATENCIES
)
CONNECTION_ERRORS = Counter("reference_app_connection_errors", "Connections lost or refused.")

QUEUE_DEPTH = Gauge("reference_app_queue_jobs", "Jobs in the queue by state.", ("state",))
QUEUE_OLDEST_SECONDS = Gauge("reference_app_queue_oldest_seconds", "Age of the oldest job that waits.")
SCANS_FINISHED = Counter("reference_app_scans_finished", "Scans that reached a final state.", ("status",))
SCAN_SECONDS = Histogram(
    "reference_app_scan_seconds",
    "Time from a scan's start to its final state.",
    buckets=(0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900),
)
PAGES_SCANNED = Counter("reference_app_pages_scanned", "Pages read, by result.", ("result",))
JOB_RETRIES = Counter("reference_app_job_retries", "Scans put back for another attempt.")
SWEPT_SCANS = Counter("reference_app_swept_scans", "Scans the sweeper found without a job and put right.", ("action",))
