// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IDevToken} from "./base/IDevToken.sol";
import {SafeGround} from "./base/SafeGround.sol";

contract DevTokenTest is SafeGround {
    function testFuzz_ItSaysWhatItIs(uint8 decimals) external {
        IDevToken token = IDevToken(_deploy("DevToken", abi.encode("USDC", decimals)));
        vm.assertEq(keccak256(bytes(token.name())), keccak256("Provenue devnet USDC"));
        vm.assertEq(keccak256(bytes(token.symbol())), keccak256("USDC"));
        vm.assertEq(token.decimals(), decimals);
    }

    function testFuzz_OnlyItsDeployerMints(address caller, uint256 amount) external {
        IDevToken token = IDevToken(_deploy("DevToken", abi.encode("USDC", 6)));
        vm.assertEq(token.MINTER(), address(this));
        token.mint(address(0x1), amount);
        vm.assertEq(token.balanceOf(address(0x1)), amount);
        if (caller == address(this)) return;
        vm.prank(caller);
        vm.expectRevert(abi.encodeWithSelector(IDevToken.NotMinter.selector, caller));
        token.mint(caller, 1);
    }
}
