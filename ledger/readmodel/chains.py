"""Chains: lists that only grow, whose nodes point back, with a jump so that searching is O(log n).

A node jumps over a number of nodes that follows the skew binary numbers: it takes its
predecessor's jump and the jump after that together when both have the same span, and else points at
its predecessor. Nodes live in a ring; those below `floor` are gone, and every pointer to them ends
the chain.

Source: Myers, An applicative random-access stack, Information Processing Letters 17, 1983.
"""

from typing import Any

from numpy.typing import NDArray

from matching.jit import inlined


@inlined
def push(links: NDArray[Any], floor: int, last: int, node: int) -> None:
    """Append `node` to the chain that ends in `last`.

    Args:
        links: LINK, a power of two of them; node n stands at n mod the length. Mutated.
        floor: The oldest node that is kept.
        last: The chain's end; below floor when the chain is empty.
        node: Larger than every node of the chain.
    """
    prev, jump, span, depth = links["prev"], links["jump"], links["span"], links["depth"]
    mask = links.shape[0] - 1
    at = node & mask
    prev[at] = last
    jump[at] = last
    span[at] = 1
    depth[at] = 1
    if last < floor:
        return
    before = last & mask
    depth[at] = depth[before] + 1
    far = jump[before]
    if far >= floor and span[far & mask] == span[before]:
        jump[at] = jump[far & mask]
        span[at] = 2 * span[before] + 1


@inlined
def back_to_depth(links: NDArray[Any], floor: int, node: int, wanted: int) -> int:
    """The node of this depth at or before `node`, which is at least so deep."""
    prev, jump, depth = links["prev"], links["jump"], links["depth"]
    mask = links.shape[0] - 1
    while depth[node & mask] > wanted:
        far = jump[node & mask]
        near = far >= floor and depth[far & mask] >= wanted
        node = far if near else prev[node & mask]
    return node
