"""The OpenAPI document is complete, and whatever it allows is answered without a server error."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
import schemathesis.specs.openapi.checks
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok

from reference_app.main import create_app
from reference_app.models import Role
from reference_app.problems import MEDIA_TYPE
from reference_app.routers import endpoints
from reference_app.settings import read_settings
from tests.support.service import Service

DOCUMENT = create_app(read_settings(database_url="postgresql+asyncpg://u:p@127.0.0.1/d")).openapi()
OPERATIONS = [
    (method, path, operation) for path, item in DOCUMENT["paths"].items() for method, operation in item.items()
]


def test_every_endpoint_is_documented_with_summary_description_and_tag():
    documented = {(method.upper(), path) for method, path, _ in OPERATIONS}
    assert documented == {(method, route.path) for route in endpoints() for method in route.methods or ()}
    for method, path, operation in OPERATIONS:
        assert operation["summary"], (method, path)
        assert operation["description"], (method, path)
        assert operation["tags"], (method, path)


def test_every_protected_operation_says_how_to_authenticate_and_which_errors_to_expect():
    for _, path, operation in OPERATIONS:
        if path.startswith("/health"):
            continue
        assert operation["security"] == [{"ApiKey": []}, {"Bearer": []}], path
        assert {"401", "403", "429", "503"} <= operation["responses"].keys(), path


def test_every_error_is_a_problem_detail():
    for _, path, operation in OPERATIONS:
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                schema = response["content"][MEDIA_TYPE]["schema"]
                assert schema == {"$ref": "#/components/schemas/Problem"}, (path, status)
    assert "HTTPValidationError" not in DOCUMENT["components"]["schemas"]


def test_every_field_of_every_body_has_an_example():
    without = [
        f"{name}.{field}"
        for name, schema in DOCUMENT["components"]["schemas"].items()
        if not name.startswith(("Problem", "ListPage"))
        for field, description in schema.get("properties", {}).items()
        if not ({"examples", "example", "$ref", "const"} & description.keys())
        and "$ref" not in description.get("items", {})
    ]
    assert without == []


def test_every_creation_takes_an_idempotency_key_and_every_list_a_cursor():
    for method, path, operation in OPERATIONS:
        parameters = {parameter["name"].lower() for parameter in operation.get("parameters", [])}
        if method == "post" and not path.rsplit("/", 1)[1].startswith(("{", "retry", "cancel", "rotate", "tokens")):
            assert "idempotency-key" in parameters, path
        answer = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
        if "ListPage" in answer.get("schema", {}).get("$ref", ""):
            assert {"cursor", "limit"} <= parameters, path


CHECKS = [
    schemathesis.checks.not_a_server_error,
    schemathesis.specs.openapi.checks.status_code_conformance,
    schemathesis.specs.openapi.checks.content_type_conformance,
    schemathesis.specs.openapi.checks.response_headers_conformance,
    schemathesis.specs.openapi.checks.response_schema_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(DOCUMENT)
FOUND: list[Any] = [found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)]
CASES = {f"{found.method.upper()} {found.path}": found for found in FOUND}


@pytest.mark.parametrize("name", CASES)
async def test_whatever_the_document_allows_is_answered_as_documented(service: Service, name: str):
    operation = CASES[name]
    caller = await service.caller(Role.ADMIN)
    for case in _cases(operation):
        request = case.as_transport_kwargs(base_url="http://service")
        sent = {key: value for key, value in request.items() if key in ("method", "url", "json", "params")}
        if isinstance(request.get("data"), bytes):
            sent["content"] = request["data"]
        headers = {**dict(request.get("headers") or {}), **caller.headers}
        answer = await service.client.request(headers=headers, **sent)
        assert answer.status_code < 500, (case, answer.text)
        case.validate_response(answer, checks=CHECKS)


def _cases(operation: Any) -> list[Any]:
    found: list[Any] = []

    @settings(
        max_examples=12,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def collect(case: Any) -> None:
        found.append(case)

    collect()
    return found
