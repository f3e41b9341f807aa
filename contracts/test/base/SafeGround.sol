// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ISafe, ISafeProxyFactory} from "./ISafe.sol";
import {Vm} from "./Vm.sol";

/// @title A real Safe 1.5.0, from its npm artifacts, with four owners of whom three must sign.
abstract contract SafeGround {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    uint256 internal constant THRESHOLD = 3;
    uint256 internal constant STRANGER = 0xbad;
    /// @dev The half of the group order of secp256k1 matters to malleability.
    uint256 internal constant GROUP_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141;
    string private constant _ARTIFACTS = "node_modules/@safe-global/safe-smart-account/build/artifacts/contracts/";
    bytes32 private constant _SAFE_L2_CODE = 0x180193227186ccb85316c94db1f0d156ed932b14712cfaac78901899178572dc;

    ISafe internal safe;
    /// @dev The owners' keys, ascending by address, as the Safe wants the signatures.
    uint256[] internal keys;

    function setUp() public virtual {
        vm.warp(1_800_000_000);
        uint256[4] memory unsorted = [uint256(0xa1), 0xa2, 0xa3, 0xa4];
        for (uint256 i = 0; i < unsorted.length; ++i) {
            _addKey(unsorted[i]);
        }
        safe = _deploySafe(_owners());
    }

    function _owners() internal view returns (address[] memory owners) {
        owners = new address[](keys.length);
        for (uint256 i = 0; i < keys.length; ++i) {
            owners[i] = vm.addr(keys[i]);
        }
    }

    /// @dev Insertion keeps `keys` ascending by address.
    function _addKey(uint256 key) internal {
        keys.push(key);
        for (uint256 i = keys.length - 1; i > 0 && vm.addr(keys[i - 1]) > vm.addr(keys[i]); --i) {
            (keys[i - 1], keys[i]) = (keys[i], keys[i - 1]);
        }
    }

    /// @dev One owner's key goes, another comes.
    function _replaceKey(uint256 place, uint256 key) internal {
        uint256[] memory old = keys;
        delete keys;
        for (uint256 i = 0; i < old.length; ++i) {
            _addKey(i == place ? key : old[i]);
        }
    }

    function _deploySafe(address[] memory owners) internal returns (ISafe deployed) {
        address singleton = _createSafe("SafeL2.sol/SafeL2.json");
        vm.assertEq(singleton.codehash, _SAFE_L2_CODE);
        address factory = _createSafe("proxies/SafeProxyFactory.sol/SafeProxyFactory.json");
        bytes memory initializer = abi.encodeCall(
            ISafe.setup, (owners, THRESHOLD, address(0), "", address(0), address(0), 0, payable(address(0)))
        );
        return ISafe(ISafeProxyFactory(factory).createProxyWithNonce(singleton, initializer, 0));
    }

    function _signature(uint256 key, bytes32 digest) internal pure returns (bytes memory signature) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    /// @dev The first `count` owners' signatures, ascending by address.
    function _signatures(bytes32 digest, uint256 count) internal view returns (bytes memory signatures) {
        for (uint256 i = 0; i < count; ++i) {
            signatures = bytes.concat(signatures, _signature(keys[i], digest));
        }
    }

    function _quorumSigns(bytes32 digest) internal view returns (bytes memory signatures) {
        return _signatures(digest, THRESHOLD);
    }

    /// @dev A transaction of the Safe's own, signed by its owners: how the quorum acts as a caller.
    function _safeCalls(address to, bytes memory data) internal {
        bytes32 hash = safe.getTransactionHash(to, 0, data, 0, 0, 0, 0, address(0), address(0), safe.nonce());
        vm.assertTrue(
            safe.execTransaction(to, 0, data, 0, 0, 0, 0, address(0), payable(address(0)), _quorumSigns(hash))
        );
    }

    /// @dev Folds a fuzzed number into low..high.
    function _within(uint256 value, uint256 low, uint256 high) internal pure returns (uint256 folded) {
        return low + value % (high - low + 1);
    }

    /// @dev Deploys one of our contracts, which is compiled by another pipeline than the tests are.
    function _deploy(string memory name, bytes memory arguments) internal returns (address deployed) {
        return _create(bytes.concat(vm.getCode(string.concat(name, ".sol:", name)), arguments));
    }

    function _createSafe(string memory artifact) private returns (address deployed) {
        deployed = _create(vm.getCode(string.concat(_ARTIFACTS, artifact)));
        vm.assertTrue(deployed != address(0));
    }

    function _create(bytes memory code) private returns (address deployed) {
        assembly ("memory-safe") {
            deployed := create(0, add(code, 0x20), mload(code))
        }
    }
}
