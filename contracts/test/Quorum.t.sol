// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IHotVault} from "../src/interfaces/IHotVault.sol";
import {IQuorumGated} from "../src/interfaces/IQuorumGated.sol";
import {VaultGround} from "./base/VaultGround.sol";
import {ContractOwner} from "./hostile/Payees.sol";

/// @dev What counts as the quorum's word, asked of the real Safe: signatures, owners, threshold, epochs.
contract QuorumTest is VaultGround {
    bytes32 private _digest;

    function _prepare() private {
        IHotVault.Batch memory batch = _batch(_pay(address(usdc), ALICE, 1));
        _digest = vault.digest(batch);
    }

    /// @dev The same batch as prepared: it is built from the same state and the same withdrawal id.
    function _prepared() private returns (IHotVault.Batch memory batch) {
        --nextWithdrawal;
        batch = _batch(_pay(address(usdc), ALICE, 1));
        vm.assertEq(vault.digest(batch), _digest);
    }

    function _refused(bytes memory signatures, uint256 needed, string memory reason) private {
        IHotVault.Batch memory batch = _prepared();
        vm.expectRevert(abi.encodeWithSelector(IQuorumGated.QuorumNotReached.selector, _digest, needed, reason));
        vault.execute(batch, signatures);
    }

    function _accepted(bytes memory signatures) private {
        vault.execute(_prepared(), signatures);
        vm.assertEq(vault.head(), _digest);
    }

    function _three(uint256 a, uint256 b, uint256 c) private view returns (bytes memory signatures) {
        return bytes.concat(_signature(keys[a], _digest), _signature(keys[b], _digest), _signature(keys[c], _digest));
    }

    function testFuzz_AnyThreeOwnersInOrderSuffice(uint256 absent) external {
        _prepare();
        absent %= 4;
        bytes memory signatures;
        for (uint256 i = 0; i < 4; ++i) {
            if (i != absent) signatures = bytes.concat(signatures, _signature(keys[i], _digest));
        }
        _accepted(signatures);
    }

    function test_FourOwnersSufficeToo() external {
        _prepare();
        _accepted(_signatures(_digest, 4));
    }

    function test_TooFewAreRefused() external {
        _prepare();
        _refused("", THRESHOLD, "GS020");
        _refused(_signatures(_digest, 1), THRESHOLD, "GS020");
        _refused(_signatures(_digest, 2), THRESHOLD, "GS020");
    }

    function test_ADuplicateIsRefused() external {
        _prepare();
        _refused(_three(0, 1, 1), THRESHOLD, "GS026");
        _refused(_three(0, 0, 1), THRESHOLD, "GS026");
    }

    function test_UnsortedIsRefused() external {
        _prepare();
        _refused(_three(1, 0, 2), THRESHOLD, "GS026");
        _refused(_three(2, 1, 0), THRESHOLD, "GS026");
    }

    function testFuzz_ANonOwnerIsRefused(uint256 key) external {
        key = _within(key, 0x10000, GROUP_ORDER - 1);
        _prepare();
        bytes memory own = _signatures(_digest, 2);
        _refused(bytes.concat(own, _signature(key, _digest)), THRESHOLD, "GS026");
    }

    function testFuzz_MalformedBytesAreRefused(bytes32 r, bytes32 s, uint8 v) external {
        _prepare();
        // Types 0 and 1 (contract and approved hash) have their own tests and their own words.
        if (v < 2) v += 27;
        bytes memory own = _signatures(_digest, 2);
        _refused(bytes.concat(own, abi.encodePacked(r, s, v)), THRESHOLD, "GS026");
    }

    function test_AHighSIsAnotherSpellingOfTheSameWord() external {
        // The Safe accepts it; it gains nobody anything, because the head is the digest and not the signatures.
        _prepare();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[2], _digest);
        bytes memory high = abi.encodePacked(r, GROUP_ORDER - uint256(s), v == 27 ? uint8(28) : uint8(27));
        bytes memory own = _signatures(_digest, 2);
        _refused(bytes.concat(own, _signature(keys[1], _digest)), THRESHOLD, "GS026");
        _accepted(bytes.concat(own, high));
    }

    function test_ASignatureOverTheEthSignPrefixCounts() external {
        _prepare();
        bytes32 prefixed = keccak256(abi.encodePacked("\x19Ethereum Signed Message:\n32", _digest));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[2], prefixed);
        _accepted(bytes.concat(_signatures(_digest, 2), abi.encodePacked(r, s, v + 4)));
    }

    function test_AHashApprovedOnChainCounts() external {
        _prepare();
        address owner = vm.addr(keys[2]);
        bytes memory approval = abi.encodePacked(bytes32(uint256(uint160(owner))), bytes32(0), uint8(1));
        _refused(bytes.concat(_signatures(_digest, 2), approval), THRESHOLD, "GS025");
        vm.prank(owner);
        safe.approveHash(_digest);
        _accepted(bytes.concat(_signatures(_digest, 2), approval));
    }

    function test_ARelayingOwnersPresenceIsNoSignature() external {
        _prepare();
        IHotVault.Batch memory batch = _prepared();
        address owner = vm.addr(keys[2]);
        bytes memory approval = abi.encodePacked(bytes32(uint256(uint160(owner))), bytes32(0), uint8(1));
        bytes memory signatures = bytes.concat(_signatures(_digest, 2), approval);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(IQuorumGated.QuorumNotReached.selector, _digest, THRESHOLD, "GS025"));
        vault.execute(batch, signatures);
    }

    function test_AContractOwnersWordCounts() external {
        ContractOwner owner = _addContractOwner(ContractOwner.Habit.Signs);
        _prepare();
        _accepted(_withContract(owner));
    }

    function test_AContractOwnerThatRefusesOrRevertsIsNoSignature() external {
        ContractOwner refuser = _addContractOwner(ContractOwner.Habit.Refuses);
        ContractOwner thrower = _addContractOwner(ContractOwner.Habit.Reverts);
        _prepare();
        _refused(_withContract(refuser), THRESHOLD, "GS024");
        _refused(_withContract(thrower), THRESHOLD, "");
    }

    function test_AContractOwnerThatBurnsGasCostsTheRelayerAlone() external {
        ContractOwner burner = _addContractOwner(ContractOwner.Habit.BurnsGas);
        _prepare();
        bytes memory signatures = _withContract(burner);
        IHotVault.Batch memory batch = _prepared();
        (bool done,) = address(vault).call{gas: 2_000_000}(abi.encodeCall(vault.execute, (batch, signatures)));
        vm.assertFalse(done);
        _accepted(_quorumSigns(_digest));
    }

    function test_ARemovedSignersWordIsVoid() external {
        _prepare();
        bytes memory signatures = _quorumSigns(_digest);
        // The Safe keeps its owners in a list that the sentinel 1 begins; the first is keys[0].
        _safeCalls(address(safe), abi.encodeCall(safe.swapOwner, (address(1), vm.addr(keys[0]), vm.addr(0xa9))));
        _refused(signatures, THRESHOLD, "GS026");
    }

    function test_ALoweredThresholdNeverFallsBelowTheFloor() external {
        _safeCalls(address(safe), abi.encodeCall(safe.changeThreshold, (1)));
        _prepare();
        _refused(_signatures(_digest, 1), THRESHOLD, "GS020");
        _refused(_signatures(_digest, 2), THRESHOLD, "GS020");
        _accepted(_signatures(_digest, 3));
    }

    function test_ARaisedThresholdCounts() external {
        _safeCalls(address(safe), abi.encodeCall(safe.changeThreshold, (4)));
        _prepare();
        _refused(_signatures(_digest, 3), 4, "GS020");
        _accepted(_signatures(_digest, 4));
    }

    function test_AdvancingTheEpochVoidsWhatWasSigned() external {
        IHotVault.Batch memory batch = _batch(_pay(address(usdc), ALICE, 1));
        bytes memory signatures = _quorumSigns(vault.digest(batch));
        vm.expectEmit();
        emit IQuorumGated.EpochAdvanced(2);
        _safeCalls(address(vault), abi.encodeCall(vault.advanceEpoch, ()));
        vm.assertEq(vault.epoch(), 2);
        vm.expectRevert(abi.encodeWithSelector(IQuorumGated.WrongEpoch.selector, 2, 1));
        vault.execute(batch, signatures);
    }

    function test_AQuorumWithoutCodeOrAFloorOfZeroCannotBe() external {
        address[] memory guardians = new address[](0);
        IHotVault.Listing[] memory listings = new IHotVault.Listing[](0);
        vm.expectRevert(abi.encodeWithSelector(IQuorumGated.QuorumInvalid.selector, ALICE, THRESHOLD));
        _newVault(ALICE, THRESHOLD, 0, guardians, listings);
        vm.expectRevert(abi.encodeWithSelector(IQuorumGated.QuorumInvalid.selector, address(safe), 0));
        _newVault(address(safe), 0, 0, guardians, listings);
    }

    function test_TheVaultTellsItsQuorumAndFloor() external view {
        vm.assertEq(vault.quorum(), address(safe));
        vm.assertEq(vault.quorumFloor(), THRESHOLD);
    }

    function _addContractOwner(ContractOwner.Habit habit) private returns (ContractOwner owner) {
        owner = new ContractOwner(habit);
        _safeCalls(address(safe), abi.encodeCall(safe.addOwnerWithThreshold, (address(owner), THRESHOLD)));
    }

    /// @dev The contract's signature in its place by address, its empty data behind the static part.
    function _withContract(ContractOwner owner) private view returns (bytes memory signatures) {
        bytes memory word = abi.encodePacked(bytes32(uint256(uint160(address(owner)))), uint256(195), uint8(0));
        bool placed = false;
        for (uint256 i = 0; i < 2; ++i) {
            if (!placed && vm.addr(keys[i]) > address(owner)) {
                signatures = bytes.concat(signatures, word);
                placed = true;
            }
            signatures = bytes.concat(signatures, _signature(keys[i], _digest));
        }
        if (!placed) signatures = bytes.concat(signatures, word);
        return bytes.concat(signatures, bytes32(0));
    }
}
