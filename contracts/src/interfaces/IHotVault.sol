// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IQuorumGated} from "./IQuorumGated.sol";

/// @title The vault that takes deposits and pays certified withdrawals.
/// @notice Amounts are in a token's smallest unit, times in seconds. Rebasing tokens, and tokens that charge
/// the sender a fee, must not be listed: their payouts never match and stay claimable for ever.
interface IHotVault is IQuorumGated {
    /// @notice One payout. A withdrawal id is handled once for ever: paid, or made claimable.
    struct Payout {
        uint64 withdrawalId;
        address token;
        address payee;
        uint256 amount;
    }

    /// @notice One batch of payouts, derived from certified state.
    /// @dev `liabilitiesRoot` and `servedExits` are reserved for forced exits: the root is carried and emitted,
    /// the list must be empty in this version.
    struct Batch {
        uint64 seq;
        uint64 epoch;
        uint64 depositCursor;
        uint64 deadline;
        bytes32 previousHead;
        bytes32 stateRoot;
        bytes32 liabilitiesRoot;
        bytes32 dataHash;
        Payout[] payouts;
        uint64[] servedExits;
    }

    /// @notice A token's first limit: at most `capacity` at once, refilled by `refillPerSecond`.
    struct Listing {
        address token;
        uint128 capacity;
        uint128 refillPerSecond;
    }

    /// @notice Where the chain of batches stands.
    struct Cursor {
        uint64 seq;
        uint64 epoch;
        uint64 deposits;
        uint64 depositCursor;
        bytes32 head;
        bool paused;
    }

    /// @notice What the vault knows of one token.
    struct TokenState {
        bool listed;
        bool depositsOpen;
        uint128 capacity;
        uint128 refillPerSecond;
        uint128 available;
        uint256 claimable;
    }

    /// @notice A raise of a token's limit that waits for its delay.
    struct PendingLimit {
        uint128 capacity;
        uint128 refillPerSecond;
        uint64 readyAt;
        uint64 epoch;
    }

    /// @notice Thrown when the batch number is not the next one.
    error BatchOutOfOrder(uint64 expected, uint64 received);
    /// @notice Thrown when the batch does not name its predecessor's digest.
    error WrongHead(bytes32 expected, bytes32 received);
    /// @notice Thrown when the batch counts deposits that did not happen, or fewer than the last batch.
    error CursorOutOfRange(uint64 lowest, uint64 highest, uint64 received);
    /// @notice Thrown when the batch comes after its deadline.
    error BatchExpired(uint64 deadline, uint256 nowSeconds);
    /// @notice Thrown when a batch carries more payouts than the bound.
    error TooManyPayouts(uint256 limit, uint256 received);
    /// @notice Thrown when a batch names served exits, which this version does not know.
    error ServedExitsNotEmpty(uint256 received);
    /// @notice Thrown when a withdrawal id was handled before, in this batch or an earlier one.
    error WithdrawalAlreadyHandled(uint64 withdrawalId);
    /// @notice Thrown when payouts of a token exceed what its limit has left. Later, the same batch may pass.
    error LimitExceeded(address token, uint256 available, uint256 asked);
    /// @notice Thrown when the relayer gave too little gas to try a payout fairly.
    error GasTooLow(uint256 needed, uint256 left);
    /// @notice Thrown when a token is not listed.
    error TokenNotListed(address token);
    /// @notice Thrown when a token is listed a second time, or has no code.
    error TokenNotListable(address token);
    /// @notice Thrown when deposits of a token are closed.
    error DepositsClosed(address token);
    /// @notice Thrown when a deposit brought nothing.
    error NothingReceived(address token);
    /// @notice Thrown when a claim does not match what was deferred under its withdrawal id.
    error NothingClaimable(uint64 withdrawalId);
    /// @notice Thrown when a transfer took something else out of the vault than it should have.
    error DeliveryMismatch(address token, uint256 expected, uint256 received);
    /// @notice Thrown when the vault holds less of a token than the payout, beside what claims are owed.
    error VaultShort(address token, uint256 free, uint256 asked);
    /// @notice Thrown when the vault is paused.
    error VaultPaused();
    /// @notice Thrown when the vault is not paused.
    error VaultNotPaused();
    /// @notice Thrown when somebody else than a guardian or the quorum pauses.
    error NotGuardian(address caller);
    /// @notice Thrown when somebody else than the vault itself calls `deliver`.
    error NotSelf(address caller);
    /// @notice Thrown when no raise of the token's limit waits.
    error NoPendingLimit(address token);
    /// @notice Thrown when a raise of a limit is applied before its delay is over.
    error LimitNotReady(uint64 readyAt, uint256 nowSeconds);

