// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {OutflowLimits} from "./OutflowLimits.sol";
import {QuorumGated} from "./QuorumGated.sol";
import {IHotVault} from "./interfaces/IHotVault.sol";

/// @title HotVault: deposits by measured difference, payouts by certified batch.
/// @dev Invariants, tested as such in test/invariant:
/// 1. Conservation: a token's balance = deposited + donated - paid - claimed.
/// 2. Batch numbers grow by one, each batch names its predecessor's digest.
/// 3. A withdrawal id is paid, or deferred and then claimed once; never both, never twice.
/// 4. Per token, what leaves by batch in t seconds <= capacity + t * refill (deferred amounts count).
/// 5. Epochs never fall; nothing signed or queued in an earlier epoch takes effect.
/// 6. While paused, nothing enters and no batch executes; claims go on.
/// 7. A payout never spends what claims are owed.
contract HotVault is IHotVault, QuorumGated, EIP712, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;
    using OutflowLimits for OutflowLimits.Bucket;

    /// @inheritdoc IHotVault
    uint256 public constant MAX_PAYOUTS = 200;
    /// @inheritdoc IHotVault
    uint256 public constant PAYOUT_GAS = 100_000;
    /// @dev What the call itself may cost beyond the gas that it passes on.
    uint256 private constant _CALL_GAS = 5_000;

    bytes32 private constant _PAYOUT_TYPEHASH =
        keccak256("Payout(uint64 withdrawalId,address token,address payee,uint256 amount)");
    bytes32 private constant _BATCH_TYPEHASH = keccak256(
        "Batch(uint64 seq,uint64 epoch,uint64 depositCursor,uint64 deadline,bytes32 previousHead,bytes32 stateRoot,bytes32 liabilitiesRoot,bytes32 dataHash,Payout[] payouts,uint64[] servedExits)Payout(uint64 withdrawalId,address token,address payee,uint256 amount)"
    );

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

    Progress private _progress;
    bytes32 private _head;
    mapping(address token => Token state) private _tokens;
    mapping(address token => PendingLimit raise) private _pendingLimits;
    mapping(uint256 word => uint256 bits) private _handled;
    mapping(uint64 withdrawalId => bytes32 commitment) private _deferred;
    mapping(address account => bool active) private _guardians;

    /// @param quorum_ The Safe whose owners sign batches.
    /// @param floor_ The fewest signatures ever accepted.
    /// @param limitDelay_ How many seconds a raise of a limit waits.
    /// @param guardians Who may pause.
    /// @param listings The first tokens and their limits; more are the quorum's to list.
    constructor(
        address quorum_,
        uint256 floor_,
        uint64 limitDelay_,
        address[] memory guardians,
        Listing[] memory listings
    ) QuorumGated(quorum_, floor_) EIP712("Provenue HotVault", "1") {
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
    function deposit(address token, uint256 amount, uint64 account) external nonReentrant {
        // Checks: open for this token, and something arrives. The transfer comes before the effects because
        // only the measured difference says what to record; the guard keeps everybody out meanwhile.
        if (_progress.paused) revert VaultPaused();
        if (!_tokens[token].depositsOpen) revert DepositsClosed(token);
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 held = IERC20(token).balanceOf(address(this));
        if (held <= before) revert NothingReceived(token);

        // Effects.
        uint64 index = ++_progress.deposits;
        emit Deposited(index, account, token, msg.sender, held - before);
    }

    /// @inheritdoc IHotVault
    function execute(Batch calldata batch, bytes calldata signatures) external nonReentrant {
        // Checks: the next link of the chain, in time, signed by the quorum.
        _requireNext(batch);
        bytes32 hash = digest(batch);
        _requireQuorum(hash, signatures);

        // Effects: the chain advances, ids are spent and limits drawn before anybody is called.
        _progress.seq = batch.seq;
        _progress.depositCursor = batch.depositCursor;
        _head = hash;
        _spendIds(batch.payouts);
        _drawLimits(batch.payouts);

        // Interactions: each payout on its own; what fails becomes claimable.
        uint256 deferred = _payAll(batch.payouts);
        emit RootsCarried(batch.seq, batch.stateRoot, batch.liabilitiesRoot, batch.dataHash);
        emit BatchExecuted(batch.seq, hash, deferred);
    }

    /// @inheritdoc IHotVault
    function claim(Payout calldata payout) external nonReentrant {
        // Checks: exactly this payout was deferred.
        bytes32 commitment = _deferred[payout.withdrawalId];
        if (commitment == 0 || commitment != keccak256(abi.encode(payout))) {
            revert NothingClaimable(payout.withdrawalId);
        }

        // Effects.
        delete _deferred[payout.withdrawalId];
        _tokens[payout.token].claimable -= uint240(payout.amount);

        // Interactions. The event stands after the transfer because a failure undoes both.
        _transfer(payout.token, payout.payee, payout.amount, IERC20(payout.token).balanceOf(address(this)));
        emit PayoutClaimed(payout.withdrawalId, payout.token, payout.payee, payout.amount);
    }

    /// @inheritdoc IHotVault
    function deliver(address token, address payee, uint256 amount) external {
        if (msg.sender != address(this)) revert NotSelf(msg.sender);
        uint256 held = IERC20(token).balanceOf(address(this));
        uint256 owed = _tokens[token].claimable;
        uint256 free = held > owed ? held - owed : 0;
        if (free < amount) revert VaultShort(token, free, amount);
        _transfer(token, payee, amount, held);
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
    function head() external view returns (bytes32 hash) {
        return _head;
    }

    /// @inheritdoc IHotVault
    function cursor() external view returns (Cursor memory current) {
        Progress memory progress = _progress;
        return Cursor(progress.seq, progress.epoch, progress.deposits, progress.depositCursor, _head, progress.paused);
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
    function handled(uint64 withdrawalId) external view returns (bool done) {
        return _handled[withdrawalId >> 8] & (1 << (withdrawalId & 0xff)) != 0;
    }

    /// @inheritdoc IHotVault
    function deferredPayout(uint64 withdrawalId) external view returns (bytes32 commitment) {
        return _deferred[withdrawalId];
    }

    /// @inheritdoc IHotVault
    function isGuardian(address account) external view returns (bool active) {
        return _guardians[account];
    }

    /// @inheritdoc IHotVault
    function limitDelay() external view returns (uint64 delaySeconds) {
        return _LIMIT_DELAY;
    }

    /// @inheritdoc IHotVault
    function digest(Batch calldata batch) public view returns (bytes32 hash) {
        bytes32[] memory payouts = new bytes32[](batch.payouts.length);
        for (uint256 i = 0; i < batch.payouts.length; ++i) {
            payouts[i] = keccak256(abi.encode(_PAYOUT_TYPEHASH, batch.payouts[i]));
        }
        return _hashTypedDataV4(
            keccak256(
                abi.encode(
                    _BATCH_TYPEHASH,
                    batch.seq,
                    batch.epoch,
                    batch.depositCursor,
                    batch.deadline,
                    batch.previousHead,
                    batch.stateRoot,
                    batch.liabilitiesRoot,
                    batch.dataHash,
                    keccak256(abi.encodePacked(payouts)),
                    keccak256(abi.encodePacked(batch.servedExits))
                )
            )
        );
    }

    function _epoch() internal view override returns (uint64 current) {
        return _progress.epoch;
    }

    function _advanceEpoch() internal override {
        emit EpochAdvanced(++_progress.epoch);
    }

    function _requireNext(Batch calldata batch) private view {
        Progress memory progress = _progress;
        if (progress.paused) revert VaultPaused();
        if (batch.seq != progress.seq + 1) revert BatchOutOfOrder(progress.seq + 1, batch.seq);
        if (batch.epoch != progress.epoch) revert WrongEpoch(progress.epoch, batch.epoch);
        if (batch.depositCursor < progress.depositCursor || batch.depositCursor > progress.deposits) {
            revert CursorOutOfRange(progress.depositCursor, progress.deposits, batch.depositCursor);
        }
        if (block.timestamp > batch.deadline) revert BatchExpired(batch.deadline, block.timestamp);
        if (batch.previousHead != _head) revert WrongHead(_head, batch.previousHead);
        if (batch.payouts.length > MAX_PAYOUTS) revert TooManyPayouts(MAX_PAYOUTS, batch.payouts.length);
        if (batch.servedExits.length != 0) revert ServedExitsNotEmpty(batch.servedExits.length);
    }

    /// @dev Spends every id. Ids that lie in one word, as neighbours do, touch its slot once.
    function _spendIds(Payout[] calldata payouts) private {
        uint256 place = 0;
        uint256 bits = 0;
        for (uint256 i = 0; i < payouts.length; ++i) {
            uint64 withdrawalId = payouts[i].withdrawalId;
            if (i == 0 || withdrawalId >> 8 != place) {
                if (i != 0) _handled[place] = bits;
                place = withdrawalId >> 8;
                bits = _handled[place];
            }
            uint256 bit = 1 << (withdrawalId & 0xff);
            if (bits & bit != 0) revert WithdrawalAlreadyHandled(withdrawalId);
            bits |= bit;
        }
        if (payouts.length != 0) _handled[place] = bits;
    }

    /// @dev Draws every limit. Payouts of one token in a row touch its limit once.
    function _drawLimits(Payout[] calldata payouts) private {
        address token = address(0);
        uint128 left = 0;
        for (uint256 i = 0; i < payouts.length; ++i) {
            Payout calldata payout = payouts[i];
            if (i == 0 || payout.token != token) {
                if (i != 0) _tokens[token].bucket.settle(left, block.timestamp);
                token = payout.token;
                if (!_tokens[token].listed) revert TokenNotListed(token);
                left = _tokens[token].bucket.availableAt(block.timestamp);
            }
            if (payout.amount > left) revert LimitExceeded(token, left, payout.amount);
            left -= uint128(payout.amount);
        }
        if (payouts.length != 0) _tokens[token].bucket.settle(left, block.timestamp);
    }

    /// @dev The bare `catch` copies no return data, so a token cannot make the vault pay for memory.
    function _payAll(Payout[] calldata payouts) private returns (uint256 deferred) {
        for (uint256 i = 0; i < payouts.length; ++i) {
            Payout calldata payout = payouts[i];
            _requireGas();
            try this.deliver{gas: PAYOUT_GAS}(payout.token, payout.payee, payout.amount) {}
            catch {
                deferred |= 1 << i;
                _defer(payout);
            }
        }
    }

    /// @dev A call passes on at most 63/64 of what is left (EIP-150) and silently less than asked for. With
    /// less than 64/63 of the payout's gas and the call's own cost the batch must not go on.
    function _requireGas() private view {
        uint256 needed = (PAYOUT_GAS * 64) / 63 + _CALL_GAS;
        if (gasleft() < needed) revert GasTooLow(needed, gasleft());
    }

    function _defer(Payout calldata payout) private {
        _deferred[payout.withdrawalId] = keccak256(abi.encode(payout));
        _tokens[payout.token].claimable += uint240(payout.amount);
        emit PayoutDeferred(payout.withdrawalId, payout.token, payout.payee, payout.amount);
    }

    /// @dev Reverts unless exactly `amount` left the vault: a token that lies, or a payee that is the vault
    /// itself, is not paid.
    function _transfer(address token, address payee, uint256 amount, uint256 held) private {
        IERC20(token).safeTransfer(payee, amount);
        uint256 left = IERC20(token).balanceOf(address(this));
        if (left > held || held - left != amount) {
            revert DeliveryMismatch(token, amount, held < left ? 0 : held - left);
        }
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
