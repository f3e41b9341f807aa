// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";

import {OutflowLimits} from "./OutflowLimits.sol";
import {VaultPowers} from "./VaultPowers.sol";
import {IHotVault} from "./interfaces/IHotVault.sol";

/// @title HotVault: deposits by measured difference, payouts by certified batch.
/// @dev Invariants, tested as such in test/invariant:
/// 1. Conservation: a token's balance = deposited + donated - paid - claimed.
/// 2. Batch numbers grow by one, each batch names its predecessor's digest.
/// 3. A withdrawal id is paid, or deferred and then claimed once; never both, never twice.
/// 4. Per token, what leaves by batch in t seconds <= capacity + t * refill (deferred amounts count).
/// 5. Epochs never fall; nothing signed or queued in an earlier epoch takes effect.
/// 6. While paused, nothing enters and no batch executes; claims go on.
/// 7. What claims are owed is counted to the last unit, and no payout spends it (test/HotVaultPayouts.t.sol).
contract HotVault is VaultPowers, EIP712, ReentrancyGuardTransient {
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

    bytes32 private _head;
    mapping(uint256 word => uint256 bits) private _handled;
    mapping(uint64 withdrawalId => bytes32 commitment) private _deferred;

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
    ) VaultPowers(quorum_, floor_, limitDelay_, guardians, listings) EIP712("Provenue HotVault", "1") {}

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
    function head() external view returns (bytes32 hash) {
        return _head;
    }

    /// @inheritdoc IHotVault
    function cursor() external view returns (Cursor memory current) {
        Progress memory progress = _progress;
        return Cursor(progress.seq, progress.epoch, progress.deposits, progress.depositCursor, _head, progress.paused);
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
}
