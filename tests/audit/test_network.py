"""Whole groups over a faulty network: agreement always, progress when a quorum is up."""

import pytest

from ledger.audit.audit_ledger import verify_ledger
from ledger.audit.bodies import PrePrepare, SlotFlag, Status
from ledger.audit.effects import Suspect
from ledger.audit.errors import RootsDiffer
from ledger.audit.group import VENUE
from ledger.audit.messages import open_message
from tests.audit.ground import (
    CountingMachine,
    WrongMachine,
    author_of,
    make_batch,
    make_chain,
    make_group,
)
from tests.audit.network import Network


def drive(net: Network, chain, *, each_ms: int = 3000) -> None:
    """The venue sends each batch, again and again, until some quorum has it."""
    for batch in chain:
        for _ in range(60):
            net.submit(batch)
            net.run(each_ms // 20)
            up = [n for n in net.nodes.values() if n.ledger.tip.number >= batch.seq]
            if len(up) >= net.group.quorum:
                break
        else:
            pytest.fail(f"seed {net.seed}: block {batch.seq} was not certified")


@pytest.mark.parametrize("size", [1, 4, 5, 7])
def test_every_group_size_certifies_on_a_calm_network(tmp_path, size):
    group = make_group(size)
    net = Network(tmp_path, group, seed=size)
    drive(net, make_chain(group, 5))
    net.run(3000)
    assert [node.ledger.tip.number for node in net.nodes.values()] == [5] * size
    assert len({node.ledger.engine.state_root() for node in net.nodes.values()}) == 1
    assert not any(node.refused for node in net.nodes.values() if node.refused), "calm is calm"


@pytest.mark.parametrize("seed", [*range(12), 1027])  # 1027: a fetch lost many times
def test_loss_duplication_and_reordering_delay_but_never_split(tmp_path, seed):
    group = make_group()
    net = Network(tmp_path, group, seed, loss_percent=25, duplicate_percent=20, delay_max_ms=80)
    drive(net, make_chain(group, 6))
    net.loss_percent = 0
    net.run(20_000)
    assert [node.ledger.tip.number for node in net.nodes.values()] == [6] * 4
    assert not net.equivocations()


@pytest.mark.parametrize("seed", range(16))
def test_crash_at_any_effect_and_restart_from_disk_keeps_every_vote(tmp_path, seed):
    group = make_group()
    net = Network(tmp_path, group, seed, loss_percent=5, delay_max_ms=20)
    chain = make_chain(group, 8)
    for batch in chain:
        victim = net.random.randrange(4)
        if victim in net.nodes:
            net.nodes[victim].crash_in = net.random.randrange(12)
        net.submit(batch)
        net.run(400)
        for me in range(4):
            if me not in net.nodes:
                net.start(me)
            net.nodes[me].crash_in = -1
        drive(net, [batch])
    net.run(20_000)
    assert [node.ledger.tip.number for node in net.nodes.values()] == [8] * 4
    assert len({node.ledger.engine.state_root() for node in net.nodes.values()}) == 1
    assert len({node.ledger.log.root() for node in net.nodes.values()}) == 1
    assert not net.halted


def test_three_of_four_certify_and_the_fourth_catches_up(tmp_path):
    group = make_group()
    net = Network(tmp_path, group, seed=1)
    net.stop(3)
    drive(net, make_chain(group, 70))
    net.start(3)
    net.run(10_000)
    assert [node.ledger.tip.number for node in net.nodes.values()] == [70] * 4
    assert net.nodes[3].ledger.log.root() == net.nodes[0].ledger.log.root()


def test_two_of_four_certify_nothing(tmp_path):
    group = make_group()
    net = Network(tmp_path, group, seed=1)
    net.stop(2)
    net.stop(3)
    net.submit(make_chain(group, 1)[0])
    net.run(10_000)
    assert [node.ledger.tip.number for node in net.nodes.values()] == [0, 0]


def test_a_wrong_engine_signs_its_own_roots_and_halts_alone(tmp_path):
    group = make_group()
    net = Network(tmp_path, group, seed=1, machines={2: WrongMachine})
    drive(net, make_chain(group, 3))
    net.run(5000)
    assert [net.nodes[i].ledger.tip.number for i in (0, 1, 3)] == [3, 3, 3]
    assert net.nodes[2].ledger.tip.number == 0
    error = net.halted[2]
    assert isinstance(error, RootsDiffer)
    assert error.block == 1
    assert error.differing == ("r0", "r1", "r3")


def test_a_venue_that_signs_two_batches_is_caught_and_nothing_splits(tmp_path):
    group = make_group()
    net = Network(tmp_path, group, seed=1)
    one = make_batch(group, 1, first_seq=1, salt=1)
    two = make_batch(group, 1, first_seq=1, salt=2)
    net.send(VENUE, 0, (one,))
    net.signed.clear()  # the venue is the liar here
    net.send(VENUE, 1, (two,))
    net.signed.clear()
    net.run(20_000)
    assert [node.ledger.tip.number for node in net.nodes.values()] == [1] * 4
    evidence = net.equivocations()
    assert {error.sender for error in evidence} == {VENUE}


@pytest.mark.parametrize("seed", range(8))
def test_partitions_of_a_minority_even_one_way_delay_nobody_else(tmp_path, seed):
    group = make_group()
    net = Network(tmp_path, group, seed, delay_max_ms=30)
    victim = 1 + seed % 3
    peers = [peer for peer in (*range(4), VENUE) if peer != victim]
    if seed % 2:
        net.cut = {(victim, peer) for peer in peers}
    else:
        net.cut = {(peer, victim) for peer in peers}
    drive(net, make_chain(group, 5))
    assert all(net.nodes[i].ledger.tip.number == 5 for i in range(4) if i != victim)
    net.cut.clear()
    net.run(15_000)
    assert [node.ledger.tip.number for node in net.nodes.values()] == [5] * 4
    assert len({node.ledger.log.root() for node in net.nodes.values()}) == 1


def test_a_primary_that_is_cut_off_stalls_and_splits_nothing(tmp_path):
    """There is no view change yet: the group waits for its primary, and says so."""
    group = make_group()
    net = Network(tmp_path, group, seed=3)
    net.cut = {(0, peer) for peer in range(1, 4)}
    net.submit(make_chain(group, 1)[0])
    net.run(20_000)
    assert [node.ledger.tip.number for node in net.nodes.values()] == [0] * 4
    assert all(Suspect(1, 0) in net.nodes[i].alarms for i in range(1, 4))
    net.cut.clear()
    net.run(5_000)
    assert [node.ledger.tip.number for node in net.nodes.values()] == [1] * 4


@pytest.mark.parametrize("liar", [1, 3])
def test_a_peer_that_boasts_of_blocks_it_has_not_delays_nobody(tmp_path, liar):
    group = make_group()
    net = Network(tmp_path, group, seed=liar)
    net.stop(2)
    drive(net, make_chain(group, 20))
    net.start(2)
    boast = author_of(group, liar).sign(0, 10**6, Status(bytes(32), SlotFlag(0)))
    for _ in range(200):
        net.send(liar, 2, (boast,))
        net.run(50)
    assert net.nodes[2].ledger.tip.number == 20


@pytest.mark.parametrize("seed", range(6))
def test_seven_certify_with_two_gone_and_all_end_equal(tmp_path, seed):
    group = make_group(7)
    net = Network(tmp_path, group, seed, loss_percent=10, delay_max_ms=40)
    gone = net.random.sample(range(1, 7), 2)
    for member in gone:
        net.stop(member)
    drive(net, make_chain(group, 4))
    for member in gone:
        net.start(member)
    net.loss_percent = 0
    net.run(20_000)
    assert [node.ledger.tip.number for node in net.nodes.values()] == [4] * 7
    assert len({node.ledger.engine.state_root() for node in net.nodes.values()}) == 1


@pytest.mark.parametrize("seed", range(6))
def test_replayed_and_stale_messages_change_nothing(tmp_path, seed):
    """Everything that was ever signed comes again, in any order, to anybody."""
    group = make_group()
    net = Network(tmp_path, group, seed)
    drive(net, make_chain(group, 4))
    net.run(2000)
    before = [node.ledger.tip for node in net.nodes.values()]
    sent = list(net.signed.values())
    net.random.shuffle(sent)
    for raw in sent:
        message = open_message(group, raw)
        if message.sender == VENUE or not isinstance(message.body, PrePrepare):
            net.send(message.sender, net.random.randrange(4), (message,))
        net.run(5)
    net.run(5000)
    assert [node.ledger.tip for node in net.nodes.values()] == before
    assert not net.equivocations()
    last = make_chain(group, 5)[4]
    drive(net, [last])


def test_ledgers_of_a_faulty_life_pass_a_whole_audit(tmp_path):
    group = make_group()
    net = Network(tmp_path, group, 5, loss_percent=15, duplicate_percent=10, delay_max_ms=30)
    for batch in make_chain(group, 10):
        drive(net, [batch])
        victim = net.random.randrange(4)
        net.stop(victim)
        net.start(victim)
    net.loss_percent = 0
    net.run(20_000)
    for member in range(4):
        net.stop(member)
        report = verify_ledger(tmp_path / f"r{member}", group, CountingMachine())
        assert (report.owner, report.blocks) == (f"r{member}", 10)
