"""Work that services run elsewhere, which a request to them starts: workflows, deployments, events, messages to a URL.

What is started is named, or is an event that functions wait for: it begins when the service has the request, and may
read what the transaction around the request has not committed. Sources: the documentation of Temporal, Prefect,
Inngest, Hatchet, QStash, Modal, Trigger.dev's and Upstash's clients; Litestar's events (``Litestar.emit``).
"""

from __future__ import annotations

from typing import Final

from sessionlint.patterns import regex

_NAME: Final = r"(?:\w+\.)*"
_STARTS: Final = {
    package: regex(pattern)
    for package, pattern in {
        "temporalio": (
            r"temporalio\.client\.Client(?:\.connect)?\(\)\.(?:start_workflow|create_schedule"
            r"|start_update_with_start_workflow|get_schedule_handle\(\)\.(?:trigger|backfill))"
        ),
        "prefect": (
            rf"prefect\.{_NAME}(?:run_deployment|arun_deployment"
            r"|(?:get_client|\w*PrefectClient)\(\)\.create_flow_run(?:_from_deployment)?)"
        ),
        "inngest": rf"inngest\.{_NAME}Inngest\(\)\.send(?:_sync)?",
        "hatchet_sdk": (
            rf"hatchet_sdk\.{_NAME}Hatchet\(\)\.(?:events?\.(?:aio_)?(?:bulk_)?push|admin\.(?:aio_)?run_workflows?"
            r"|(?:task|workflow|durable_task)\(\)\.(?:aio_)?run(?:_no_wait|_many|_many_no_wait)?)"
        ),
        "qstash": (
            rf"qstash\.{_NAME}(?:Async)?QStash\(\)\.(?:message\.(?:publish|enqueue|batch)(?:_json)?|schedule\.create(?:_json)?)"
        ),
        "upstash_workflow": rf"upstash_workflow\.{_NAME}(?:Async)?Client\(\)\.trigger",
        "modal": rf"modal\.{_NAME}Function\.(?:from_name|lookup)\(\)\.spawn(?:\.aio)?",
        "litestar": r"litestar\.(?:Litestar|(?:connection\.)?(?:Request|WebSocket|ASGIConnection))\(\)(?:\.app)?\.emit",
    }.items()
}


def starts(name: str) -> bool:
    """Whether calling the external function has a service, or the application, begin work."""
    known = _STARTS.get(name.partition(".")[0])
    return known is not None and known.fullmatch(name) is not None
