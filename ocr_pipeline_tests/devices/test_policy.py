"""The policy of the queue, as a pure function and over simulated time."""

from __future__ import annotations

import heapq
import random

import pytest

from ocr_pipeline.devices.machine import Demand, Machine, find_machine
from ocr_pipeline.devices.queue import Ticket, grants
from ocr_pipeline.errors import PipelineError

MACHINE = Machine(("0", "1", "2", "3"), cpus=8, memory_gb=32)
PATIENCE = 20.0


def waiting(number: int, demand: Demand, since: float = 0.0) -> Ticket:
    return Ticket(number, demand, since, "test")


def holding(number: int, demand: Demand, *devices: str) -> Ticket:
    return Ticket(number, demand, 0.0, "test", devices)


def test_everything_that_fits_starts_in_order() -> None:
    tickets = [waiting(2, Demand(2)), waiting(1, Demand(1)), waiting(3, Demand(2)), waiting(4, Demand(0))]
    assert grants(tickets, MACHINE, 0, PATIENCE) == {1: ("0",), 2: ("1", "2"), 4: ()}


def test_a_big_request_is_passed_over_until_it_waited_long_enough() -> None:
    tickets = [holding(1, Demand(1), "2"), waiting(2, Demand(4)), waiting(3, Demand(1), since=15)]
    assert grants(tickets, MACHINE, PATIENCE - 1, PATIENCE) == {3: ("0",)}
    assert grants(tickets, MACHINE, PATIENCE, PATIENCE) == {}
    assert grants(tickets[1:], MACHINE, PATIENCE, PATIENCE) == {2: ("0", "1", "2", "3")}


def test_cores_and_memory_count_like_devices() -> None:
    tickets = [holding(1, Demand(0, 6, 20)), waiting(2, Demand(0, 3)), waiting(3, Demand(0, 1, 13))]
    assert grants(tickets, MACHINE, 0, PATIENCE) == {}
    assert grants([*tickets, waiting(4, Demand(0, 2, 12))], MACHINE, 0, PATIENCE) == {4: ()}


def simulate(seed: int) -> dict[int, float]:
    """20 steps of mixed demands over 4 devices, checked at every event; the seconds each waited."""
    draw = random.Random(seed)
    demands = [Demand(draw.choice([0, 1, 1, 2, 4]), draw.randint(1, 3), draw.choice([0, 4, 16])) for _ in range(20)]
    events = [(draw.uniform(0, 30), "come", number) for number in range(20)]
    heapq.heapify(events)
    tickets: dict[int, Ticket] = {}
    waited: dict[int, float] = {}
    while events:
        now, what, number = heapq.heappop(events)
        if what == "come":
            tickets[number] = waiting(number, demands[number], now)
            heapq.heappush(events, (now + PATIENCE, "look", number))
        elif what == "end":
            del tickets[number]
        for chosen, devices in grants(tickets.values(), MACHINE, now, PATIENCE).items():
            tickets[chosen] = Ticket(chosen, demands[chosen], tickets[chosen].since, "", devices)
            waited[chosen] = now - tickets[chosen].since
            heapq.heappush(events, (now + draw.uniform(1, 10), "end", chosen))
        assert_sound(list(tickets.values()), now)
    return waited


def assert_sound(tickets: list[Ticket], now: float) -> None:
    running = [ticket for ticket in tickets if ticket.devices is not None]
    held = [device for ticket in running for device in ticket.devices or ()]
    assert len(held) == len(set(held)), "a device has two owners"
    assert all(len(ticket.devices or ()) == ticket.demand.gpus for ticket in running)
    free = Demand(
        len(MACHINE.devices) - len(held),
        MACHINE.cpus - sum(ticket.demand.cpus for ticket in running),
        MACHINE.memory_gb - sum(ticket.demand.memory_gb for ticket in running),
    )
    assert free.cpus >= 0 and free.memory_gb >= 0
    idle = [ticket for ticket in tickets if ticket.devices is None]
    made_room_for = any(now - ticket.since >= PATIENCE for ticket in idle)
    fitting = [
        t for t in idle
        if t.demand.gpus <= free.gpus and t.demand.cpus <= free.cpus and t.demand.memory_gb <= free.memory_gb
    ]  # fmt: skip
    assert not fitting or made_room_for, "a device is idle while a step that fits waits"


@pytest.mark.parametrize("seed", range(50))
def test_no_device_has_two_owners_or_idles_and_everyone_is_served(seed: int) -> None:
    waited = simulate(seed)
    assert len(waited) == 20


def test_a_stream_of_small_requests_does_not_starve_a_big_one() -> None:
    """Devices are given back one at a time, and a new small request is always there to take them."""
    tickets = {n: holding(n, Demand(1), str(n)) for n in range(4)} | {4: waiting(4, Demand(4))}
    for now in range(200):
        del tickets[min(n for n in tickets if tickets[n].devices)]
        tickets[5 + now] = waiting(5 + now, Demand(1), since=now)
        for number, devices in grants(tickets.values(), MACHINE, now, PATIENCE).items():
            tickets[number] = holding(number, tickets[number].demand, *devices)
        if tickets[4].devices:
            break
    assert PATIENCE <= now <= PATIENCE + 4


def test_the_machine_is_what_the_settings_say() -> None:
    settings = {"OCR_PIPELINE_GPUS": "0, 2", "OCR_PIPELINE_CPUS": "6", "OCR_PIPELINE_MEMORY_GB": "12.5"}
    assert find_machine(settings) == Machine(("0", "2"), 6, 12.5)
    assert find_machine({"OCR_PIPELINE_GPUS": ""}).devices == ("cpu",)
    assert find_machine({"CUDA_VISIBLE_DEVICES": "3"}).gpus == ("3",)
    found = find_machine({"OCR_PIPELINE_GPUS": ""})
    assert found.cpus >= 1 and found.memory_gb > 0


def test_a_demand_that_can_never_be_met_says_so() -> None:
    assert MACHINE.possible(Demand(1, 99, 1)) == Demand(1, 8, 1)
    assert Machine((), 2, 8).possible(Demand(4)) == Demand(1)
    with pytest.raises(PipelineError, match="asks for 5 GPUs"):
        MACHINE.possible(Demand(5))
    with pytest.raises(PipelineError, match="64 GB"):
        MACHINE.possible(Demand(0, 1, 64))
