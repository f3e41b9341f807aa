// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IHotVault} from "../src/interfaces/IHotVault.sol";
import {IQuorumGated} from "../src/interfaces/IQuorumGated.sol";
import {IDevToken} from "./base/IDevToken.sol";
import {VaultGround} from "./base/VaultGround.sol";

/// @dev The chain of batches: what the next one must be, and that everything else is refused.
contract HotVaultExecuteTest is VaultGround {
    function testFuzz_ABatchPaysEveryPayeeAndAdvancesTheChain(uint256 count, uint256 amount) external {
        count = _within(count, 0, 40);
        amount = _within(amount, 0, 20_000);
        IHotVault.Payout[] memory payouts = new IHotVault.Payout[](count);
        for (uint160 i = 0; i < count; ++i) {
            payouts[i] = _payout(i % 2 == 0 ? address(usdc) : address(mute), address(0x1000 + i), amount);
        }
        IHotVault.Batch memory batch = _batch(payouts);
        bytes32 digest = vault.digest(batch);
        vm.expectEmit();
        emit IHotVault.RootsCarried(1, batch.stateRoot, batch.liabilitiesRoot, batch.dataHash);
        vm.expectEmit();
        emit IHotVault.BatchExecuted(1, digest, 0);
        _execute(batch);

        vm.assertEq(vault.head(), digest);
        vm.assertEq(vault.cursor().seq, 1);
        for (uint160 i = 0; i < count; ++i) {
            vm.assertEq(IDevToken(payouts[i].token).balanceOf(address(0x1000 + i)), amount);
            vm.assertTrue(vault.handled(payouts[i].withdrawalId));
            vm.assertEq(vault.deferredPayout(payouts[i].withdrawalId), bytes32(0));
        }
    }

    function test_TheReservedLiabilitiesRootIsCarried() external {
        IHotVault.Batch memory batch = _batch(_pay(address(usdc), ALICE, 1));
        batch.liabilitiesRoot = keccak256("liabilities");
        vm.expectEmit();
        emit IHotVault.RootsCarried(1, batch.stateRoot, batch.liabilitiesRoot, batch.dataHash);
        _execute(batch);
    }

    function test_ThreeBatchesChainByTheirDigests() external {
        bytes32 head = bytes32(0);
        for (uint256 i = 0; i < 3; ++i) {
            IHotVault.Batch memory batch = _batch(_pay(address(usdc), ALICE, 1));
            vm.assertEq(batch.previousHead, head);
            head = vault.digest(batch);
            _execute(batch);
            vm.assertEq(vault.head(), head);
        }
    }

    function testFuzz_AnyOtherNumberThanTheNextIsRefused(uint64 seq) external {
        IHotVault.Batch memory batch = _batch(_pay(address(usdc), ALICE, 1));
        _execute(batch);
        batch = _batch(_pay(address(usdc), ALICE, 1));
        if (seq == 2) seq = 3;
        batch.seq = seq;
        _refuses(batch, abi.encodeWithSelector(IHotVault.BatchOutOfOrder.selector, 2, seq));
    }

    function test_ABatchExecutesOnceEvenWhenRelayedByTwo() external {
        IHotVault.Batch memory batch = _batch(_pay(address(usdc), ALICE, 5));
        bytes memory signatures = _quorumSigns(vault.digest(batch));
        vm.prank(RELAYER);
        vault.execute(batch, signatures);
        vm.expectRevert(abi.encodeWithSelector(IHotVault.BatchOutOfOrder.selector, 2, 1));
        vault.execute(batch, signatures);
        vm.assertEq(usdc.balanceOf(ALICE), 5);
    }

    function test_AnotherContentUnderAnExecutedNumberIsRefused() external {
        _execute(_batch(_pay(address(usdc), ALICE, 5)));
        IHotVault.Batch memory rival = _batch(_pay(address(usdc), BOB, 5));
        (rival.seq, rival.previousHead) = (1, bytes32(0));
        _refuses(rival, abi.encodeWithSelector(IHotVault.BatchOutOfOrder.selector, 2, 1));
    }

    function testFuzz_AWrongHeadIsRefused(bytes32 head) external {
        if (head == bytes32(0)) head = bytes32(uint256(1));
        IHotVault.Batch memory batch = _batch(_pay(address(usdc), ALICE, 1));
        batch.previousHead = head;
        _refuses(batch, abi.encodeWithSelector(IHotVault.WrongHead.selector, bytes32(0), head));
    }

    function testFuzz_AnotherEpochIsRefused(uint64 epoch) external {
        if (epoch == 1) epoch = 2;
        IHotVault.Batch memory batch = _batch(_pay(address(usdc), ALICE, 1));
        batch.epoch = epoch;
        _refuses(batch, abi.encodeWithSelector(IQuorumGated.WrongEpoch.selector, 1, epoch));
    }

    function test_ACursorBeyondTheDepositsIsRefused() external {
        vault.deposit(address(usdc), 1, ACCOUNT);
        IHotVault.Batch memory batch = _batch(_pay(address(usdc), ALICE, 1));
        batch.depositCursor = 2;
        _refuses(batch, abi.encodeWithSelector(IHotVault.CursorOutOfRange.selector, 0, 1, 2));
    }

    function test_ACursorThatGoesBackIsRefused() external {
        vault.deposit(address(usdc), 1, ACCOUNT);
        vault.deposit(address(usdc), 1, ACCOUNT);
        _execute(_batch(_pay(address(usdc), ALICE, 1)));
        IHotVault.Batch memory batch = _batch(_pay(address(usdc), ALICE, 1));
        batch.depositCursor = 1;
        _refuses(batch, abi.encodeWithSelector(IHotVault.CursorOutOfRange.selector, 2, 2, 1));
    }

    function test_ACursorMayLagBehindTheDeposits() external {
        vault.deposit(address(usdc), 1, ACCOUNT);
        IHotVault.Batch memory batch = _batch(_pay(address(usdc), ALICE, 1));
        batch.depositCursor = 0;
        _execute(batch);
        vm.assertEq(vault.cursor().depositCursor, 0);
        vm.assertEq(vault.cursor().deposits, 1);
    }

    function test_TheDeadlineIsTheLastSecond() external {
        IHotVault.Batch memory batch = _batch(_pay(address(usdc), ALICE, 1));
        vm.warp(batch.deadline);
        _execute(batch);
        batch = _batch(_pay(address(usdc), ALICE, 1));
        vm.warp(uint256(batch.deadline) + 1);
        _refuses(
            batch, abi.encodeWithSelector(IHotVault.BatchExpired.selector, batch.deadline, uint256(batch.deadline) + 1)
        );
    }

    function test_TwoHundredPayoutsPassAndOneMoreIsRefused() external {
        IHotVault.Payout[] memory most = new IHotVault.Payout[](vault.MAX_PAYOUTS());
        for (uint160 i = 0; i < most.length; ++i) {
            most[i] = _payout(address(usdc), address(0x1000 + i), 1);
        }
        vm.assertEq(_executeNext(most), 0);
        IHotVault.Payout[] memory more = new IHotVault.Payout[](most.length + 1);
        for (uint160 i = 0; i < more.length; ++i) {
            more[i] = _payout(address(usdc), address(0x1000 + i), 1);
        }
        _refuses(_batch(more), abi.encodeWithSelector(IHotVault.TooManyPayouts.selector, 200, 201));
    }

    function test_ServedExitsMustBeEmptyInThisVersion() external {
        IHotVault.Batch memory batch = _batch(_pay(address(usdc), ALICE, 1));
        batch.servedExits = new uint64[](1);
        _refuses(batch, abi.encodeWithSelector(IHotVault.ServedExitsNotEmpty.selector, 1));
    }

    function test_AnUnlistedTokenInABatchIsRefused() external {
        IDevToken other = _newToken("OTHER", 18);
        other.mint(address(vault), 100);
        _refuses(
            _batch(_pay(address(other), ALICE, 1)),
            abi.encodeWithSelector(IHotVault.TokenNotListed.selector, address(other))
        );
        _refuses(
            _batch(_pay(address(0), ALICE, 0)), abi.encodeWithSelector(IHotVault.TokenNotListed.selector, address(0))
        );
    }

    function testFuzz_AWithdrawalIdIsHandledOnceForEver(uint64 id, uint64 between, bool sameBatch) external {
        if (between == id) between ^= 1;
        IHotVault.Payout[] memory payouts = new IHotVault.Payout[](sameBatch ? 3 : 2);
        payouts[0] = IHotVault.Payout(id, address(usdc), ALICE, 1);
        payouts[1] = IHotVault.Payout(between, address(usdc), ALICE, 1);
        if (sameBatch) {
            payouts[2] = IHotVault.Payout(id, address(usdc), BOB, 2);
        } else {
            _execute(_batch(payouts));
            payouts = new IHotVault.Payout[](1);
            payouts[0] = IHotVault.Payout(id, address(usdc), BOB, 2);
        }
        _refuses(_batch(payouts), abi.encodeWithSelector(IHotVault.WithdrawalAlreadyHandled.selector, id));
        vm.assertTrue(vault.handled(id) == !sameBatch);
    }

    function testFuzz_IdsFarAndNearAreKeptApart(uint64[8] calldata ids) external {
        IHotVault.Payout[] memory payouts = new IHotVault.Payout[](8);
        uint256 distinct = 0;
        for (uint256 i = 0; i < 8; ++i) {
            bool seen = false;
            for (uint256 j = 0; j < i; ++j) {
                if (ids[j] == ids[i]) seen = true;
            }
            if (!seen) payouts[distinct++] = IHotVault.Payout(ids[i], address(usdc), ALICE, 1);
        }
        IHotVault.Payout[] memory once = new IHotVault.Payout[](distinct);
        for (uint256 i = 0; i < distinct; ++i) {
            once[i] = payouts[i];
        }
        _execute(_batch(once));
        for (uint256 i = 0; i < distinct; ++i) {
            vm.assertTrue(vault.handled(once[i].withdrawalId));
        }
        vm.assertEq(usdc.balanceOf(ALICE), distinct);
    }

    function test_ReorderedOrOmittedPayoutsAreNotWhatWasSigned() external {
        IHotVault.Payout[] memory payouts = new IHotVault.Payout[](2);
        payouts[0] = _payout(address(usdc), ALICE, 1);
        payouts[1] = _payout(address(usdc), BOB, 2);
        IHotVault.Batch memory batch = _batch(payouts);
        bytes memory signatures = _quorumSigns(vault.digest(batch));

        (payouts[0], payouts[1]) = (payouts[1], payouts[0]);
        _refusesSignatures(batch, signatures);
        IHotVault.Payout[] memory fewer = new IHotVault.Payout[](1);
        fewer[0] = payouts[1];
        batch.payouts = fewer;
        _refusesSignatures(batch, signatures);
    }

    function testFuzz_NoFieldCanChangeAfterSigning(uint256 which, uint64 change) external {
        if (change == 0) change = 1;
        vault.deposit(address(usdc), 1, ACCOUNT);
        IHotVault.Batch memory batch = _batch(_pay(address(usdc), ALICE, 1_000));
        bytes memory signatures = _quorumSigns(vault.digest(batch));
        which %= 8;
        if (which == 0) batch.depositCursor = 0;
        if (which == 1) batch.deadline += 1 + change % 1_000_000;
        if (which == 2) batch.stateRoot ^= bytes32(uint256(change));
        if (which == 3) batch.liabilitiesRoot ^= bytes32(uint256(change));
        if (which == 4) batch.dataHash ^= bytes32(uint256(change));
        if (which == 5) batch.payouts[0].withdrawalId ^= change;
        if (which == 6) batch.payouts[0].payee = BOB;
        if (which == 7) batch.payouts[0].amount += change;
        _refusesSignatures(batch, signatures);
    }

    function test_ABatchForAnotherVaultIsRefused() external {
        IHotVault twin = _newVault(address(safe), THRESHOLD, 0, new address[](0), _listings());
        IHotVault.Batch memory batch = _batch(_pay(address(usdc), ALICE, 1));
        _refusesSignatures(batch, _quorumSigns(twin.digest(batch)));
    }

    function test_ABatchForAnotherChainIsRefused() external {
        IHotVault.Batch memory batch = _batch(_pay(address(usdc), ALICE, 1));
        vm.chainId(1);
        bytes memory signatures = _quorumSigns(vault.digest(batch));
        vm.chainId(31_337);
        _refusesSignatures(batch, signatures);
    }

    /// @dev Refused for its signatures, whatever word the Safe finds for it.
    function _refusesSignatures(IHotVault.Batch memory batch, bytes memory signatures) private {
        vm.expectRevert(
            abi.encodeWithSelector(IQuorumGated.QuorumNotReached.selector, vault.digest(batch), THRESHOLD, "GS026")
        );
        vault.execute(batch, signatures);
    }
}
