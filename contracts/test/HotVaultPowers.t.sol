// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IHotVault} from "../src/interfaces/IHotVault.sol";
import {IQuorumGated} from "../src/interfaces/IQuorumGated.sol";
import {VaultGround} from "./base/VaultGround.sol";

/// @dev Who may do what beside executing batches: the quorum through the Safe, guardians, and nobody else.
contract HotVaultPowersTest is VaultGround {
    function testFuzz_OnlyTheQuorumHasTheQuorumsPowers(address caller, uint256 which) external {
        if (caller == address(safe) || caller == address(0)) caller = address(this);
        bytes[6] memory calls = [
            abi.encodeCall(vault.advanceEpoch, ()),
            abi.encodeCall(vault.unpause, ()),
            abi.encodeCall(vault.list, (IHotVault.Listing(address(usdc), 1, 1))),
            abi.encodeCall(vault.switchDeposits, (address(usdc), false)),
            abi.encodeCall(vault.changeLimit, (address(usdc), 1, 1)),
            abi.encodeCall(vault.switchGuardian, (caller, true))
        ];
        vm.prank(caller);
        (bool done, bytes memory answer) = address(vault).call(calls[which % calls.length]);
        vm.assertFalse(done);
        vm.assertEq(keccak256(answer), keccak256(abi.encodeWithSelector(IQuorumGated.NotQuorum.selector, caller)));
    }

    function test_AGuardianPausesAndOnlyTheQuorumUnpauses() external {
        vm.expectEmit();
        emit IHotVault.Paused(GUARDIAN);
        vm.expectEmit();
        emit IQuorumGated.EpochAdvanced(2);
        vm.prank(GUARDIAN);
        vault.pause();
        vm.assertTrue(vault.cursor().paused);
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(IQuorumGated.NotQuorum.selector, GUARDIAN));
        vault.unpause();
        vm.expectEmit();
        emit IHotVault.Unpaused();
        _safeCalls(address(vault), abi.encodeCall(vault.unpause, ()));
        vm.assertFalse(vault.cursor().paused);
    }

    function test_TheQuorumMayPauseToo() external {
        _safeCalls(address(vault), abi.encodeCall(vault.pause, ()));
        vm.assertTrue(vault.cursor().paused);
    }

    function testFuzz_NobodyElsePauses(address caller) external {
        if (caller == GUARDIAN || caller == address(safe)) caller = address(this);
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IHotVault.NotGuardian.selector, caller));
        vault.pause();
    }

    function test_APauseIsOnceAndAnUnpauseNeedsOne() external {
        vm.prank(address(safe));
        vm.expectRevert(IHotVault.VaultNotPaused.selector);
        vault.unpause();
        vm.prank(GUARDIAN);
        vault.pause();
        vm.prank(GUARDIAN);
        vm.expectRevert(IHotVault.VaultPaused.selector);
        vault.pause();
        vm.assertEq(vault.epoch(), 2);
    }

    function test_APausedVaultExecutesNothing() external {
        vm.prank(GUARDIAN);
        vault.pause();
        _refuses(_batch(_pay(address(usdc), ALICE, 1)), abi.encodeWithSelector(IHotVault.VaultPaused.selector));
    }

    function test_WhatWasSignedBeforeAPauseStaysVoidAfterIt() external {
        IHotVault.Batch memory before = _batch(_pay(address(usdc), ALICE, 1));
        vm.prank(GUARDIAN);
        vault.pause();
        vm.prank(address(safe));
        vault.unpause();
        _refuses(before, abi.encodeWithSelector(IQuorumGated.WrongEpoch.selector, 2, 1));
        before.epoch = 2;
        _execute(before);
        vm.assertEq(usdc.balanceOf(ALICE), 1);
    }

    function test_GuardiansComeAndGo() external {
        vm.expectEmit();
        emit IHotVault.GuardianSwitched(GUARDIAN, false);
        _safeCalls(address(vault), abi.encodeCall(vault.switchGuardian, (GUARDIAN, false)));
        vm.prank(GUARDIAN);
        vm.expectRevert(abi.encodeWithSelector(IHotVault.NotGuardian.selector, GUARDIAN));
        vault.pause();
        _safeCalls(address(vault), abi.encodeCall(vault.switchGuardian, (BOB, true)));
        vm.prank(BOB);
        vault.pause();
    }

    function test_ARotationTakesTheOldSignersPowerAndGivesTheNew() external {
        IHotVault.Batch memory batch = _batch(_pay(address(usdc), ALICE, 1));
        bytes memory stale = _quorumSigns(vault.digest(batch));
        _safeCalls(address(safe), abi.encodeCall(safe.swapOwner, (address(1), vm.addr(keys[0]), vm.addr(0xa9))));
        uint256 removed = keys[0];
        _replaceKey(0, 0xa9);
        _safeCalls(address(vault), abi.encodeCall(vault.advanceEpoch, ()));
        vm.expectRevert(abi.encodeWithSelector(IQuorumGated.WrongEpoch.selector, 2, 1));
        vault.execute(batch, stale);

        batch.epoch = 2;
        bytes32 digest = vault.digest(batch);
        bytes memory mixed = _signatures(digest, 2);
        for (uint256 i = 0; i < 2; ++i) {
            bytes memory word = _signature(removed, digest);
            vm.expectRevert(abi.encodeWithSelector(IQuorumGated.QuorumNotReached.selector, digest, THRESHOLD, "GS026"));
            vault.execute(batch, i == 0 ? bytes.concat(mixed, word) : bytes.concat(word, mixed));
        }
        _execute(batch);
        vm.assertEq(usdc.balanceOf(ALICE), 1);
    }

    function test_EtherForcedInChangesNothing() external {
        (bool sent,) = address(vault).call{value: 1}("");
        vm.assertFalse(sent);
        vm.deal(address(vault), 1 ether);
        _execute(_batch(_pay(address(usdc), ALICE, 1)));
        vm.assertEq(usdc.balanceOf(ALICE), 1);
    }
}
