// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title A token that is honest until told otherwise. Anybody mints: it lives in tests alone.
contract MoodyToken is ERC20("Moody", "MOOD") {
    enum Mood {
        Honest,
        Reverts,
        RevertsWithBomb,
        ReturnsFalse,
        BurnsGas,
        LiesTrue,
        ChargesSender,
        ChargesReceiver,
        ShrinksHolder,
        HidesBalance
    }

    error Refused();

    /// @dev What a charging mood takes, in its smallest unit.
    uint256 public constant FEE = 7;

    Mood public mood;
    mapping(address account => bool listed) public blacklisted;

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function burn(address from, uint256 amount) external {
        _burn(from, amount);
    }

    function feel(Mood next) external {
        mood = next;
    }

    function blacklist(address account, bool listed) external {
        blacklisted[account] = listed;
    }

    function balanceOf(address account) public view override returns (uint256 amount) {
        if (mood == Mood.HidesBalance) revert Refused();
        return super.balanceOf(account);
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return _moodily(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        return _moodily(from, to, amount);
    }

    function _moodily(address from, address to, uint256 amount) private returns (bool) {
        if (blacklisted[to]) revert Refused();
        if (mood == Mood.Reverts) revert Refused();
        if (mood == Mood.RevertsWithBomb) revert(string(new bytes(50_000)));
        if (mood == Mood.ReturnsFalse) return false;
        if (mood == Mood.LiesTrue) return true;
        while (mood == Mood.BurnsGas) {}
        _transfer(from, to, amount);
        if (mood == Mood.ChargesSender) _burn(from, FEE);
        if (mood == Mood.ChargesReceiver) _burn(to, FEE);
        if (mood == Mood.ShrinksHolder) _burn(to, super.balanceOf(to));
        return true;
    }
}

/// @title A token whose functions return nothing, as some of the oldest do.
contract NoReturnToken {
    mapping(address account => uint256 amount) public balanceOf;
    mapping(address owner => mapping(address spender => uint256 amount)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// @title What a contract that receives hooked tokens is told.
interface ITokensReceived {
    function tokensReceived(address from, uint256 amount) external;
}

/// @title A token that tells its receiver, as ERC-777 does, or somebody else, before it moves anything.
contract HookToken is ERC20("Hooked", "HOOK") {
    address public watcher;

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    /// @dev The watcher is called at each transfer, sent or received.
    function watch(address watcher_) external {
        watcher = watcher_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (watcher != address(0)) ITokensReceived(watcher).tokensReceived(from, amount);
        else if (from != address(0) && to.code.length != 0) _tell(from, to, amount);
    }

    function _tell(address from, address to, uint256 amount) private {
        (bool knows, bytes memory answer) = to.staticcall(abi.encodeWithSignature("wantsHooks()"));
        if (knows && answer.length == 32) ITokensReceived(to).tokensReceived(from, amount);
    }
}

/// @title A token that answers every transfer with more data than the caller has gas to copy.
contract ReturnBombToken {
    function balanceOf(address) external pure returns (uint256 amount) {
        return type(uint128).max;
    }

    fallback(bytes calldata) external returns (bytes memory bomb) {
        return new bytes(60_000);
    }
}
