// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAnchorRegistry} from "../src/interfaces/IAnchorRegistry.sol";
import {IQuorumGated} from "../src/interfaces/IQuorumGated.sol";
import {SafeGround} from "./base/SafeGround.sol";

contract AnchorRegistryTest is SafeGround {
    IAnchorRegistry private _registry;

    function setUp() public override {
        super.setUp();
        _registry = IAnchorRegistry(_deploy("AnchorRegistry", abi.encode(address(safe), THRESHOLD)));
    }

    function test_NothingIsAnchoredAtFirst() external view {
        IAnchorRegistry.Tip memory tip = _registry.tip();
        vm.assertEq(tip.index + tip.blockNumber + tip.lastSeq + tip.logSize, 0);
        vm.assertEq(tip.digest, bytes32(0));
        vm.assertEq(_registry.anchored(0), bytes32(0));
        vm.assertEq(_registry.anchored(1), bytes32(0));
        vm.assertEq(_registry.epoch(), 1);
        vm.assertEq(_registry.quorum(), address(safe));
        vm.assertEq(_registry.quorumFloor(), THRESHOLD);
    }

    function testFuzz_AnchorsChainAndTheirNumbersGrow(uint32[5] calldata strides) external {
        IAnchorRegistry.Tip memory tip = _registry.tip();
        for (uint64 i = 1; i <= strides.length; ++i) {
            uint64 stride = uint64(strides[i - 1]) + 1;
            IAnchorRegistry.Anchor memory a = _next(0);
            a.blockNumber = tip.blockNumber + stride;
            a.lastSeq = tip.lastSeq + stride;
            a.logSize = tip.logSize + 3 * stride;
            bytes32 digest = _registry.digest(a);
            vm.expectEmit();
            emit IAnchorRegistry.Anchored(i, digest, a.blockNumber, a.lastSeq, a.logSize, a.logRoot, a.stateRoot);
            _anchor(a);
            tip = _registry.tip();
            vm.assertEq(tip.index, i);
            vm.assertEq(tip.blockNumber, a.blockNumber);
            vm.assertEq(tip.lastSeq, a.lastSeq);
            vm.assertEq(tip.logSize, a.logSize);
            vm.assertEq(tip.digest, digest);
            vm.assertEq(_registry.anchored(i), digest);
        }
    }

    function testFuzz_AnyOtherIndexThanTheNextIsRefused(uint64 index) external {
        _anchor(_next(0));
        if (index == 2) index = 3;
        IAnchorRegistry.Anchor memory a = _next(0);
        a.index = index;
        _refuses(a, abi.encodeWithSelector(IAnchorRegistry.AnchorOutOfOrder.selector, 2, index));
    }

    function testFuzz_AWrongPredecessorIsRefused(bytes32 previous) external {
        _anchor(_next(0));
        IAnchorRegistry.Anchor memory a = _next(0);
        if (previous == a.previous) previous = bytes32(0);
        bytes32 expected = a.previous;
        a.previous = previous;
        _refuses(a, abi.encodeWithSelector(IAnchorRegistry.WrongPrevious.selector, expected, previous));
    }

    function testFuzz_ABlockThatDoesNotGrowIsRefused(uint64 received) external {
        _anchor(_next(0));
        IAnchorRegistry.Anchor memory a = _next(0);
        a.blockNumber = uint64(_within(received, 0, a.blockNumber - 1));
        _refuses(
            a,
            abi.encodeWithSelector(IAnchorRegistry.BlockNotGrowing.selector, _registry.tip().blockNumber, a.blockNumber)
        );
    }

    function testFuzz_ASeqThatDoesNotGrowIsRefused(uint64 received) external {
        _anchor(_next(0));
        IAnchorRegistry.Anchor memory a = _next(0);
        a.lastSeq = uint64(_within(received, 0, _registry.tip().lastSeq));
        _refuses(a, abi.encodeWithSelector(IAnchorRegistry.SeqNotGrowing.selector, _registry.tip().lastSeq, a.lastSeq));
    }

    function testFuzz_ALogThatDoesNotGrowIsRefused(uint64 received) external {
        _anchor(_next(0));
        IAnchorRegistry.Anchor memory a = _next(0);
        a.logSize = uint64(_within(received, 0, _registry.tip().logSize));
        _refuses(a, abi.encodeWithSelector(IAnchorRegistry.LogNotGrowing.selector, _registry.tip().logSize, a.logSize));
    }

    function testFuzz_AnotherEpochIsRefused(uint64 epoch) external {
        if (epoch == 1) epoch = 2;
        IAnchorRegistry.Anchor memory a = _next(0);
        a.epoch = epoch;
        _refuses(a, abi.encodeWithSelector(IQuorumGated.WrongEpoch.selector, 1, epoch));
    }

    function test_TheQuorumEndsAnEpochAndVoidsWhatWasSigned() external {
        IAnchorRegistry.Anchor memory a = _next(0);
        vm.expectEmit();
        emit IQuorumGated.EpochAdvanced(2);
        _safeCalls(address(_registry), abi.encodeCall(_registry.advanceEpoch, ()));
        _refuses(a, abi.encodeWithSelector(IQuorumGated.WrongEpoch.selector, 2, 1));
        a.epoch = 2;
        _anchor(a);
        vm.expectRevert(abi.encodeWithSelector(IQuorumGated.NotQuorum.selector, address(this)));
        _registry.advanceEpoch();
    }

    function test_ReportsAreFoundByTheirDigest() external {
        IAnchorRegistry.Anchor memory a = _next(3);
        for (uint256 i = 0; i < 3; ++i) {
            vm.assertEq(_registry.reportAnchor(a.reports[i].digest), 0);
        }
        vm.recordLogs();
        _anchor(a);
        vm.assertEq(vm.getRecordedLogs().length, 4);
        for (uint256 i = 0; i < 3; ++i) {
            vm.assertEq(_registry.reportAnchor(a.reports[i].digest), 1);
        }
    }

    function test_AReportIsEmittedAsItStands() external {
        IAnchorRegistry.Anchor memory a = _next(1);
        IAnchorRegistry.Report memory r = a.reports[0];
        bytes memory signatures = _quorumSigns(_registry.digest(a));
        vm.expectEmit();
        emit IAnchorRegistry.ReportAnchored(1, r.digest, r.kind, r.fromSeq, r.toSeq, r.pack);
        _registry.anchor(a, signatures);
    }

    function test_AReportsFirstAnchorStands() external {
        IAnchorRegistry.Anchor memory first = _next(1);
        _anchor(first);
        IAnchorRegistry.Anchor memory second = _next(1);
        second.reports[0].digest = first.reports[0].digest;
        _anchor(second);
        vm.assertEq(_registry.reportAnchor(first.reports[0].digest), 1);
    }

    function test_SixtyFourReportsPassAndOneMoreIsRefused() external {
        _anchor(_next(64));
        _refuses(_next(65), abi.encodeWithSelector(IAnchorRegistry.TooManyReports.selector, 64, 65));
    }

    function testFuzz_NoFieldCanChangeAfterSigning(uint256 which, uint64 change) external {
        if (change == 0) change = 1;
        IAnchorRegistry.Anchor memory a = _next(1);
        bytes memory signatures = _quorumSigns(_registry.digest(a));
        which %= 10;
        bytes32 other = bytes32(uint256(change));
        if (which == 0) a.blockNumber += 1 + change % 1_000;
        if (which == 1) a.lastSeq += 1 + change % 1_000;
        if (which == 2) a.logSize += 1 + change % 1_000;
        if (which == 3) a.logRoot ^= other;
        if (which == 4) a.stateRoot ^= other;
        if (which == 5) a.reports[0].digest ^= other;
        if (which == 6) a.reports[0].pack ^= other;
        if (which == 7) a.reports[0].kind ^= change;
        if (which == 8) a.reports[0].toSeq ^= change;
        if (which == 9) a.reports = new IAnchorRegistry.Report[](0);
        vm.expectRevert(
            abi.encodeWithSelector(IQuorumGated.QuorumNotReached.selector, _registry.digest(a), THRESHOLD, "GS026")
        );
        _registry.anchor(a, signatures);
    }

    function test_TooFewSignaturesOrThoseForAnotherRegistryAreRefused() external {
        IAnchorRegistry twin = IAnchorRegistry(_deploy("AnchorRegistry", abi.encode(address(safe), THRESHOLD)));
        IAnchorRegistry.Anchor memory a = _next(0);
        bytes32 digest = _registry.digest(a);
        bytes memory few = _signatures(digest, 2);
        bytes memory foreign = _quorumSigns(twin.digest(a));
        vm.expectRevert(abi.encodeWithSelector(IQuorumGated.QuorumNotReached.selector, digest, THRESHOLD, "GS020"));
        _registry.anchor(a, few);
        vm.expectRevert(abi.encodeWithSelector(IQuorumGated.QuorumNotReached.selector, digest, THRESHOLD, "GS026"));
        _registry.anchor(a, foreign);
    }

    /// @dev The anchor that would be next, with `reports` reports.
    function _next(uint256 reports) private view returns (IAnchorRegistry.Anchor memory a) {
        IAnchorRegistry.Tip memory tip = _registry.tip();
        a.index = tip.index + 1;
        a.epoch = _registry.epoch();
        a.blockNumber = tip.blockNumber + 1;
        a.lastSeq = tip.lastSeq + 10;
        a.logSize = tip.logSize + 25;
        a.logRoot = keccak256(abi.encode("log", a.index));
        a.stateRoot = keccak256(abi.encode("state", a.index));
        a.previous = tip.digest;
        a.reports = new IAnchorRegistry.Report[](reports);
        for (uint256 i = 0; i < reports; ++i) {
            a.reports[i] = IAnchorRegistry.Report(1, 1, a.lastSeq, keccak256(abi.encode(a.index, i)), keccak256("pack"));
        }
    }

    function _anchor(IAnchorRegistry.Anchor memory a) private {
        _registry.anchor(a, _quorumSigns(_registry.digest(a)));
    }

    /// @dev Signs the anchor, then expects it to be refused with exactly `reason`.
    function _refuses(IAnchorRegistry.Anchor memory a, bytes memory reason) private {
        bytes memory signatures = _quorumSigns(_registry.digest(a));
        vm.expectRevert(reason);
        _registry.anchor(a, signatures);
    }
}
