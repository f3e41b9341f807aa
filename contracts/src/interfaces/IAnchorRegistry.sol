// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IQuorumGated} from "./IQuorumGated.sol";

/// @title Certified checkpoints of the audit ledger, and the digests of reports, on the chain.
/// @notice What is anchored is attested by the quorum, not proven: the registry makes the venue's word
/// permanent, ordered and public, so that a second word can be held against it.
interface IAnchorRegistry is IQuorumGated {
    /// @notice A report over commands `fromSeq` to `toSeq`, made under the rule pack with digest `pack`.
    struct Report {
        uint64 kind;
        uint64 fromSeq;
        uint64 toSeq;
        bytes32 digest;
        bytes32 pack;
    }

    /// @notice One checkpoint. `previous` is the digest of the former anchor, zero for the first.
    struct Anchor {
        uint64 index;
        uint64 epoch;
        uint64 blockNumber;
        uint64 lastSeq;
        uint64 logSize;
        bytes32 logRoot;
        bytes32 stateRoot;
        bytes32 previous;
        Report[] reports;
    }

    /// @notice How far the ledger is anchored: the last anchor's numbers, all zero before the first.
    struct Tip {
        uint64 index;
        uint64 blockNumber;
        uint64 lastSeq;
        uint64 logSize;
        bytes32 digest;
    }

    /// @notice Thrown when the index is not the next one.
    error AnchorOutOfOrder(uint64 expected, uint64 received);
    /// @notice Thrown when the anchor does not name its predecessor's digest.
    error WrongPrevious(bytes32 expected, bytes32 received);
    /// @notice Thrown when the block number is not above the last anchor's.
    error BlockNotGrowing(uint64 last, uint64 received);
    /// @notice Thrown when the last sequence number is not above the last anchor's.
    error SeqNotGrowing(uint64 last, uint64 received);
    /// @notice Thrown when the log size is not above the last anchor's.
    error LogNotGrowing(uint64 last, uint64 received);
    /// @notice Thrown when one anchor carries more reports than the bound.
    error TooManyReports(uint256 limit, uint256 received);

    /// @notice Emitted once an anchor, after it was stored.
    /// @param index Its number, from 1, without gaps.
    /// @param digest The EIP-712 digest that the quorum signed: the next anchor's `previous`.
    event Anchored(
        uint64 indexed index,
        bytes32 indexed digest,
        uint64 blockNumber,
        uint64 lastSeq,
        uint64 logSize,
        bytes32 logRoot,
        bytes32 stateRoot
    );
    /// @notice Emitted once a report of an anchor, in the anchor's order.
    event ReportAnchored(
        uint64 indexed index, bytes32 indexed digest, uint64 kind, uint64 fromSeq, uint64 toSeq, bytes32 pack
    );

    /// @notice Store the next anchor. Anybody may relay it; the quorum's signatures are what counts.
    /// @dev Only calls the quorum, and only to read.
    /// @param a The anchor. Index is the last plus one; block, sequence number and log size all grow.
    /// @param signatures The Safe owners' signatures over `digest(a)`, ascending by owner address.
    function anchor(Anchor calldata a, bytes calldata signatures) external;

    /// @notice The most reports in one anchor.
    function MAX_REPORTS() external view returns (uint256 limit);

    /// @notice The EIP-712 digest of an anchor under this contract's domain.
    function digest(Anchor calldata a) external view returns (bytes32 hash);

    /// @notice The digest of anchor `index`; zero when there is none.
    function anchored(uint64 index) external view returns (bytes32 hash);

    /// @notice In which anchor a report's digest first stood; zero when in none.
    function reportAnchor(bytes32 reportDigest) external view returns (uint64 index);

    /// @notice The last anchor's numbers.
    function tip() external view returns (Tip memory last);
}
