// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title What every contract under the operators' quorum shares: who the quorum is, and the epoch.
/// @notice An epoch names one period of trust. What was signed or queued in an earlier epoch is void: a
/// rotation of owners or a pause ends the epoch, so nothing prepared before it can take effect after it.
interface IQuorumGated {
    /// @notice Thrown when the quorum's address holds no code, or the floor is zero.
    error QuorumInvalid(address quorum, uint256 floor);
    /// @notice Thrown when somebody else than the quorum calls what only the quorum may call.
    error NotQuorum(address caller);
    /// @notice Thrown when the Safe refuses the signatures.
    /// @param digest What should have been signed.
    /// @param needed How many signatures were asked for.
    /// @param reason The Safe's own word, such as GS020 or GS026; empty when it gave none.
    error QuorumNotReached(bytes32 digest, uint256 needed, string reason);
    /// @notice Thrown when something was signed or queued in another epoch.
    error WrongEpoch(uint64 expected, uint64 received);

    /// @notice Emitted after the epoch advanced: everything signed or queued before is void.
    event EpochAdvanced(uint64 indexed epoch);

    /// @notice End the current epoch. Only the quorum, normally in one transaction with a change of owners.
    function advanceEpoch() external;

    /// @notice The current epoch, from 1.
    function epoch() external view returns (uint64 current);

    /// @notice The Safe whose owners sign.
    function quorum() external view returns (address safe);

    /// @notice The fewest signatures ever accepted, whatever threshold the Safe is set to.
    function quorumFloor() external view returns (uint256 floor);
}
