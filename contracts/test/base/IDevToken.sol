// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC20Metadata} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata.sol";

/// @title The devnet token as the tests see it; the hostile tokens mint the same way.
interface IDevToken is IERC20Metadata {
    error NotMinter(address caller);

    function MINTER() external view returns (address minter);
    function mint(address to, uint256 amount) external;
}
