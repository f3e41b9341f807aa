// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ITokensReceived} from "./Tokens.sol";

/// @title A payee whose hook does what it is told: revert, burn gas, answer with a bomb, or send it back.
contract HookPayee is ITokensReceived {
    enum Habit {
        Takes,
        Reverts,
        BurnsGas,
        Bombs
    }

    error NotToday();

    Habit private immutable _HABIT;

    constructor(Habit habit) {
        _HABIT = habit;
    }

    function wantsHooks() external pure returns (bool wanted) {
        return true;
    }

    function tokensReceived(address, uint256) external view {
        if (_HABIT == Habit.Reverts) revert NotToday();
        while (_HABIT == Habit.BurnsGas) {}
        if (_HABIT == Habit.Bombs) revert(string(new bytes(60_000)));
    }
}

/// @title A payee that calls back into the vault and keeps what it was told.
contract ReenteringPayee is ITokensReceived {
    address private immutable _VAULT;
    bytes private _call;
    bool public called;
    bool public entered;
    bytes4 public answer;

    constructor(address vault) {
        _VAULT = vault;
    }

    /// @dev The call that the hook makes to the vault.
    function prepare(bytes calldata call_) external {
        _call = call_;
    }

    function wantsHooks() external pure returns (bool wanted) {
        return true;
    }

    function tokensReceived(address, uint256) external {
        bytes memory said;
        (entered, said) = _VAULT.call(_call);
        called = true;
        answer = bytes4(said);
    }
}

/// @title An owner of the Safe that is a contract (EIP-1271), and is as helpful as told.
contract ContractOwner {
    enum Habit {
        Signs,
        Refuses,
        Reverts,
        BurnsGas
    }

    error Absent();

    Habit private immutable _HABIT;

    constructor(Habit habit) {
        _HABIT = habit;
    }

    function isValidSignature(bytes32, bytes calldata) external view returns (bytes4 magic) {
        if (_HABIT == Habit.Reverts) revert Absent();
        while (_HABIT == Habit.BurnsGas) {}
        return _HABIT == Habit.Signs ? bytes4(0x1626ba7e) : bytes4(0);
    }
}