    /// @notice Emitted once a deposit.
    /// @param index Its number, from 1, without gaps across all tokens.
    /// @param account The ledger account that the depositor names.
    /// @param received What the vault's balance grew by.
    event Deposited(
        uint64 indexed index, uint64 indexed account, address indexed token, address from, uint256 received
    );
    /// @notice Emitted once a batch, after its payouts were tried.
    /// @param head The EIP-712 digest that the quorum signed: the next batch's `previousHead`.
    /// @param deferred Bit i is set when payout i could not be delivered and became claimable.
    event BatchExecuted(uint64 indexed seq, bytes32 indexed head, uint256 deferred);
    /// @notice Emitted once a batch, with the roots that it was derived from.
    event RootsCarried(uint64 indexed seq, bytes32 stateRoot, bytes32 liabilitiesRoot, bytes32 dataHash);
    /// @notice Emitted after an undeliverable payout became claimable.
    event PayoutDeferred(uint64 indexed withdrawalId, address indexed token, address indexed payee, uint256 amount);
    /// @notice Emitted after a deferred payout reached its payee.
    event PayoutClaimed(uint64 indexed withdrawalId, address indexed token, address indexed payee, uint256 amount);
    /// @notice Emitted after a token was listed.
    event TokenListed(address indexed token, uint128 capacity, uint128 refillPerSecond);
    /// @notice Emitted after deposits of a token were opened or closed.
    event DepositsSwitched(address indexed token, bool open);
    /// @notice Emitted after a raise of a limit began to wait.
    event LimitRaiseQueued(
        address indexed token, uint128 capacity, uint128 refillPerSecond, uint64 readyAt, uint64 epoch
    );
    /// @notice Emitted after a limit changed.
    event LimitChanged(address indexed token, uint128 capacity, uint128 refillPerSecond);
    /// @notice Emitted after an account became a guardian, or ceased to be one.
    event GuardianSwitched(address indexed guardian, bool active);
    /// @notice Emitted after the vault was paused.
    event Paused(address indexed by);
    /// @notice Emitted after the vault was unpaused.
    event Unpaused();

    /// @notice Take `amount` of `token` from the caller and credit what arrived to ledger account `account`.
    /// @dev Re-entering is refused, so the measured difference is this deposit's alone.
    function deposit(address token, uint256 amount, uint64 account) external;

    /// @notice Execute the next batch. Anybody may relay it; the quorum's signatures are what counts.
    /// @dev A payout that fails becomes claimable and never fails the batch. Each is tried with `PAYOUT_GAS`;
    /// with less gas left than that the whole call reverts, so a relayer cannot turn payouts into claims.
    /// @param batch The batch, as signed.
    /// @param signatures The Safe owners' signatures over `digest(batch)`, ascending by owner address.
    function execute(Batch calldata batch, bytes calldata signatures) external;

    /// @notice Deliver a deferred payout to its payee. Anybody may call it, also while the vault is paused:
    /// what is claimable already left the quorum's hands.
    /// @param payout Exactly as it stood in its batch.
    function claim(Payout calldata payout) external;

    /// @notice Deliver one payout. Only the vault calls it, on itself, to bound its gas and contain its failure.
    function deliver(address token, address payee, uint256 amount) external;

    /// @notice Stop deposits and batches, and end the epoch. A guardian or the quorum.
    function pause() external;

    /// @notice Let deposits and batches run again. Only the quorum.
    function unpause() external;

    /// @notice List a token, once, with its first limit; deposits are open. Only the quorum.
    function list(Listing calldata listing) external;

    /// @notice Open or close deposits of a token. Payouts and claims go on. Only the quorum.
    function switchDeposits(address token, bool open) external;

    /// @notice Change a token's limit: a cut at once, a raise of either number after `limitDelay`. Only the quorum.
    function changeLimit(address token, uint128 capacity, uint128 refillPerSecond) external;

    /// @notice Put a waited-out raise into force. Anybody; void once the epoch has advanced.
    function applyLimit(address token) external;

    /// @notice Make an account a guardian, or end its being one. Only the quorum.
    function switchGuardian(address guardian, bool active) external;

    /// @notice The most payouts in one batch: one bit each in the deferred bitmap, and room in a block.
    function MAX_PAYOUTS() external view returns (uint256 limit);

    /// @notice The gas that each payout is tried with, all of it, whoever relays.
    function PAYOUT_GAS() external view returns (uint256 gas);

    /// @notice The EIP-712 digest of a batch under this contract's domain.
    function digest(Batch calldata batch) external view returns (bytes32 hash);

    /// @notice The digest of the last batch; zero before the first.
    function head() external view returns (bytes32 hash);

    /// @notice Where the chain of batches stands.
    function cursor() external view returns (Cursor memory current);

    /// @notice What the vault knows of a token; `available` is what its limit lets out now.
    function tokenState(address token) external view returns (TokenState memory state);

    /// @notice A token's waiting raise; all zero when none waits.
    function pendingLimit(address token) external view returns (PendingLimit memory pending);

    /// @notice Whether a withdrawal id was handled: paid or made claimable.
    function handled(uint64 withdrawalId) external view returns (bool done);

    /// @notice The commitment to a deferred payout, `keccak256(abi.encode(payout))`; zero when none waits.
    function deferredPayout(uint64 withdrawalId) external view returns (bytes32 commitment);

    /// @notice Whether an account may pause.
    function isGuardian(address account) external view returns (bool active);

    /// @notice How many seconds a raise of a limit waits.
    function limitDelay() external view returns (uint64 delaySeconds);
}
