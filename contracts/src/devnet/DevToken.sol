// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title DevToken: play money for a development network. It is worth nothing and says so in its name.
/// @notice Its deployer mints at will; never deploy it where people could take it for something of value.
contract DevToken is ERC20 {
    /// @notice Thrown when somebody else than the deployer mints.
    error NotMinter(address caller);

    /// @notice The only account that mints: the deployer.
    address public immutable MINTER;

    uint8 private immutable _DECIMALS;

    /// @param symbol_ Shown as it is; the name becomes "Provenue devnet " and the symbol.
    /// @param decimals_ How many decimal places a whole token has.
    constructor(string memory symbol_, uint8 decimals_) ERC20(string.concat("Provenue devnet ", symbol_), symbol_) {
        MINTER = msg.sender;
        _DECIMALS = decimals_;
    }

    /// @notice Make `amount` smallest units out of nothing for `to`.
    function mint(address to, uint256 amount) external {
        if (msg.sender != MINTER) revert NotMinter(msg.sender);
        _mint(to, amount);
    }

    /// @inheritdoc ERC20
    function decimals() public view override returns (uint8) {
        return _DECIMALS;
    }
}
