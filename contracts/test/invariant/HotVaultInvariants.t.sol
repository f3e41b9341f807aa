// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IHotVault} from "../../src/interfaces/IHotVault.sol";
import {Vm} from "../base/Vm.sol";
import {MoodyToken} from "../hostile/Tokens.sol";
import {VaultHandler} from "./VaultHandler.sol";

/// @dev The invariants that src/HotVault.sol states, by their numbers there.
contract HotVaultInvariants {
    Vm private constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 private constant CAPACITY = 1_000_000;
    uint256 private constant REFILL = 100;

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    VaultHandler private _handler;
    IHotVault private _vault;
    MoodyToken private _token;
    uint64 private _epochSeen;

    function setUp() external {
        _handler = new VaultHandler();
        _handler.started();
        _vault = _handler.theVault();
        _token = _handler.token();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        bytes4[] memory selectors = new bytes4[](14);
        selectors[0] = VaultHandler.deposit.selector;
        selectors[1] = VaultHandler.donate.selector;
        selectors[2] = VaultHandler.feel.selector;
        selectors[3] = VaultHandler.blacklist.selector;
        selectors[4] = VaultHandler.execute.selector;
        selectors[5] = VaultHandler.replay.selector;
        selectors[6] = VaultHandler.claim.selector;
        selectors[7] = VaultHandler.pause.selector;
        selectors[8] = VaultHandler.unpause.selector;
        selectors[9] = VaultHandler.advanceEpoch.selector;
        selectors[10] = VaultHandler.wait.selector;
        // The busiest of a vault's life come up more often.
        selectors[11] = VaultHandler.execute.selector;
        selectors[12] = VaultHandler.execute.selector;
        selectors[13] = VaultHandler.unpause.selector;
        targets[0] = FuzzSelector(address(_handler), selectors);
    }

    /// @dev One campaign for all of them: after every action each must hold.
    function invariant_TheVaultKeepsItsPromises() external {
        _1_TokensAreConserved();
        _2_BatchesCountByOneAndChain();
        _3_AWithdrawalIsPaidOrDeferredOnce();
        _4_WhatLeavesByBatchStaysWithinTheLimit();
        _5_EpochsNeverFall();
        _6_NothingMovesByBatchOrDepositWhilePaused();
        _7_ClaimsAreCountedToTheLastUnit();
        _8_DepositsCountWithoutGapsAndTheCursorNeverLeads();
    }

    function _1_TokensAreConserved() private view {
        vm.assertEq(
            _token.balanceOf(address(_vault)) + _handler.paid() + _handler.claimed(),
            _handler.deposited() + _handler.donated()
        );
    }

    function _2_BatchesCountByOneAndChain() private view {
        vm.assertEq(_vault.cursor().seq, _handler.executed());
        vm.assertEq(_vault.head(), _handler.lastDigest());
        vm.assertFalse(_handler.acceptedStale());
    }

    function _3_AWithdrawalIsPaidOrDeferredOnce() private view {
        vm.assertFalse(_handler.paidTwice());
    }

    /// @dev At a campaign's end, every id that it handled is looked up again.
    function afterInvariant() external {
        _5_EpochsNeverFall();
        uint64[] memory ids = _handler.handledIds();
        uint256 open = 0;
        for (uint256 i = 0; i < ids.length; ++i) {
            vm.assertTrue(_vault.handled(ids[i]));
            if (_vault.deferredPayout(ids[i]) != 0) ++open;
        }
        vm.assertEq(open, _handler.claimableCount());
    }

    function _4_WhatLeavesByBatchStaysWithinTheLimit() private view {
        uint256 elapsed = block.timestamp - _handler.STARTED();
        vm.assertLe(_handler.drawn(), CAPACITY + elapsed * REFILL);
        vm.assertLe(_handler.paid() + _handler.claimed(), _handler.drawn());
    }

    function _5_EpochsNeverFall() private {
        vm.assertLe(_epochSeen, _vault.epoch());
        _epochSeen = _vault.epoch();
        vm.assertEq(_epochSeen, _handler.highestEpoch());
    }

    function _6_NothingMovesByBatchOrDepositWhilePaused() private view {
        vm.assertFalse(_handler.outflowWhilePaused());
    }

    function _7_ClaimsAreCountedToTheLastUnit() private view {
        vm.assertEq(_vault.tokenState(address(_token)).claimable, _handler.deferredOpen());
    }

    function _8_DepositsCountWithoutGapsAndTheCursorNeverLeads() private view {
        IHotVault.Cursor memory cursor = _vault.cursor();
        vm.assertEq(cursor.deposits, _handler.depositCount());
        vm.assertLe(cursor.depositCursor, cursor.deposits);
    }
}
