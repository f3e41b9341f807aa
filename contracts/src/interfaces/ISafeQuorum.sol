// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title The part of an unmodified Safe 1.5.0 that the custody contracts rely on.
interface ISafeQuorum {
    /// @notice How many owners' signatures the Safe asks for.
    function getThreshold() external view returns (uint256 threshold);

    /// @notice Revert unless `requiredSignatures` distinct owners signed `dataHash`.
    /// @dev Reverts with the Safe's own reason string, such as GS020 (too short) or GS026 (not an owner in
    /// ascending order). With `requiredSignatures` zero it accepts anything, so a caller must never pass zero.
    /// @param executor Whose being the caller counts as a signature. The zero address is never an owner.
    /// @param dataHash The digest that the owners signed.
    /// @param signatures 65 bytes each, ascending by owner address; contract signatures' data behind them.
    /// @param requiredSignatures How many of them are checked.
    function checkNSignatures(address executor, bytes32 dataHash, bytes memory signatures, uint256 requiredSignatures)
        external
        view;
}
