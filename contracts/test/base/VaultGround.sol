// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IHotVault} from "../../src/interfaces/IHotVault.sol";
import {HookToken, MoodyToken, NoReturnToken} from "../hostile/Tokens.sol";
import {IDevToken} from "./IDevToken.sol";
import {SafeGround} from "./SafeGround.sol";
import {Vm} from "./Vm.sol";

/// @title A vault with an honest token and hostile ones, funded, under the real Safe.
abstract contract VaultGround is SafeGround {
    uint64 internal constant LIMIT_DELAY = 1 days;
    uint128 internal constant CAPACITY = 1_000_000;
    uint128 internal constant REFILL = 100;
    uint256 internal constant FUNDS = 10_000_000;
    uint64 internal constant ACCOUNT = 16;
    address internal constant GUARDIAN = address(0x6a7d);
    address internal constant ALICE = address(0xa11ce);
    address internal constant BOB = address(0xb0b);
    address internal constant RELAYER = address(0x7e1a);

    IHotVault internal vault;
    IDevToken internal usdc;
    MoodyToken internal moody;
    HookToken internal hooked;
    NoReturnToken internal mute;
    uint64 internal nextWithdrawal = 1;

    function setUp() public virtual override {
        super.setUp();
        usdc = _newToken("USDC", 6);
        moody = new MoodyToken();
        hooked = new HookToken();
        mute = new NoReturnToken();
        address[] memory guardians = new address[](1);
        guardians[0] = GUARDIAN;
        vault = _newVault(address(safe), THRESHOLD, LIMIT_DELAY, guardians, _listings());
        _fund(address(usdc));
        _fund(address(moody));
        _fund(address(hooked));
        _fund(address(mute));
    }

    function _listings() internal view returns (IHotVault.Listing[] memory listings) {
        listings = new IHotVault.Listing[](4);
        listings[0] = IHotVault.Listing(address(usdc), CAPACITY, REFILL);
        listings[1] = IHotVault.Listing(address(moody), CAPACITY, REFILL);
        listings[2] = IHotVault.Listing(address(hooked), CAPACITY, REFILL);
        listings[3] = IHotVault.Listing(address(mute), CAPACITY, REFILL);
    }

    function _newVault(
        address quorum,
        uint256 floor,
        uint64 delay,
        address[] memory guardians,
        IHotVault.Listing[] memory listings
    ) internal returns (IHotVault deployed) {
        return IHotVault(_deploy("HotVault", abi.encode(quorum, floor, delay, guardians, listings)));
    }

    function _newToken(string memory symbol, uint8 decimals) internal returns (IDevToken deployed) {
        return IDevToken(_deploy("DevToken", abi.encode(symbol, decimals)));
    }

    /// @dev Every token of these tests mints for anybody who tests it, and approves the same way.
    function _fund(address token) internal {
        IDevToken(token).mint(address(this), FUNDS);
        IDevToken(token).mint(address(vault), FUNDS);
        // The muted token returns nothing, so only the call's success counts.
        (bool approved,) = token.call(abi.encodeCall(IDevToken(token).approve, (address(vault), type(uint256).max)));
        vm.assertTrue(approved);
    }

    function _pay(address token, address payee, uint256 amount) internal returns (IHotVault.Payout[] memory payouts) {
        payouts = new IHotVault.Payout[](1);
        payouts[0] = _payout(token, payee, amount);
    }

    function _payout(address token, address payee, uint256 amount) internal returns (IHotVault.Payout memory payout) {
        return IHotVault.Payout(nextWithdrawal++, token, payee, amount);
    }

    /// @dev The batch that would be next, with these payouts.
    function _batch(IHotVault.Payout[] memory payouts) internal view returns (IHotVault.Batch memory batch) {
        IHotVault.Cursor memory cursor = vault.cursor();
        return IHotVault.Batch({
            seq: cursor.seq + 1,
            epoch: cursor.epoch,
            depositCursor: cursor.deposits,
            deadline: uint64(block.timestamp) + 1 hours,
            previousHead: cursor.head,
            stateRoot: keccak256("state"),
            liabilitiesRoot: bytes32(0),
            dataHash: keccak256("data"),
            payouts: payouts,
            servedExits: new uint64[](0)
        });
    }

    /// @dev Signs what the batch says and relays it.
    function _execute(IHotVault.Batch memory batch) internal {
        bytes memory signatures = _quorumSigns(vault.digest(batch));
        vm.prank(RELAYER);
        vault.execute(batch, signatures);
    }

    /// @dev Executes the next batch with these payouts and returns the deferred bitmap of its event.
    function _executeNext(IHotVault.Payout[] memory payouts) internal returns (uint256 deferred) {
        vm.recordLogs();
        _execute(_batch(payouts));
        (, deferred) = _batchExecuted();
    }

    /// @dev The last recorded BatchExecuted.
    function _batchExecuted() internal returns (bytes32 head, uint256 deferred) {
        Vm.Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].topics[0] == IHotVault.BatchExecuted.selector) {
                head = logs[i].topics[2];
                deferred = abi.decode(logs[i].data, (uint256));
            }
        }
    }

    /// @dev Signs the batch, then expects its execution to revert with exactly `reason`.
    function _refuses(IHotVault.Batch memory batch, bytes memory reason) internal {
        bytes memory signatures = _quorumSigns(vault.digest(batch));
        vm.expectRevert(reason);
        vault.execute(batch, signatures);
    }
}
