"""OpenTelemetry traces of requests and statements, when the settings name a collector."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from reference_app.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


@contextmanager
def trace_requests(app: FastAPI, settings: Settings) -> Iterator[None]:
    """Sends a span for each request to ``otlp_endpoint`` inside the block; does nothing without one."""
    if settings.otlp_endpoint is None:
        yield
        return
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    provider = _provider(settings.otlp_endpoint)
    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider)
    try:
        yield
    finally:
        FastAPIInstrumentor.uninstrument_app(app)
        provider.force_flush()


@contextmanager
def trace_statements(engine: AsyncEngine, settings: Settings) -> Iterator[None]:
    """Sends a span for each statement to ``otlp_endpoint`` inside the block; does nothing without one."""
    if settings.otlp_endpoint is None:
        yield
        return
    from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor

    provider = _provider(settings.otlp_endpoint)
    instrumentor = SQLAlchemyInstrumentor()
    # Its declared range ends below SQLAlchemy 2.1, though the events it listens to are the same; a test sees the spans.
    instrumentor.instrument(engine=engine.sync_engine, tracer_provider=provider, skip_dep_check=True)
    try:
        yield
    finally:
        instrumentor.uninstrument()
        provider.force_flush()


@lru_cache(maxsize=1)
def _provider(endpoint: str) -> TracerProvider:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "reference-app"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return provider
