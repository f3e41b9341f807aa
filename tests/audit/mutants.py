"""Cores with one known fault each. The tests must tell every one of them from the real core."""

from ledger.audit.certificate import roots_of
from ledger.audit.core import Core
from ledger.audit.effects import Broadcast, Execute, Persist
from ledger.audit.slot import sign_commit


class SmallQuorum(Core):
    """Believes that 2f are enough."""

    def __init__(self, author, *rest):
        super().__init__(author, *rest)
        self.group = _Smaller(self.group)


class _Smaller:
    def __init__(self, group):
        self._group = group

    def __getattr__(self, name):
        return getattr(self._group, name)

    @property
    def quorum(self):
        return 2 * self._group.faults


class SendsBeforePersisting(Core):
    """Performs Broadcast first, Persist after."""

    def step(self, event, now_ns):
        return _broadcasts_first(super().step(event, now_ns))


def _broadcasts_first(effects):
    return tuple(sorted(effects, key=lambda effect: not isinstance(effect, Broadcast)))


class ForgetsItsVotes(Core):
    """Starts after a crash as if nothing had been signed."""

    def __init__(self, author, tip, recovered, now_ns):
        super().__init__(author, tip, type(recovered)(), now_ns)


class DoesNotPersistItsVotes(Core):
    """Writes the blocks only."""

    def step(self, event, now_ns):
        effects = super().step(event, now_ns)
        return tuple(e for e in effects if not isinstance(e, Persist) or _is_needed(e))


def _is_needed(effect):
    return effect.kind.name == "PROPOSAL" and len(effect.messages) == 1


class SignsWithoutExecuting(Core):
    """Signs the roots that others signed, as soon as it sees some."""

    def _on_commit(self, message, now_ns):
        effects = super()._on_commit(message, now_ns)
        slot = self.slots.get(message.seq)
        if slot is None or slot.batch is None or slot.own_commit is not None:
            return effects
        theirs = message.body
        slot.roots = roots_of(theirs)
        vote = sign_commit(self._author, self.view, slot.batch, slot.roots)
        slot.own_commit = vote
        return (*effects, Broadcast((vote,)))


class GoesOnAfterADifference(Core):
    """Takes the quorum's word instead of halting."""

    def _finish(self, slot, effects, now_ns):
        if slot.certificate is None:
            slot.certificate = slot.tally.certificate(self.group.quorum)
        if slot.certificate is not None and slot.roots is not None:
            slot.roots = roots_of(slot.certificate[0].body)
        return super()._finish(slot, effects, now_ns)


class TakesTwoProposals(Core):
    """Lets a second proposal of one number replace the first, and votes again."""

    def _on_proposal(self, message, batch, now_ns):
        slot = self.slots.get(message.seq)
        first = None if slot is None else slot.pre_prepare
        if first is not None and first.digest != message.digest:
            slot.pre_prepare = slot.batch = slot.submitted = slot.own_prepare = None
            slot.executing = False
        return super()._on_proposal(message, batch, now_ns)


class CountsThePrimaryTwice(Core):
    """Lets the primary's PREPARE count beside its PRE-PREPARE."""

    def _on_prepare(self, message, now_ns):
        if message.sender == self.primary:
            self._slot(message.seq).prepares[message.sender] = message
            return ()
        return super()._on_prepare(message, now_ns)


class BelievesAnyCertificate(Core):
    """Takes a fetched block without looking at its votes."""

    def _on_certified(self, batch, commits):
        self._fetched[batch.seq] = batch, commits
        return ()


class ExecutesTwice(Core):
    """Executes again when the proposal is repeated."""

    def _on_proposal(self, message, batch, now_ns):
        effects = super()._on_proposal(message, batch, now_ns)
        slot = self.slots.get(message.seq)
        again = slot is not None and slot.executing and message.seq == self.tip.number + 1
        return (*effects, Execute(batch)) if again else effects
