"""Whole groups over a faulty network: agreement always, progress when a quorum is up."""

import pytest

from ledger.audit.errors import RootsDiffer
from ledger.audit.group import VENUE
from tests.audit.ground import WrongMachine, make_batch, make_chain, make_group
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


@pytest.mark.parametrize("seed", range(12))
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
