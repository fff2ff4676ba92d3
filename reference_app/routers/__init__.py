"""Endpoints. They authenticate, own the transactions, and hand plain ids to services. Registered here, all at once."""

from fastapi import FastAPI
from fastapi.routing import APIRoute

from reference_app.routers import accounts, batches, credentials, operations, scans

ROUTERS = (
    batches.router,
    scans.router,
    scans.dead_letters,
    accounts.caller_router,
    accounts.router,
    credentials.router,
    credentials.token_router,
    operations.health_router,
    operations.metrics_router,
)


def endpoints() -> list[APIRoute]:
    """Every endpoint of the service."""
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def register_routers(app: FastAPI) -> None:
    """Adds every endpoint of the service to the application."""
    for router in ROUTERS:
        app.include_router(router)
