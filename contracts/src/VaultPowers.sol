// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {OutflowLimits} from "./OutflowLimits.sol";
import {QuorumGated} from "./QuorumGated.sol";
import {IHotVault} from "./interfaces/IHotVault.sol";

/// @title What the quorum and the guardians may do beside batches: pause, tokens, limits, guardians.
abstract contract VaultPowers is IHotVault, QuorumGated {
    using OutflowLimits for OutflowLimits.Bucket;

    /// @dev One slot, read and written once by a deposit and once by a batch.
    struct Progress {
        uint64 seq;
        uint64 deposits;
        uint64 depositCursor;
        uint56 epoch;
        bool paused;
    }

    /// @dev `claimable` is what deferred payouts are owed in all.
    struct Token {
        bool listed;
        bool depositsOpen;
        uint240 claimable;
        OutflowLimits.Bucket bucket;
    }

    uint64 private immutable _LIMIT_DELAY;

    /// @dev Shared with the heir, which counts batches and deposits in the slot of epoch and pause.
    Progress internal _progress;
    /// @dev Shared with the heir, which draws the limits and books what is claimable.
    mapping(address token => Token state) internal _tokens;
    mapping(address token => PendingLimit raise) private _pendingLimits;
    mapping(address account => bool active) private _guardians;

    constructor(
        address quorum_,
        uint256 floor_,
        uint64 limitDelay_,
        address[] memory guardians,
        Listing[] memory listings
    ) QuorumGated(quorum_, floor_) {
        _LIMIT_DELAY = limitDelay_;
        _progress.epoch = 1;
        for (uint256 i = 0; i < guardians.length; ++i) {
            _switchGuardian(guardians[i], true);
        }
        for (uint256 i = 0; i < listings.length; ++i) {
            _list(listings[i]);
        }
    }

    /// @inheritdoc IHotVault
    function pause() external {
        if (!_guardians[msg.sender] && msg.sender != quorum()) revert NotGuardian(msg.sender);
        if (_progress.paused) revert VaultPaused();
        _progress.paused = true;
        emit Paused(msg.sender);
        _advanceEpoch();
    }

    /// @inheritdoc IHotVault
    function unpause() external onlyQuorum {
        if (!_progress.paused) revert VaultNotPaused();
        _progress.paused = false;
        emit Unpaused();
    }

    /// @inheritdoc IHotVault
    function list(Listing calldata listing) external onlyQuorum {
        _list(listing);
    }

    /// @inheritdoc IHotVault
    function switchDeposits(address token, bool open) external onlyQuorum {
        if (!_tokens[token].listed) revert TokenNotListed(token);
        _tokens[token].depositsOpen = open;
        emit DepositsSwitched(token, open);
    }

    /// @inheritdoc IHotVault
    function changeLimit(address token, uint128 capacity, uint128 refillPerSecond) external onlyQuorum {
        Token storage state = _tokens[token];
        if (!state.listed) revert TokenNotListed(token);
        if (capacity <= state.bucket.capacity && refillPerSecond <= state.bucket.refillPerSecond) {
            delete _pendingLimits[token];
            _setLimit(token, capacity, refillPerSecond);
        } else {
            uint64 readyAt = uint64(block.timestamp) + _LIMIT_DELAY;
            _pendingLimits[token] = PendingLimit(capacity, refillPerSecond, readyAt, _progress.epoch);
            emit LimitRaiseQueued(token, capacity, refillPerSecond, readyAt, _progress.epoch);
        }
    }

    /// @inheritdoc IHotVault
    function applyLimit(address token) external {
        PendingLimit memory raise = _pendingLimits[token];
        if (raise.epoch == 0) revert NoPendingLimit(token);
        if (raise.epoch != _progress.epoch) revert WrongEpoch(_progress.epoch, raise.epoch);
        if (block.timestamp < raise.readyAt) revert LimitNotReady(raise.readyAt, block.timestamp);
        delete _pendingLimits[token];
        _setLimit(token, raise.capacity, raise.refillPerSecond);
    }

    /// @inheritdoc IHotVault
    function switchGuardian(address guardian, bool active) external onlyQuorum {
        _switchGuardian(guardian, active);
    }

    /// @inheritdoc IHotVault
    function tokenState(address token) external view returns (TokenState memory state) {
        Token storage stored = _tokens[token];
        return TokenState({
            listed: stored.listed,
            depositsOpen: stored.depositsOpen,
            capacity: stored.bucket.capacity,
            refillPerSecond: stored.bucket.refillPerSecond,
            available: stored.bucket.availableAt(block.timestamp),
            claimable: stored.claimable
        });
    }

    /// @inheritdoc IHotVault
    function pendingLimit(address token) external view returns (PendingLimit memory pending) {
        return _pendingLimits[token];
    }

    /// @inheritdoc IHotVault
    function isGuardian(address account) external view returns (bool active) {
        return _guardians[account];
    }

    /// @inheritdoc IHotVault
    function limitDelay() external view returns (uint64 delaySeconds) {
        return _LIMIT_DELAY;
    }

    function _epoch() internal view override returns (uint64 current) {
        return _progress.epoch;
    }

    function _advanceEpoch() internal override {
        emit EpochAdvanced(++_progress.epoch);
    }

    function _list(Listing memory listing) private {
        Token storage state = _tokens[listing.token];
        if (state.listed || listing.token.code.length == 0) revert TokenNotListable(listing.token);
        state.listed = true;
        state.depositsOpen = true;
        emit TokenListed(listing.token, listing.capacity, listing.refillPerSecond);
        _setLimit(listing.token, listing.capacity, listing.refillPerSecond);
        _tokens[listing.token].bucket.settle(listing.capacity, block.timestamp);
    }

    function _setLimit(address token, uint128 capacity, uint128 refillPerSecond) private {
        _tokens[token].bucket.change(capacity, refillPerSecond, block.timestamp);
        emit LimitChanged(token, capacity, refillPerSecond);
    }

    function _switchGuardian(address guardian, bool active) private {
        _guardians[guardian] = active;
        emit GuardianSwitched(guardian, active);
    }
}
