"""Leases: a scan ends when its sign of life fails for too long, and not before."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update

from reference_app.jobs.claims import Claimed, Limits, claim
from reference_app.jobs.leases import LeaseKeeper, LeaseLostError, Stop
from reference_app.jobs.queue import ScanJob
from reference_app.models import Scan
from reference_app.services import batches
from reference_app.session import get_session
from tests.reference_app.jobs.support import only_scan, submit


def now() -> float:
    return asyncio.get_running_loop().time()


async def claimed_scan() -> tuple[UUID, UUID]:
    """The batch and the token of a scan at work."""
    batch_id = await submit(["https://example.com/"])
    scan = await only_scan(batch_id)
    async with get_session() as session, session.begin():
        taken = await claim(session, ScanJob(scan.id, 1, "request-1"), worker="worker-1", limits=Limits(4, 3))
    assert isinstance(taken, Claimed)
    return batch_id, taken.token


async def test_a_lease_that_nobody_renews_ends_the_scan() -> None:
    async with LeaseKeeper(0.05).holding(uuid4(), now()) as lease:
        with pytest.raises(LeaseLostError):
            async with lease.guard():
                await asyncio.Event().wait()


async def test_a_renewed_lease_lets_the_scan_go_on() -> None:
    async with LeaseKeeper(0.05).holding(uuid4(), now()) as lease, lease.guard():
        lease.renew(now() + 60)
        await asyncio.sleep(0.1)


async def test_an_error_of_the_scan_is_not_taken_for_a_lost_lease() -> None:
    async with LeaseKeeper(60).holding(uuid4(), now()) as lease:
        with pytest.raises(TimeoutError, match="of the scan"):
            async with lease.guard():
                raise TimeoutError("of the scan")


async def test_stopping_asks_present_and_future_scans_to_end() -> None:
    keeper = LeaseKeeper(60)
    async with keeper.holding(uuid4(), now()) as present:
        keeper.stop_all(Stop.SHUTDOWN)
        async with keeper.holding(uuid4(), now()) as future:
            assert (present.stop, future.stop) == (Stop.SHUTDOWN, Stop.SHUTDOWN)


@pytest.mark.usefixtures("opened")
async def test_a_sign_of_life_changes_the_mark_that_others_watch() -> None:
    batch_id, token = await claimed_scan()
    before = await only_scan(batch_id)
    keeper = LeaseKeeper(60)
    async with keeper.holding(token, now()) as lease:
        first_deadline = lease.deadline
        await keeper.renew()
        assert lease.deadline > first_deadline
    assert (await only_scan(batch_id)).updated_at > before.updated_at


@pytest.mark.usefixtures("opened")
async def test_a_lease_whose_scan_somebody_else_holds_is_lost_at_once() -> None:
    _, token = await claimed_scan()
    keeper = LeaseKeeper(60)
    async with keeper.holding(token, now()) as lease:
        async with get_session() as session, session.begin():
            await session.execute(update(Scan).values(run_token=uuid4()))
        renewal = asyncio.create_task(keeper.renew())
        with pytest.raises(LeaseLostError):
            async with lease.guard():
                await asyncio.Event().wait()
        await renewal


@pytest.mark.usefixtures("opened")
async def test_a_cancelled_batch_asks_its_scans_to_stop() -> None:
    batch_id, token = await claimed_scan()
    keeper = LeaseKeeper(60)
    async with keeper.holding(token, now()) as lease:
        async with get_session() as session, session.begin():
            await batches.cancel_batch(session, batch_id, owner=None)
        await keeper.renew()
        assert lease.stop is Stop.CANCELLED


@pytest.mark.usefixtures("opened")
async def test_a_scan_that_is_being_written_is_left_out_and_not_lost() -> None:
    batch_id, token = await claimed_scan()
    scan = await only_scan(batch_id)
    keeper = LeaseKeeper(60)
    async with keeper.holding(token, now()) as lease:
        deadline = lease.deadline
        async with get_session() as session, session.begin():
            await session.execute(update(Scan).where(Scan.id == scan.id).values(pages_scanned=1))
            await keeper.renew()
        assert lease.deadline == deadline
