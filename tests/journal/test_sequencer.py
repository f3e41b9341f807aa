"""The sequencer's promises: durable before executed, executed before answered, or an error."""

import asyncio
import errno
from random import Random

import numpy as np
import pytest

from ledger.journal.disk import SystemDisk
from ledger.journal.errors import (
    JournalWriteFailed,
    Overloaded,
    SequencerStopped,
)
from ledger.journal.journal import Journal
from ledger.journal.layout import FRAME_RECORDS_MAX
from ledger.journal.ports import Batch
from ledger.journal.queue import QUEUE_COMMANDS_MAX
from ledger.journal.recovery import recover
from ledger.journal.sequencer import Sequencer
from ledger.records.codes import CommandKind, OrderStatus, Reject
from tests.journal.machine import VENUE, Diary, Machine, Ticker, order, orders, prices


class Venue:
    """A sequencer with everything around it."""

    def __init__(self, directory, *, disk=None, clock=None, projections=None):
        self.journal = Journal.open(directory, VENUE, disk=disk)
        self.machine, self.diary = Machine(), Diary()
        self.projections = [self.diary] if projections is None else projections
        recover(self.journal, self.machine, self.projections)
        self.sequencer = Sequencer(self.journal, self.machine, self.projections, clock or Ticker())

    async def __aenter__(self):
        self.sequencer.start()
        return self

    async def __aexit__(self, *failure):
        await self.sequencer.close()
        self.journal.close()


def run(scenario):
    return asyncio.run(asyncio.wait_for(scenario, 60))


def test_an_answer_has_the_commands_place_time_result_and_events(tmp_path):
    async def scenario():
        async with Venue(tmp_path / "j") as venue:
            acks = [await venue.sequencer.submit(order(number)) for number in range(4)]
        for seq, ack in enumerate(acks, 1):
            assert (ack.seq, ack.time_ns, ack.kind) == (seq, 1_000 + seq, CommandKind.NEW_ORDER)
            assert (ack.reject, ack.status) == (Reject.NONE, OrderStatus.OPEN)
            assert (ack.subject_id, ack.filled_lots, ack.remaining_lots) == (seq, seq * 2, seq * 3)
            assert ack.events["seq"].tolist() == [seq] * (seq % 3)
            assert not ack.events.flags.writeable

    run(scenario())


def test_commands_are_stamped_journaled_executed_and_projected_in_the_order_of_submission(tmp_path):
    async def scenario():
        async with Venue(tmp_path / "j") as venue:
            pending = [asyncio.ensure_future(venue.sequencer.submit(order(n))) for n in range(50)]
            bulk = asyncio.ensure_future(venue.sequencer.submit_many(orders(range(50, 90))))
            last = asyncio.ensure_future(venue.sequencer.submit(order(90)))
            assert [ack.seq for ack in await asyncio.gather(*pending)] == list(range(1, 51))
            assert (await bulk).first_seq == 51
            assert (await last).seq == 91
            return venue.diary.commands(), venue.machine.root

    commands, root = run(scenario())
    assert prices(commands) == list(range(91))
    assert commands["time_ns"].tolist() == [*range(1_001, 1_051), *[1_051] * 40, 1_052]
    again = Venue(tmp_path / "j")
    assert again.machine.root == root
    assert again.diary.commands().tobytes() == commands.tobytes()
    again.journal.close()


def test_what_waits_while_one_frame_syncs_shares_the_next(tmp_path):
    async def scenario():
        async with Venue(tmp_path / "j") as venue:
            pending = [asyncio.ensure_future(venue.sequencer.submit(order(n))) for n in range(100)]
            await asyncio.gather(*pending)
            assert venue.sequencer._unanswered == [], "what is answered is let go"
            return venue.machine.calls, len(list(venue.journal.read()))

    calls, frames = run(scenario())
    assert sum(calls) == 100
    assert len(calls) == frames < 10


def test_time_never_falls_even_when_the_clock_does(tmp_path):
    clock = Ticker()

    async def scenario():
        async with Venue(tmp_path / "j", clock=clock) as venue:
            first = await venue.sequencer.submit(order(1))
            clock.now_ns = 0
            second = await venue.sequencer.submit(order(2))
            assert second.time_ns == first.time_ns == 1_001
        async with Venue(tmp_path / "j", clock=Ticker(0)) as venue:
            third = await venue.sequencer.submit(order(3))
            assert third.time_ns == first.time_ns

    run(scenario())


