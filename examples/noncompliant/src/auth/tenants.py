"""Which tenant is calling; nothing should ask any more."""

from fastapi import Header


async def get_tenant_id(x_tenant_id: str = Header()) -> str:
    """The tenant the client says it belongs to."""
    return x_tenant_id
