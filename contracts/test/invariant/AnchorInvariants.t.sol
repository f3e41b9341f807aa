// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IAnchorRegistry} from "../../src/interfaces/IAnchorRegistry.sol";
import {SafeGround} from "../base/SafeGround.sol";

/// @dev Anchors at random, some of them not growing, some under a stale epoch; keeps every digest it saw stored.
contract AnchorHandler is SafeGround {
    IAnchorRegistry public registry;
    bytes32[] private _digests;
    mapping(bytes32 report => uint64 index) private _firstOf;
    bytes32[] private _reports;
    bool public shrank;

    function started() external {
        setUp();
        registry = IAnchorRegistry(_deploy("AnchorRegistry", abi.encode(address(safe), THRESHOLD)));
    }

    function anchor(uint256 seed, uint8 reports) external {
        IAnchorRegistry.Tip memory tip = registry.tip();
        IAnchorRegistry.Anchor memory a;
        a.index = tip.index + 1;
        a.epoch = seed % 16 == 0 ? registry.epoch() - 1 : registry.epoch();
        a.previous = seed % 17 == 0 ? keccak256("elsewhere") : tip.digest;
        a.blockNumber = uint64(tip.blockNumber + (seed >> 8) % 5);
        a.lastSeq = uint64(tip.lastSeq + (seed >> 16) % 5);
        a.logSize = uint64(tip.logSize + (seed >> 24) % 5);
        a.reports = new IAnchorRegistry.Report[](reports % 4);
        for (uint256 i = 0; i < a.reports.length; ++i) {
            a.reports[i].digest = bytes32((seed >> (32 + i)) % 50 + 1);
        }
        bytes32 digest = registry.digest(a);
        try registry.anchor(a, _quorumSigns(digest)) {
            _digests.push(digest);
            if (a.blockNumber <= tip.blockNumber || a.lastSeq <= tip.lastSeq || a.logSize <= tip.logSize) {
                shrank = true;
            }
            for (uint256 i = 0; i < a.reports.length; ++i) {
                if (_firstOf[a.reports[i].digest] != 0) continue;
                _firstOf[a.reports[i].digest] = a.index;
                _reports.push(a.reports[i].digest);
            }
        } catch {}
    }

    function advanceEpoch() external {
        vm.prank(address(safe));
        registry.advanceEpoch();
    }

    function check() external view {
        vm.assertFalse(shrank);
        vm.assertEq(registry.tip().index, _digests.length);
        for (uint64 i = 0; i < _digests.length; ++i) {
            vm.assertEq(registry.anchored(i + 1), _digests[i]);
        }
        vm.assertEq(registry.anchored(uint64(_digests.length) + 1), bytes32(0));
        for (uint256 i = 0; i < _reports.length; ++i) {
            vm.assertEq(registry.reportAnchor(_reports[i]), _firstOf[_reports[i]]);
        }
    }
}

/// @dev The invariants that src/AnchorRegistry.sol states: 1 to 3 by the handler's books, 4 in its unit tests.
contract AnchorInvariants {
    AnchorHandler private _handler;

    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    function setUp() external {
        _handler = new AnchorHandler();
        _handler.started();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        targets = new FuzzSelector[](1);
        bytes4[] memory selectors = new bytes4[](3);
        selectors[0] = AnchorHandler.anchor.selector;
        selectors[1] = AnchorHandler.anchor.selector;
        selectors[2] = AnchorHandler.advanceEpoch.selector;
        targets[0] = FuzzSelector(address(_handler), selectors);
    }

    function invariant_AnchorsOnlyGrowAndNothingStoredChanges() external view {
        _handler.check();
    }
}
