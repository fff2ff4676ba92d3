"""The OpenAPI document, with errors as they really come: RFC 9457 problem details under their own media type."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from reference_app.problems import MEDIA_TYPE

_FIRST_ERROR = 400


def install_openapi(app: FastAPI) -> None:
    """Makes ``app.openapi()`` give the corrected document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
        tags=app.openapi_tags,
    )
    for path in document["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if status.isdigit() and int(status) >= _FIRST_ERROR:
                    content = response.get("content", {})
                    if "application/json" in content:
                        response["content"] = {MEDIA_TYPE: content["application/json"]}
    return document
