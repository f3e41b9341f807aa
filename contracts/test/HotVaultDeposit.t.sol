// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IHotVault} from "../src/interfaces/IHotVault.sol";
import {IDevToken} from "./base/IDevToken.sol";
import {VaultGround} from "./base/VaultGround.sol";
import {ReenteringPayee} from "./hostile/Payees.sol";
import {MoodyToken} from "./hostile/Tokens.sol";

contract HotVaultDepositTest is VaultGround {
    function testFuzz_ADepositCreditsWhatArrived(uint256 amount, uint64 account) external {
        amount = _within(amount, 1, FUNDS);
        uint256 before = usdc.balanceOf(address(vault));
        vm.expectEmit();
        emit IHotVault.Deposited(1, account, address(usdc), address(this), amount);
        vault.deposit(address(usdc), amount, account);
        vm.assertEq(usdc.balanceOf(address(vault)), before + amount);
    }

    function test_IndicesCountFromOneWithoutGapsAcrossTokens() external {
        address[3] memory tokens = [address(usdc), address(mute), address(hooked)];
        for (uint64 i = 0; i < 9; ++i) {
            vm.expectEmit();
            emit IHotVault.Deposited(i + 1, ACCOUNT + i, tokens[i % 3], address(this), 10 + i);
            vault.deposit(tokens[i % 3], 10 + i, ACCOUNT + i);
            vm.assertEq(vault.cursor().deposits, i + 1);
        }
    }

    function test_ARefusedDepositTakesNoIndex() external {
        vault.deposit(address(usdc), 1, ACCOUNT);
        vm.expectRevert(abi.encodeWithSelector(IHotVault.NothingReceived.selector, address(usdc)));
        vault.deposit(address(usdc), 0, ACCOUNT);
        vm.expectEmit();
        emit IHotVault.Deposited(2, ACCOUNT, address(usdc), address(this), 1);
        vault.deposit(address(usdc), 1, ACCOUNT);
    }

    function test_ATokenThatChargesTheReceiverIsCreditedNet() external {
        moody.feel(MoodyToken.Mood.ChargesReceiver);
        vm.expectEmit();
        emit IHotVault.Deposited(1, ACCOUNT, address(moody), address(this), 100 - moody.FEE());
        vault.deposit(address(moody), 100, ACCOUNT);
    }

    function test_ADepositThatBringsNothingIsRefused() external {
        moody.feel(MoodyToken.Mood.LiesTrue);
        vm.expectRevert(abi.encodeWithSelector(IHotVault.NothingReceived.selector, address(moody)));
        vault.deposit(address(moody), 100, ACCOUNT);
    }

    function test_ADepositThatShrinksTheVaultIsRefused() external {
        moody.feel(MoodyToken.Mood.ShrinksHolder);
        vm.expectRevert(abi.encodeWithSelector(IHotVault.NothingReceived.selector, address(moody)));
        vault.deposit(address(moody), 100, ACCOUNT);
    }

    function test_AFalseReturnIsRefused() external {
        moody.feel(MoodyToken.Mood.ReturnsFalse);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(moody)));
        vault.deposit(address(moody), 100, ACCOUNT);
    }

    function test_ATokensOwnRefusalComesThrough() external {
        moody.feel(MoodyToken.Mood.Reverts);
        vm.expectRevert(MoodyToken.Refused.selector);
        vault.deposit(address(moody), 100, ACCOUNT);
    }

    function test_AnUnlistedTokenIsRefused() external {
        IDevToken other = _newToken("OTHER", 18);
        vm.expectRevert(abi.encodeWithSelector(IHotVault.DepositsClosed.selector, address(other)));
        vault.deposit(address(other), 1, ACCOUNT);
    }

    function test_ClosedDepositsAreRefusedUntilOpenedAgain() external {
        vm.expectEmit();
        emit IHotVault.DepositsSwitched(address(usdc), false);
        _safeCalls(address(vault), abi.encodeCall(vault.switchDeposits, (address(usdc), false)));
        vm.expectRevert(abi.encodeWithSelector(IHotVault.DepositsClosed.selector, address(usdc)));
        vault.deposit(address(usdc), 1, ACCOUNT);
        _safeCalls(address(vault), abi.encodeCall(vault.switchDeposits, (address(usdc), true)));
        vault.deposit(address(usdc), 1, ACCOUNT);
    }

    function test_APausedVaultTakesNoDeposit() external {
        vm.prank(GUARDIAN);
        vault.pause();
        vm.expectRevert(IHotVault.VaultPaused.selector);
        vault.deposit(address(usdc), 1, ACCOUNT);
    }

    function test_ADonationIsNoDeposit() external {
        usdc.mint(address(vault), 12_345);
        vm.assertEq(vault.cursor().deposits, 0);
        vm.expectEmit();
        emit IHotVault.Deposited(1, ACCOUNT, address(usdc), address(this), 5);
        vault.deposit(address(usdc), 5, ACCOUNT);
    }

    function test_ReenteringWithASecondDepositIsRefused() external {
        ReenteringPayee reenterer = new ReenteringPayee(address(vault));
        reenterer.prepare(abi.encodeCall(vault.deposit, (address(hooked), 100, ACCOUNT)));
        hooked.watch(address(reenterer));
        vm.expectEmit();
        emit IHotVault.Deposited(1, ACCOUNT, address(hooked), address(this), 100);
        vault.deposit(address(hooked), 100, ACCOUNT);
        vm.assertTrue(reenterer.called());
        vm.assertFalse(reenterer.entered());
        vm.assertTrue(reenterer.answer() == ReentrancyGuardTransient.ReentrancyGuardReentrantCall.selector);
    }
}
