// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IHotVault} from "../src/interfaces/IHotVault.sol";
import {VaultGround} from "./base/VaultGround.sol";
import {HookPayee, ReenteringPayee} from "./hostile/Payees.sol";
import {MoodyToken, ReturnBombToken} from "./hostile/Tokens.sol";

/// @dev Payouts that fail, tokens and payees that misbehave, relayers that starve: none fails a batch, none
/// hurts a neighbour, and nothing is paid twice or lost.
contract HotVaultPayoutsTest is VaultGround {
    uint256 private constant AMOUNT = 1_000;

    function test_EachMoodThatMovesNothingDefersItsPayoutAlone() external {
        MoodyToken.Mood[7] memory moods = [
            MoodyToken.Mood.Reverts,
            MoodyToken.Mood.RevertsWithBomb,
            MoodyToken.Mood.ReturnsFalse,
            MoodyToken.Mood.BurnsGas,
            MoodyToken.Mood.LiesTrue,
            MoodyToken.Mood.ChargesSender,
            MoodyToken.Mood.HidesBalance
        ];
        for (uint256 i = 0; i < moods.length; ++i) {
            moody.feel(moods[i]);
            uint256 deferred = _sandwich(address(moody), ALICE);
            moody.feel(MoodyToken.Mood.Honest);
            vm.assertEq(deferred, 2, "only the middle payout is deferred");
            vm.assertEq(moody.balanceOf(ALICE), 0);
            vm.assertEq(moody.balanceOf(address(vault)), FUNDS);
            vm.assertEq(vault.tokenState(address(moody)).claimable, AMOUNT * (i + 1));
            vm.assertEq(usdc.balanceOf(BOB), 2 * AMOUNT * (i + 1));
        }
    }

    function test_ATokenWithoutReturnValueIsPaid() external {
        vm.assertEq(_sandwich(address(mute), ALICE), 0);
        vm.assertEq(mute.balanceOf(ALICE), AMOUNT);
    }

    function test_ATokenThatChargesTheReceiverIsPaidInFullByTheVault() external {
        moody.feel(MoodyToken.Mood.ChargesReceiver);
        vm.assertEq(_sandwich(address(moody), ALICE), 0);
        vm.assertEq(moody.balanceOf(address(vault)), FUNDS - AMOUNT);
        vm.assertEq(moody.balanceOf(ALICE), AMOUNT - moody.FEE());
    }

    function test_ABlacklistedPayeeIsDeferredAndMayClaimOnceFree() external {
        moody.blacklist(ALICE, true);
        IHotVault.Payout[] memory payouts = _pay(address(moody), ALICE, AMOUNT);
        IHotVault.Batch memory batch = _batch(payouts);
        vm.expectEmit();
        emit IHotVault.PayoutDeferred(payouts[0].withdrawalId, address(moody), ALICE, AMOUNT);
        vm.expectEmit();
        emit IHotVault.BatchExecuted(1, vault.digest(batch), 1);
        _execute(batch);
        vm.assertEq(vault.deferredPayout(payouts[0].withdrawalId), keccak256(abi.encode(payouts[0])));

        vm.expectRevert(MoodyToken.Refused.selector);
        vault.claim(payouts[0]);
        vm.assertEq(vault.tokenState(address(moody)).claimable, AMOUNT);

        moody.blacklist(ALICE, false);
        vm.expectEmit();
        emit IHotVault.PayoutClaimed(payouts[0].withdrawalId, address(moody), ALICE, AMOUNT);
        vm.prank(RELAYER);
        vault.claim(payouts[0]);
        vm.assertEq(moody.balanceOf(ALICE), AMOUNT);
        vm.assertEq(vault.tokenState(address(moody)).claimable, 0);

        vm.expectRevert(abi.encodeWithSelector(IHotVault.NothingClaimable.selector, payouts[0].withdrawalId));
        vault.claim(payouts[0]);
    }

    function testFuzz_AClaimIsExactlyWhatWasDeferred(uint256 which, uint64 change) external {
        if (change == 0) change = 1;
        IHotVault.Payout memory payout = _deferred(AMOUNT);
        IHotVault.Payout memory forged =
            IHotVault.Payout(payout.withdrawalId, payout.token, payout.payee, payout.amount);
        which %= 4;
        if (which == 0) forged.withdrawalId ^= change;
        if (which == 1) forged.token = address(usdc);
        if (which == 2) forged.payee = BOB;
        if (which == 3) forged.amount += change;
        vm.expectRevert(abi.encodeWithSelector(IHotVault.NothingClaimable.selector, forged.withdrawalId));
        vault.claim(forged);
        vault.claim(payout);
        vm.assertEq(moody.balanceOf(ALICE), AMOUNT);
    }

    function test_APaidWithdrawalCannotBeClaimed() external {
        IHotVault.Payout[] memory payouts = _pay(address(usdc), ALICE, AMOUNT);
        _execute(_batch(payouts));
        vm.expectRevert(abi.encodeWithSelector(IHotVault.NothingClaimable.selector, payouts[0].withdrawalId));
        vault.claim(payouts[0]);
    }

    function test_AClaimWorksWhilePaused() external {
        IHotVault.Payout memory payout = _deferred(AMOUNT);
        vm.prank(GUARDIAN);
        vault.pause();
        vault.claim(payout);
        vm.assertEq(moody.balanceOf(ALICE), AMOUNT);
    }

    function test_AClaimThatMovesNothingOrTooMuchReverts() external {
        IHotVault.Payout memory payout = _deferred(AMOUNT);
        moody.feel(MoodyToken.Mood.LiesTrue);
        vm.expectRevert(abi.encodeWithSelector(IHotVault.DeliveryMismatch.selector, address(moody), AMOUNT, 0));
        vault.claim(payout);
        moody.feel(MoodyToken.Mood.ChargesSender);
        vm.expectRevert(
            abi.encodeWithSelector(IHotVault.DeliveryMismatch.selector, address(moody), AMOUNT, AMOUNT + moody.FEE())
        );
        vault.claim(payout);
        moody.feel(MoodyToken.Mood.ReturnsFalse);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(moody)));
        vault.claim(payout);
        moody.feel(MoodyToken.Mood.Honest);
        vault.claim(payout);
        vm.assertEq(moody.balanceOf(ALICE), AMOUNT);
    }

    function test_APayeeThatIsTheVaultOrNobodyIsDeferred() external {
        vm.assertEq(_sandwich(address(usdc), address(vault)), 2);
        vm.assertEq(_sandwich(address(usdc), address(0)), 2);
        vm.assertEq(vault.tokenState(address(usdc)).claimable, 2 * AMOUNT);
    }

    function test_HookedPayeesThatRevertBurnOrBombAreDeferred() external {
        HookPayee.Habit[3] memory habits = [HookPayee.Habit.Reverts, HookPayee.Habit.BurnsGas, HookPayee.Habit.Bombs];
        for (uint256 i = 0; i < habits.length; ++i) {
            address payee = address(new HookPayee(habits[i]));
            vm.assertEq(_sandwich(address(hooked), payee), 2);
            vm.assertEq(hooked.balanceOf(payee), 0);
        }
        address taker = address(new HookPayee(HookPayee.Habit.Takes));
        vm.assertEq(_sandwich(address(hooked), taker), 0);
        vm.assertEq(hooked.balanceOf(taker), AMOUNT);
    }

    function test_AReenteringPayeeIsRefusedAtEveryEntry() external {
        ReenteringPayee payee = new ReenteringPayee(address(vault));
        IHotVault.Payout memory deferred = _deferred(AMOUNT);
        IHotVault.Batch memory batch = _batch(_pay(address(usdc), BOB, 1));
        bytes[3] memory calls = [
            abi.encodeCall(vault.deposit, (address(usdc), 1, ACCOUNT)),
            abi.encodeCall(vault.claim, (deferred)),
            abi.encodeCall(vault.execute, (batch, _quorumSigns(vault.digest(batch))))
        ];
        for (uint256 i = 0; i < calls.length; ++i) {
            payee.prepare(calls[i]);
            vm.assertEq(_sandwich(address(hooked), address(payee)), 0);
            vm.assertTrue(payee.called());
            vm.assertFalse(payee.entered());
            vm.assertTrue(payee.answer() == ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
        }
        payee.prepare(abi.encodeCall(vault.deliver, (address(hooked), address(payee), 1)));
        vm.assertEq(_sandwich(address(hooked), address(payee)), 0);
        vm.assertTrue(payee.answer() == IHotVault.NotSelf.selector);
        vm.assertEq(hooked.balanceOf(address(payee)), 4 * AMOUNT);
    }

    function test_AClaimCannotBeReentered() external {
        ReenteringPayee payee = new ReenteringPayee(address(vault));
        uint256 held = hooked.balanceOf(address(vault));
        hooked.watch(address(new HookPayee(HookPayee.Habit.Reverts)));
        IHotVault.Payout[] memory payouts = _pay(address(hooked), address(payee), AMOUNT);
        vm.assertEq(_executeNext(payouts), 1);
        hooked.watch(address(0));
        payee.prepare(abi.encodeCall(vault.claim, (payouts[0])));
        vault.claim(payouts[0]);
        vm.assertTrue(payee.called());
        vm.assertFalse(payee.entered());
        vm.assertEq(hooked.balanceOf(address(vault)), held - AMOUNT);
    }

    function test_NobodyElseCallsDeliver() external {
        vm.expectRevert(abi.encodeWithSelector(IHotVault.NotSelf.selector, address(this)));
        vault.deliver(address(usdc), ALICE, 1);
        vm.prank(address(safe));
        vm.expectRevert(abi.encodeWithSelector(IHotVault.NotSelf.selector, address(safe)));
        vault.deliver(address(usdc), ALICE, 1);
    }

    function test_ATokenThatLostItsCodeIsDeferred() external {
        vm.etch(address(moody), "");
        vm.assertEq(_sandwich(address(moody), ALICE), 2);
    }

    function test_AReturnBombIsDeferredOrPaidButNeverFailsTheBatch() external {
        ReturnBombToken bomb = new ReturnBombToken();
        _safeCalls(address(vault), abi.encodeCall(vault.list, (IHotVault.Listing(address(bomb), CAPACITY, REFILL))));
        IHotVault.Payout[] memory payouts = new IHotVault.Payout[](200);
        for (uint256 i = 0; i < 200; ++i) {
            payouts[i] = _payout(i % 2 == 0 ? address(bomb) : address(usdc), ALICE, 1);
        }
        vm.assertEq(_executeNext(payouts), type(uint256).max / 3 & (2 ** 200 - 1));
        vm.assertEq(usdc.balanceOf(ALICE), 100);
    }

    function test_AShortVaultDefersAndPaysTheClaimWhenRefilled() external {
        moody.burn(address(vault), FUNDS - AMOUNT / 2);
        IHotVault.Payout[] memory payouts = _pay(address(moody), ALICE, AMOUNT);
        vm.assertEq(_executeNext(payouts), 1);
        moody.mint(address(vault), AMOUNT);
        vault.claim(payouts[0]);
        vm.assertEq(moody.balanceOf(ALICE), AMOUNT);
    }

    function test_APayoutNeverSpendsWhatAClaimIsOwed() external {
        IHotVault.Payout memory first = _deferred(AMOUNT);
        moody.burn(address(vault), FUNDS - AMOUNT - 10);
        // Only 10 are free: the second payout may not take what the first is owed.
        IHotVault.Payout[] memory second = _pay(address(moody), BOB, 11);
        vm.assertEq(_executeNext(second), 1);
        vm.assertEq(_executeNext(_pay(address(moody), BOB, 1)), 1, "1011 are owed of 1010");
        vault.claim(first);
        vm.assertEq(moody.balanceOf(ALICE), AMOUNT);
        moody.mint(address(vault), 1);
        vault.claim(second[0]);
        vm.assertEq(moody.balanceOf(BOB), 11);
    }

    function test_TwoHundredGasBurnersFitInABlock() external {
        moody.feel(MoodyToken.Mood.BurnsGas);
        IHotVault.Payout[] memory payouts = new IHotVault.Payout[](200);
        for (uint160 i = 0; i < 200; ++i) {
            // The farthest ids: each needs a fresh word.
            payouts[i] = IHotVault.Payout(uint64(i) << 8, address(moody), address(0x1000 + i), 1);
        }
        IHotVault.Batch memory batch = _batch(payouts);
        bytes memory signatures = _quorumSigns(vault.digest(batch));
        vault.execute{gas: 30_000_000}(batch, signatures);
        vm.assertEq(vault.tokenState(address(moody)).claimable, 200);
    }

    function testFuzz_ARelayerThatStarvesTheBatchDefersNothing(uint256 gas, uint256 count) external {
        count = _within(count, 1, 12);
        IHotVault.Payout[] memory payouts = new IHotVault.Payout[](count);
        for (uint160 i = 0; i < count; ++i) {
            payouts[i] = _payout(address(usdc), address(0x1000 + i), AMOUNT);
        }
        IHotVault.Batch memory batch = _batch(payouts);
        bytes memory signatures = _quorumSigns(vault.digest(batch));
        gas = _within(gas, 50_000, 200_000 + 60_000 * count);
        try vault.execute{gas: gas}(batch, signatures) {
            vm.assertEq(vault.tokenState(address(usdc)).claimable, 0);
            vm.assertEq(usdc.balanceOf(address(0x1000)), AMOUNT);
            vm.assertEq(vault.cursor().seq, 1);
        } catch {
            vm.assertEq(usdc.balanceOf(address(0x1000)), 0);
            vm.assertEq(vault.cursor().seq, 0);
        }
    }

    function test_AStarvedPayoutSaysHowMuchGasItNeeds() external {
        IHotVault.Batch memory batch = _batch(_pay(address(usdc), ALICE, AMOUNT));
        bytes memory signatures = _quorumSigns(vault.digest(batch));
        (bool done, bytes memory answer) =
            address(vault).call{gas: 150_000}(abi.encodeCall(vault.execute, (batch, signatures)));
        vm.assertFalse(done);
        vm.assertTrue(bytes4(answer) == IHotVault.GasTooLow.selector);
    }

    /// @dev A payout of `token` to `payee` between two honest ones; returns the deferred bitmap.
    function _sandwich(address token, address payee) private returns (uint256 deferred) {
        IHotVault.Payout[] memory payouts = new IHotVault.Payout[](3);
        payouts[0] = _payout(address(usdc), BOB, AMOUNT);
        payouts[1] = _payout(token, payee, AMOUNT);
        payouts[2] = _payout(address(usdc), BOB, AMOUNT);
        return _executeNext(payouts);
    }

    /// @dev A payout of the moody token to Alice that was deferred; the token is honest again.
    function _deferred(uint256 amount) private returns (IHotVault.Payout memory payout) {
        moody.feel(MoodyToken.Mood.Reverts);
        IHotVault.Payout[] memory payouts = _pay(address(moody), ALICE, amount);
        vm.assertEq(_executeNext(payouts), 1);
        moody.feel(MoodyToken.Mood.Honest);
        return payouts[0];
    }
}
