// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title A token bucket in integers: what may leave is `capacity` at most, and grows by the second.
library OutflowLimits {
    /// @dev Two slots: what each payout touches, and what only the quorum changes.
    struct Bucket {
        uint128 level;
        uint64 updatedAt;
        uint128 capacity;
        uint128 refillPerSecond;
    }

    /// @notice What the bucket lets out at `nowSeconds`. Never above the capacity, never overflows.
    function availableAt(Bucket storage bucket, uint256 nowSeconds) internal view returns (uint128 amount) {
        uint256 capacity = bucket.capacity;
        // 64 bits of seconds times 128 bits of refill fit 256 bits with room for the level.
        uint256 grown = bucket.level + (nowSeconds - bucket.updatedAt) * bucket.refillPerSecond;
        return uint128(grown < capacity ? grown : capacity);
    }

    /// @notice Set what is left at `nowSeconds`.
    function settle(Bucket storage bucket, uint128 left, uint256 nowSeconds) internal {
        bucket.level = left;
        bucket.updatedAt = uint64(nowSeconds);
    }

    /// @notice Change the limit. What is left is counted under the old one; reading it cuts it to the new capacity.
    function change(Bucket storage bucket, uint128 capacity, uint128 refillPerSecond, uint256 nowSeconds) internal {
        settle(bucket, availableAt(bucket, nowSeconds), nowSeconds);
        bucket.capacity = capacity;
        bucket.refillPerSecond = refillPerSecond;
    }
}
