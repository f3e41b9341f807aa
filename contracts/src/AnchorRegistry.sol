// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {QuorumGated} from "./QuorumGated.sol";
import {IAnchorRegistry} from "./interfaces/IAnchorRegistry.sol";

/// @title AnchorRegistry: an append-only, hash-chained list of certified checkpoints.
/// @dev Invariants, tested as such in test/invariant:
/// 1. The index grows by one an anchor; block number, sequence number and log size grow strictly.
/// 2. Anchor n names the digest of anchor n-1; a stored digest never changes.
/// 3. A report's first anchor never changes.
/// 4. Nothing is stored without the quorum's signatures over exactly it, in the current epoch.
contract AnchorRegistry is IAnchorRegistry, QuorumGated, EIP712 {
    /// @inheritdoc IAnchorRegistry
    uint256 public constant MAX_REPORTS = 64;

    bytes32 private constant _REPORT_TYPEHASH =
        keccak256("Report(uint64 kind,uint64 fromSeq,uint64 toSeq,bytes32 digest,bytes32 pack)");
    bytes32 private constant _ANCHOR_TYPEHASH = keccak256(
        "Anchor(uint64 index,uint64 epoch,uint64 blockNumber,uint64 lastSeq,uint64 logSize,bytes32 logRoot,bytes32 stateRoot,bytes32 previous,Report[] reports)Report(uint64 kind,uint64 fromSeq,uint64 toSeq,bytes32 digest,bytes32 pack)"
    );

    /// @dev The last anchor's numbers and the epoch share one slot, so that an anchor reads and writes it once.
    /// 40 bits count an anchor a second for 30,000 years; both counters revert rather than wrap.
    struct Position {
        uint40 index;
        uint24 epoch;
        uint64 blockNumber;
        uint64 lastSeq;
        uint64 logSize;
    }

    Position private _last;
    mapping(uint64 index => bytes32 digest) private _anchored;
    mapping(bytes32 reportDigest => uint64 index) private _reportAnchor;

    constructor(address quorum_, uint256 floor_) QuorumGated(quorum_, floor_) EIP712("Provenue AnchorRegistry", "1") {
        _last.epoch = 1;
    }

    /// @inheritdoc IAnchorRegistry
    function anchor(Anchor calldata a, bytes calldata signatures) external {
        // Checks: the next link of the chain, grown, signed by the quorum.
        Position memory last = _last;
        _requireNext(a, last);
        bytes32 hash = digest(a);
        _requireQuorum(hash, signatures);

        // Effects.
        _last = Position(last.index + 1, last.epoch, a.blockNumber, a.lastSeq, a.logSize);
        _anchored[a.index] = hash;
        emit Anchored(a.index, hash, a.blockNumber, a.lastSeq, a.logSize, a.logRoot, a.stateRoot);
        for (uint256 i = 0; i < a.reports.length; ++i) {
            Report calldata report = a.reports[i];
            if (_reportAnchor[report.digest] == 0) _reportAnchor[report.digest] = a.index;
            emit ReportAnchored(a.index, report.digest, report.kind, report.fromSeq, report.toSeq, report.pack);
        }
    }

    /// @inheritdoc IAnchorRegistry
    function anchored(uint64 index) external view returns (bytes32 hash) {
        return _anchored[index];
    }

    /// @inheritdoc IAnchorRegistry
    function reportAnchor(bytes32 reportDigest) external view returns (uint64 index) {
        return _reportAnchor[reportDigest];
    }

    /// @inheritdoc IAnchorRegistry
    function tip() external view returns (Tip memory last) {
        Position memory position = _last;
        return Tip(position.index, position.blockNumber, position.lastSeq, position.logSize, _anchored[position.index]);
    }

    /// @inheritdoc IAnchorRegistry
    function digest(Anchor calldata a) public view returns (bytes32 hash) {
        bytes32[] memory reports = new bytes32[](a.reports.length);
        for (uint256 i = 0; i < a.reports.length; ++i) {
            reports[i] = keccak256(abi.encode(_REPORT_TYPEHASH, a.reports[i]));
        }
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    _ANCHOR_TYPEHASH,
                    a.index,
                    a.epoch,
                    a.blockNumber,
                    a.lastSeq,
                    a.logSize,
                    a.logRoot,
                    a.stateRoot,
                    a.previous,
                    keccak256(abi.encodePacked(reports))
                )
            )
        );
    }

    function _epoch() internal view override returns (uint64 current) {
        return _last.epoch;
    }

    function _advanceEpoch() internal override {
        emit EpochAdvanced(++_last.epoch);
    }

    function _requireNext(Anchor calldata a, Position memory last) private view {
        if (a.index != last.index + 1) revert AnchorOutOfOrder(last.index + 1, a.index);
        if (a.epoch != last.epoch) revert WrongEpoch(last.epoch, a.epoch);
        if (a.previous != _anchored[last.index]) revert WrongPrevious(_anchored[last.index], a.previous);
        if (a.blockNumber <= last.blockNumber) revert BlockNotGrowing(last.blockNumber, a.blockNumber);
        if (a.lastSeq <= last.lastSeq) revert SeqNotGrowing(last.lastSeq, a.lastSeq);
        if (a.logSize <= last.logSize) revert LogNotGrowing(last.logSize, a.logSize);
        if (a.reports.length > MAX_REPORTS) revert TooManyReports(MAX_REPORTS, a.reports.length);
    }
}