@pytest.mark.parametrize("count", [1, FRAME_RECORDS_MAX, FRAME_RECORDS_MAX + 1, 20_000])
def test_a_bulk_is_gap_free_and_its_parts_join(tmp_path, count):
    async def scenario():
        async with Venue(tmp_path / "j") as venue:
            await venue.sequencer.submit(order(0))
            bulk = await venue.sequencer.submit_many(orders(range(count)))
            assert bulk.first_seq == 2
            assert bulk.outcomes["seq"].tolist() == list(range(2, count + 2))
            assert len(bulk.events) == bulk.outcomes["events"].sum()
            assert prices(venue.diary.commands()) == [0, *range(count)]

    run(scenario())


def test_a_bulk_beside_singles_takes_each_its_own_events(tmp_path):
    random = Random(3)

    async def scenario():
        async with Venue(tmp_path / "j") as venue:
            pending = []
            for _ in range(60):
                size = random.choice([1, 1, 2, 7])
                pending.append(
                    asyncio.ensure_future(venue.sequencer.submit_many(orders(range(size))))
                )
            for bulk in await asyncio.gather(*pending):
                seqs = bulk.outcomes["seq"]
                assert seqs[0] == bulk.first_seq
                assert bulk.events["seq"].tolist() == np.repeat(seqs, seqs % 3).tolist()

    run(scenario())


def test_a_full_queue_takes_all_of_a_submission_or_nothing(tmp_path):
    async def scenario():
        async with Venue(tmp_path / "j") as venue:
            full = asyncio.ensure_future(
                venue.sequencer.submit_many(orders(range(QUEUE_COMMANDS_MAX)))
            )
            await asyncio.sleep(0)
            with pytest.raises(Overloaded) as caught:
                await venue.sequencer.submit_many(orders(range(QUEUE_COMMANDS_MAX)))
            assert caught.value.limit == QUEUE_COMMANDS_MAX
            assert caught.value.queued > 0
            assert len((await full).outcomes) == QUEUE_COMMANDS_MAX
            assert (await venue.sequencer.submit(order(1))).seq == QUEUE_COMMANDS_MAX + 1

    run(scenario())


def test_close_answers_what_waits_and_refuses_what_comes(tmp_path):
    async def scenario():
        venue = Venue(tmp_path / "j")
        venue.sequencer.start()
        pending = [asyncio.ensure_future(venue.sequencer.submit(order(n))) for n in range(10)]
        await asyncio.sleep(0)
        await venue.sequencer.close()
        assert [ack.seq for ack in await asyncio.gather(*pending)] == list(range(1, 11))
        with pytest.raises(SequencerStopped):
            await venue.sequencer.submit(order(1))
        with pytest.raises(SequencerStopped):
            await venue.sequencer.submit_many(orders(range(2)))
        assert await venue.sequencer.wait_stopped() is None
        venue.journal.close()

    run(scenario())


def test_a_caller_that_gives_up_has_still_submitted(tmp_path):
    async def scenario():
        async with Venue(tmp_path / "j") as venue:
            single = asyncio.ensure_future(venue.sequencer.submit(order(1)))
            bulk = asyncio.ensure_future(venue.sequencer.submit_many(orders(range(2, 4))))
            await asyncio.sleep(0)
            single.cancel()
            bulk.cancel()
            assert (await venue.sequencer.submit(order(4))).seq == 4
            assert prices(venue.diary.commands()) == [1, 2, 3, 4]

    run(scenario())


class DyingDisk(SystemDisk):
    """Good until told, then refuses to sync."""

    def __init__(self):
        self.dead = False

    def sync(self, fd):
        if self.dead:
            raise OSError(errno.EIO, "dead")
        super().sync(fd)


def test_a_disk_error_stops_everything_and_answers_nobody(tmp_path):
    async def scenario():
        disk = DyingDisk()
        async with Venue(tmp_path / "j", disk=disk) as venue:
            await venue.sequencer.submit(order(1))
            disk.dead = True
            pending = [asyncio.ensure_future(venue.sequencer.submit(order(n))) for n in (2, 3)]
            bulk = asyncio.ensure_future(venue.sequencer.submit_many(orders(range(4, 9))))
            for result in await asyncio.gather(*pending, bulk, return_exceptions=True):
                assert isinstance(result, SequencerStopped)
                assert JournalWriteFailed.__name__ in result.reason
            with pytest.raises(SequencerStopped):
                await venue.sequencer.submit(order(9))
            assert isinstance(await venue.sequencer.wait_stopped(), SequencerStopped)
            assert venue.machine.seq == venue.diary.seq == 1

    run(scenario())


class Broken(Diary):
    """A projection with a bug at one seq."""

    def apply(self, batch):
        super().apply(batch)
        assert batch.last_seq < 3, "a bug"


