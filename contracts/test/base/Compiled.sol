// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

// Nothing below src/ imports the devnet's token, and tests deploy it by name: this import has it compiled.
import {DevToken} from "../../devnet/DevToken.sol";
