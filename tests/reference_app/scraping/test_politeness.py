"""When requests may start; the clock is a fake one."""

from __future__ import annotations

import asyncio

from reference_app.scraping.politeness import Politeness
from tests.reference_app.scraping.support import FakeTime


def politeness(fake: FakeTime, *, interval: float = 1.0, host: int = 2, everywhere: int = 10) -> Politeness:
    return Politeness(
        interval=interval, host_connections=host, max_connections=everywhere, clock=fake.clock, sleep=fake.sleep
    )


async def starts(polite: Politeness, fake: FakeTime, hosts: list[str]) -> list[float]:
    """When one request after the other may start, in seconds from now."""
    began, times = fake.now, []
    for host in hosts:
        async with polite.slot(host):
            times.append(fake.now - began)
    return times


async def test_requests_to_one_host_keep_their_distance_and_others_do_not_wait(fake_time: FakeTime) -> None:
    polite = politeness(fake_time)
    assert await starts(polite, fake_time, ["a", "b", "a", "c", "a"]) == [0, 0, 1, 1, 2]


async def test_a_crawl_delay_replaces_a_shorter_interval_only(fake_time: FakeTime) -> None:
    polite = politeness(fake_time)
    polite.set_interval("slow", 5.0)
    polite.set_interval("fast", 0.1)
    assert await starts(polite, fake_time, ["slow", "slow"]) == [0, 5]
    assert await starts(polite, fake_time, ["fast", "fast"]) == [0, 1]


async def test_a_pause_holds_back_the_next_request(fake_time: FakeTime) -> None:
    polite = politeness(fake_time, interval=0)
    polite.pause("a", 20.0)
    assert await starts(polite, fake_time, ["b", "a", "a"]) == [0, 20, 20]


async def test_simultaneous_requests_are_bounded_per_host_and_in_all(fake_time: FakeTime) -> None:
    polite = politeness(fake_time, interval=0, host=2, everywhere=3)
    running: list[str] = []
    most: list[int] = [0, 0]
    release = asyncio.Event()

    async def request(host: str) -> None:
        async with polite.slot(host):
            running.append(host)
            most[0] = max(most[0], len(running))
            most[1] = max(most[1], *(running.count(name) for name in running))
            await release.wait()
            running.remove(host)

    async with asyncio.TaskGroup() as tasks:
        for host in "aaaabbbbcccc":
            tasks.create_task(request(host))
        for _ in range(20):
            await asyncio.sleep(0)
        assert sorted(running) == ["a", "a", "b"]
        release.set()
    assert most == [3, 2]


async def test_a_cancelled_wait_leaves_nothing_taken(fake_time: FakeTime) -> None:
    polite = politeness(fake_time, interval=0, host=1, everywhere=1)
    async with polite.slot("a"):
        waiting = [asyncio.ensure_future(starts(polite, fake_time, [host])) for host in "ab"]
        await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
    assert await starts(polite, fake_time, ["a", "b"]) == [0, 0]


async def test_hosts_of_long_ago_are_forgotten(fake_time: FakeTime) -> None:
    polite = politeness(fake_time)
    for number in range(10_500):
        async with polite.slot(f"host{number}"):
            fake_time.now += 2
    assert len(polite._hosts) <= 10_000
