// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IQuorumGated} from "./interfaces/IQuorumGated.sol";
import {ISafeQuorum} from "./interfaces/ISafeQuorum.sol";

/// @title Asks a Safe whether its owners signed; keeps no signature logic of its own.
abstract contract QuorumGated is IQuorumGated {
    ISafeQuorum private immutable _QUORUM;
    uint256 private immutable _FLOOR;

    modifier onlyQuorum() {
        if (msg.sender != address(_QUORUM)) revert NotQuorum(msg.sender);
        _;
    }

    constructor(address quorum_, uint256 floor_) {
        if (quorum_.code.length == 0 || floor_ == 0) revert QuorumInvalid(quorum_, floor_);
        _QUORUM = ISafeQuorum(quorum_);
        _FLOOR = floor_;
    }

    /// @inheritdoc IQuorumGated
    function advanceEpoch() external onlyQuorum {
        _advanceEpoch();
    }

    /// @inheritdoc IQuorumGated
    function epoch() external view returns (uint64 current) {
        return _epoch();
    }

    /// @inheritdoc IQuorumGated
    function quorum() public view returns (address safe) {
        return address(_QUORUM);
    }

    /// @inheritdoc IQuorumGated
    function quorumFloor() external view returns (uint256 floor) {
        return _FLOOR;
    }

    /// @dev Where the epoch is stored is the heir's choice, so that it can share a slot with what is read with it.
    function _epoch() internal view virtual returns (uint64 current);

    /// @dev Stores the next epoch and emits EpochAdvanced.
    function _advanceEpoch() internal virtual;

    /// @dev The executor is the zero address, so that no relayer's identity ever counts as a signature.
    function _requireQuorum(bytes32 digest_, bytes calldata signatures) internal view {
        uint256 needed = _QUORUM.getThreshold();
        if (needed < _FLOOR) needed = _FLOOR;
        try _QUORUM.checkNSignatures(address(0), digest_, signatures, needed) {}
        catch Error(string memory reason) {
            revert QuorumNotReached(digest_, needed, reason);
        } catch {
            revert QuorumNotReached(digest_, needed, "");
        }
    }
}
