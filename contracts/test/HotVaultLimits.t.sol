// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IHotVault} from "../src/interfaces/IHotVault.sol";
import {IQuorumGated} from "../src/interfaces/IQuorumGated.sol";
import {IDevToken} from "./base/IDevToken.sol";
import {VaultGround} from "./base/VaultGround.sol";
import {MoodyToken} from "./hostile/Tokens.sol";

/// @dev How much may leave, when, and who may change that.
contract HotVaultLimitsTest is VaultGround {
    function test_AListingStartsFull() external view {
        IHotVault.TokenState memory state = vault.tokenState(address(usdc));
        vm.assertTrue(state.listed && state.depositsOpen);
        vm.assertEq(state.available, CAPACITY);
        vm.assertEq(state.capacity, CAPACITY);
        vm.assertEq(state.refillPerSecond, REFILL);
        vm.assertEq(state.claimable, 0);
    }

    function testFuzz_TheBucketFollowsItsModel(uint256[12] calldata steps) external {
        uint256 level = CAPACITY;
        for (uint256 i = 0; i < steps.length; ++i) {
            uint256 pause = _within(steps[i], 0, 20_000);
            uint256 amount = _within(steps[i] >> 128, 0, CAPACITY / 2);
            vm.warp(block.timestamp + pause);
            level = level + pause * REFILL > CAPACITY ? CAPACITY : level + pause * REFILL;
            vm.assertEq(vault.tokenState(address(usdc)).available, level);
            IHotVault.Batch memory batch = _batch(_pay(address(usdc), ALICE, amount));
            if (amount > level) {
                _refuses(batch, abi.encodeWithSelector(IHotVault.LimitExceeded.selector, address(usdc), level, amount));
            } else {
                _execute(batch);
                level -= amount;
            }
        }
    }

    function test_PayoutsOfOneBatchAddUpAcrossOtherTokens() external {
        IHotVault.Payout[] memory payouts = new IHotVault.Payout[](4);
        payouts[0] = _payout(address(usdc), ALICE, CAPACITY / 2);
        payouts[1] = _payout(address(mute), ALICE, CAPACITY);
        payouts[2] = _payout(address(usdc), ALICE, CAPACITY / 2);
        payouts[3] = _payout(address(usdc), ALICE, 1);
        _refuses(_batch(payouts), abi.encodeWithSelector(IHotVault.LimitExceeded.selector, address(usdc), 0, 1));
        payouts[3].amount = 0;
        _execute(_batch(payouts));
        vm.assertEq(vault.tokenState(address(usdc)).available, 0);
        vm.assertEq(vault.tokenState(address(mute)).available, 0);
        vm.assertEq(vault.tokenState(address(moody)).available, CAPACITY);
    }

    function test_NoWindowsEdgeLetsTwoCapacitiesOut() external {
        _execute(_batch(_pay(address(usdc), ALICE, CAPACITY)));
        vm.warp(block.timestamp + 1);
        _refuses(
            _batch(_pay(address(usdc), ALICE, REFILL + 1)),
            abi.encodeWithSelector(IHotVault.LimitExceeded.selector, address(usdc), REFILL, REFILL + 1)
        );
        _execute(_batch(_pay(address(usdc), ALICE, REFILL)));
    }

    function testFuzz_AmountsBeyondTheCapacityAreRefusedUpToTheLastBit(uint256 amount) external {
        amount = _within(amount, uint256(CAPACITY) + 1, type(uint256).max - 1);
        _refuses(
            _batch(_pay(address(usdc), ALICE, amount)),
            abi.encodeWithSelector(IHotVault.LimitExceeded.selector, address(usdc), CAPACITY, amount)
        );
        IHotVault.Payout[] memory payouts = new IHotVault.Payout[](2);
        payouts[0] = _payout(address(usdc), ALICE, 1);
        payouts[1] = _payout(address(usdc), ALICE, type(uint256).max);
        _refuses(
            _batch(payouts),
            abi.encodeWithSelector(IHotVault.LimitExceeded.selector, address(usdc), CAPACITY - 1, type(uint256).max)
        );
    }

    function test_TheWidestLimitNeverOverflows() external {
        IDevToken wide = _newToken("WIDE", 18);
        uint128 most = type(uint128).max;
        _safeCalls(address(vault), abi.encodeCall(vault.list, (IHotVault.Listing(address(wide), most, most))));
        wide.mint(address(vault), most);
        _execute(_batch(_pay(address(wide), ALICE, most)));
        vm.assertEq(vault.tokenState(address(wide)).available, 0);
        vm.warp(type(uint64).max - 1 hours);
        vm.assertEq(vault.tokenState(address(wide)).available, most);
        _execute(_batch(_pay(address(wide), ALICE, 0)));
    }

    function test_ADeferredPayoutCountsAndItsClaimDoesNotCountAgain() external {
        moody.feel(MoodyToken.Mood.Reverts);
        IHotVault.Payout[] memory payouts = _pay(address(moody), ALICE, CAPACITY);
        vm.assertEq(_executeNext(payouts), 1);
        vm.assertEq(vault.tokenState(address(moody)).available, 0);
        moody.feel(MoodyToken.Mood.Honest);
        vault.claim(payouts[0]);
        vm.assertEq(moody.balanceOf(ALICE), CAPACITY);
    }

    function test_ACutHoldsAtOnceAndVoidsAWaitingRaise() external {
        _change(CAPACITY * 2, REFILL);
        vm.assertEq(vault.pendingLimit(address(usdc)).capacity, CAPACITY * 2);
        vm.expectEmit();
        emit IHotVault.LimitChanged(address(usdc), CAPACITY / 4, REFILL);
        _change(CAPACITY / 4, REFILL);
        vm.assertEq(vault.tokenState(address(usdc)).available, CAPACITY / 4);
        vm.warp(block.timestamp + LIMIT_DELAY);
        vm.expectRevert(abi.encodeWithSelector(IHotVault.NoPendingLimit.selector, address(usdc)));
        vault.applyLimit(address(usdc));
    }

    function test_ACutOfTheRefillCountsTheTimeBeforeItInFull() external {
        _execute(_batch(_pay(address(usdc), ALICE, CAPACITY)));
        vm.warp(block.timestamp + 10);
        _change(CAPACITY, 0);
        vm.warp(block.timestamp + 1 days);
        vm.assertEq(vault.tokenState(address(usdc)).available, 10 * REFILL);
    }

    function testFuzz_ARaiseWaitsForItsDelay(uint128 capacity, uint128 refill, uint256 early) external {
        if (capacity <= CAPACITY && refill <= REFILL) capacity = CAPACITY + 1;
        uint64 readyAt = uint64(block.timestamp) + LIMIT_DELAY;
        vm.expectEmit();
        emit IHotVault.LimitRaiseQueued(address(usdc), capacity, refill, readyAt, 1);
        _change(capacity, refill);
        vm.assertEq(vault.tokenState(address(usdc)).capacity, CAPACITY);

        uint256 moment = _within(early, block.timestamp, readyAt - 1);
        vm.warp(moment);
        vm.expectRevert(abi.encodeWithSelector(IHotVault.LimitNotReady.selector, readyAt, moment));
        vault.applyLimit(address(usdc));

        vm.warp(readyAt);
        vm.prank(RELAYER);
        vault.applyLimit(address(usdc));
        IHotVault.TokenState memory state = vault.tokenState(address(usdc));
        vm.assertEq(state.capacity, capacity);
        vm.assertEq(state.refillPerSecond, refill);
        vm.assertLe(state.available, capacity);
        vm.expectRevert(abi.encodeWithSelector(IHotVault.NoPendingLimit.selector, address(usdc)));
        vault.applyLimit(address(usdc));
    }

    function test_ARaiseDoesNotSurviveAPauseOrARotation() external {
        _change(CAPACITY * 2, REFILL);
        vm.prank(GUARDIAN);
        vault.pause();
        vm.warp(block.timestamp + LIMIT_DELAY);
        vm.expectRevert(abi.encodeWithSelector(IQuorumGated.WrongEpoch.selector, 2, 1));
        vault.applyLimit(address(usdc));
        _change(CAPACITY * 3, REFILL);
        vm.warp(block.timestamp + LIMIT_DELAY);
        vault.applyLimit(address(usdc));
        vm.assertEq(vault.tokenState(address(usdc)).capacity, CAPACITY * 3);
    }

    function test_AnUnlistedTokenHasNoLimitToChange() external {
        bytes memory reason = abi.encodeWithSelector(IHotVault.TokenNotListed.selector, ALICE);
        vm.prank(address(safe));
        vm.expectRevert(reason);
        vault.changeLimit(ALICE, 1, 1);
        vm.prank(address(safe));
        vm.expectRevert(reason);
        vault.switchDeposits(ALICE, true);
    }

    function test_ATokenIsListedOnceAndOnlyWithCode() external {
        bytes memory reason = abi.encodeWithSelector(IHotVault.TokenNotListable.selector, address(usdc));
        vm.prank(address(safe));
        vm.expectRevert(reason);
        vault.list(IHotVault.Listing(address(usdc), CAPACITY * 9, REFILL));
        vm.prank(address(safe));
        vm.expectRevert(abi.encodeWithSelector(IHotVault.TokenNotListable.selector, ALICE));
        vault.list(IHotVault.Listing(ALICE, 1, 1));
    }

    function test_TheConstructorListsAndEmits() external {
        IHotVault.Listing[] memory listings = new IHotVault.Listing[](1);
        listings[0] = IHotVault.Listing(address(usdc), 5, 6);
        address[] memory guardians = new address[](1);
        guardians[0] = BOB;
        vm.expectEmit();
        emit IHotVault.GuardianSwitched(BOB, true);
        vm.expectEmit();
        emit IHotVault.TokenListed(address(usdc), 5, 6);
        IHotVault fresh = _newVault(address(safe), THRESHOLD, 7, guardians, listings);
        vm.assertEq(fresh.limitDelay(), 7);
        vm.assertEq(fresh.tokenState(address(usdc)).available, 5);
        vm.assertTrue(fresh.isGuardian(BOB));
        vm.assertFalse(fresh.tokenState(address(mute)).listed);
    }

    function _change(uint128 capacity, uint128 refill) private {
        _safeCalls(address(vault), abi.encodeCall(vault.changeLimit, (address(usdc), capacity, refill)));
    }
}