def test_a_projections_bug_stops_the_venue_before_the_answer(tmp_path):
    async def scenario():
        venue = Venue(tmp_path / "j", projections=[Diary(), Broken()])
        venue.sequencer.start()
        await venue.sequencer.submit(order(1))
        await venue.sequencer.submit(order(2))
        results = await asyncio.gather(
            *(venue.sequencer.submit(order(n)) for n in (3, 4, 5)), return_exceptions=True
        )
        assert all(isinstance(result, SequencerStopped) for result in results)
        with pytest.raises(AssertionError, match="a bug"):
            await venue.sequencer.wait_stopped()
        with pytest.raises(AssertionError, match="a bug"):
            await venue.sequencer.close()
        assert venue.journal.last_seq >= 3, "durable is durable: the bug is met again at recovery"
        venue.journal.close()
        with pytest.raises(AssertionError, match="a bug"):
            Venue(tmp_path / "j", projections=[Broken()])

    run(scenario())


def test_a_command_of_no_kind_is_the_gates_bug_and_harms_nobody_else(tmp_path):
    async def scenario():
        async with Venue(tmp_path / "j") as venue:
            for wrong in (bytes(128), order(1)[:-1], order(1) + b"\0"):
                with pytest.raises(AssertionError):
                    await venue.sequencer.submit(wrong)
            assert (await venue.sequencer.submit(order(1))).seq == 1

    run(scenario())


class WitnessedDisk(SystemDisk):
    """Notes each call, and how many commands are on stable storage."""

    def __init__(self, transcript):
        self.transcript, self.written, self.durable = transcript, 0, 0

    def write(self, fd, parts, offset):
        super().write(fd, parts, offset)
        commands = len(parts[1]) // 128 if len(parts) == 2 else 0
        self.written += commands
        self.transcript.append(f"write {commands}")

    def sync(self, fd):
        written = self.written
        super().sync(fd)
        self.durable = written
        self.transcript.append("sync")


class WitnessedMachine(Machine):
    """Executes only what is on stable storage."""

    def execute(self, commands):
        assert self.disk.durable >= self.seq + len(commands)
        self.disk.transcript.append(f"execute {len(commands)}")
        return super().execute(commands)


class WitnessedDiary(Diary):
    """Notes each batch."""

    def apply(self, batch):
        super().apply(batch)
        self.transcript.append(f"project {batch.first_seq}..{batch.last_seq}")


def witnessed(directory):
    """A sequencer whose disk, machine and projection write one transcript."""
    transcript = []
    disk, machine, diary = WitnessedDisk(transcript), WitnessedMachine(), WitnessedDiary()
    machine.disk, diary.transcript = disk, transcript
    journal = Journal.open(directory, VENUE, disk=disk)
    return journal, Sequencer(journal, machine, [diary], Ticker()), transcript


def test_the_golden_transcript_of_a_small_day(tmp_path):
    async def scenario():
        journal, sequencer, transcript = witnessed(tmp_path / "j")
        sequencer.start()
        for submission in (sequencer.submit(order(7)), sequencer.submit_many(orders(range(3)))):
            transcript.append(f"answer {(await submission).events['seq'].tolist()}")
        await sequencer.close()
        transcript.append(f"closed {journal.last_seq}")
        journal.close()
        return transcript

    assert run(scenario()) == [
        "write 0",
        "sync",
        "write 1",
        "sync",
        "execute 1",
        "project 1..1",
        "answer [1]",
        "write 3",
        "sync",
        "execute 3",
        "project 2..4",
        "answer [2, 2, 4]",
        "closed 4",
    ]


def test_under_load_nothing_is_executed_before_it_is_durable(tmp_path):
    """`WitnessedMachine` asserts it on each call; here the pipeline is full."""

    async def scenario():
        journal, sequencer, transcript = witnessed(tmp_path / "j")
        sequencer.start()
        sizes = [FRAME_RECORDS_MAX, 1, 500, 4_000, 4_000, 4_000, 20_000]
        await asyncio.gather(*(sequencer.submit_many(orders(range(size))) for size in sizes))
        await sequencer.close()
        journal.close()
        return transcript

    transcript = run(scenario())
    assert transcript.count("sync") == 1 + sum(line.startswith("execute") for line in transcript)


def test_the_part_of_a_batch_after_a_seq_keeps_commands_outcomes_and_events_together():
    commands = orders(range(6), time_ns=1)
    result = Machine(4).execute(commands)
    batch = Batch(5, commands, result.outcomes, result.events)
    assert batch.after(4) is batch
    for seq in range(5, 11):
        part = batch.after(seq)
        assert (part.first_seq, part.last_seq) == (seq + 1, 10)
        assert part.outcomes["seq"].tolist() == list(range(seq + 1, 11))
        assert part.events["seq"].tolist() == [s for s in range(seq + 1, 11) for _ in range(s % 3)]
        assert prices(part.commands) == list(range(seq - 4, 6))
