// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IHotVault} from "../../src/interfaces/IHotVault.sol";
import {VaultGround} from "../base/VaultGround.sol";
import {MoodyToken} from "../hostile/Tokens.sol";

/// @dev Drives a vault at random with one moody token, and keeps its own books beside it. Every action is either
/// done or expected to be refused; the books move only with what was done.
contract VaultHandler is VaultGround {
    address[3] private _payees = [ALICE, BOB, address(0xca401)];

    uint256 public deposited;
    uint256 public donated;
    uint256 public paid;
    uint256 public claimed;
    uint256 public deferredOpen;
    uint256 public drawn;
    uint64 public executed;
    uint64 public depositCount;
    uint64 public highestEpoch = 1;
    uint256 public immutable STARTED = 1_800_000_000;
    bytes32 public lastDigest;
    bool public outflowWhilePaused;
    bool public acceptedStale;
    bool public paidTwice;

    IHotVault.Payout[] private _claimable;
    uint64[] private _handledIds;
    IHotVault.Batch private _stale;
    bytes private _staleSignatures;

    function theVault() external view returns (IHotVault) {
        return vault;
    }

    function token() external view returns (MoodyToken) {
        return moody;
    }

    function handledIds() external view returns (uint64[] memory) {
        return _handledIds;
    }

    function claimableCount() external view returns (uint256) {
        return _claimable.length;
    }

    function started() external {
        setUp();
        donated = FUNDS;
    }

    function deposit(uint256 amount) external {
        amount = _within(amount, 1, 5_000);
        moody.mint(address(this), amount);
        uint256 before = moody.balanceOf(address(vault));
        try vault.deposit(address(moody), amount, ACCOUNT) {
            if (vault.cursor().paused) outflowWhilePaused = true;
            deposited += moody.balanceOf(address(vault)) - before;
            ++depositCount;
        } catch {}
    }

    function donate(uint256 amount) external {
        amount = _within(amount, 1, 5_000);
        moody.mint(address(vault), amount);
        donated += amount;
    }

    function feel(uint256 mood) external {
        // HidesBalance would blind the books as well.
        moody.feel(MoodyToken.Mood(mood % uint256(type(MoodyToken.Mood).max)));
    }

    function blacklist(uint256 payee, bool listed) external {
        moody.blacklist(_payees[payee % _payees.length], listed);
    }

    function execute(uint256 count, uint256 seed) external {
        count = _within(count, 0, 5);
        IHotVault.Payout[] memory payouts = new IHotVault.Payout[](count);
        uint256 total = 0;
        for (uint256 i = 0; i < count; ++i) {
            uint256 draw = uint256(keccak256(abi.encode(seed, i)));
            payouts[i] = _payout(address(moody), _payees[draw % _payees.length], _within(draw >> 8, 0, 200_000));
            // Now and then an id that was handled before.
            if (draw >> 252 == 0 && _handledIds.length != 0) {
                payouts[i].withdrawalId = _handledIds[(draw >> 100) % _handledIds.length];
            }
            total += payouts[i].amount;
        }
        _relay(payouts, total);
    }

    function replay() external {
        if (_staleSignatures.length == 0) return;
        try vault.execute(_stale, _staleSignatures) {
            acceptedStale = true;
        } catch {}
    }

    function claim(uint256 which) external {
        if (_claimable.length == 0) return;
        which %= _claimable.length;
        IHotVault.Payout memory payout = _claimable[which];
        uint256 before = moody.balanceOf(address(vault));
        try vault.claim(payout) {
            claimed += before - moody.balanceOf(address(vault));
            deferredOpen -= payout.amount;
            _claimable[which] = _claimable[_claimable.length - 1];
            _claimable.pop();
            try vault.claim(payout) {
                paidTwice = true;
            } catch {}
        } catch {}
    }

    function pause() external {
        if (vault.cursor().paused) return;
        vm.prank(GUARDIAN);
        vault.pause();
        highestEpoch = vault.epoch();
    }

    function unpause() external {
        if (!vault.cursor().paused) return;
        vm.prank(address(safe));
        vault.unpause();
    }

    function advanceEpoch() external {
        vm.prank(address(safe));
        vault.advanceEpoch();
        highestEpoch = vault.epoch();
    }

    function wait(uint256 pause_) external {
        vm.warp(block.timestamp + _within(pause_, 0, 2_000));
    }

    function _relay(IHotVault.Payout[] memory payouts, uint256 total) private {
        IHotVault.Batch memory batch = _batch(payouts);
        bytes32 digest = vault.digest(batch);
        bytes memory signatures = _quorumSigns(digest);
        uint256 before = moody.balanceOf(address(vault));
        vm.recordLogs();
        try vault.execute(batch, signatures) {
            if (vault.cursor().paused) outflowWhilePaused = true;
            (, uint256 deferred) = _batchExecuted();
            ++executed;
            lastDigest = digest;
            drawn += total;
            paid += before - moody.balanceOf(address(vault));
            for (uint256 i = 0; i < payouts.length; ++i) {
                _book(payouts[i], deferred & (1 << i) != 0);
            }
            _keepStale(batch, signatures);
        } catch {
            if (moody.balanceOf(address(vault)) != before) outflowWhilePaused = true;
        }
    }

    function _book(IHotVault.Payout memory payout, bool deferred) private {
        for (uint256 i = 0; i < _handledIds.length; ++i) {
            if (_handledIds[i] == payout.withdrawalId) paidTwice = true;
        }
        _handledIds.push(payout.withdrawalId);
        if (!deferred) return;
        deferredOpen += payout.amount;
        _claimable.push(payout);
    }

    function _keepStale(IHotVault.Batch memory batch, bytes memory signatures) private {
        _stale.seq = batch.seq;
        _stale.epoch = batch.epoch;
        _stale.depositCursor = batch.depositCursor;
        _stale.deadline = batch.deadline;
        _stale.previousHead = batch.previousHead;
        _stale.stateRoot = batch.stateRoot;
        _stale.dataHash = batch.dataHash;
        delete _stale.payouts;
        for (uint256 i = 0; i < batch.payouts.length; ++i) {
            _stale.payouts.push(batch.payouts[i]);
        }
        _staleSignatures = signatures;
    }
}
