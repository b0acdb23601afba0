"""Short rows joined to long ones, so that no time goes into padding."""

from __future__ import annotations

from collections.abc import Sequence


def pack(lengths: Sequence[int], limit: int) -> list[list[int]]:
    """First fit, longest first.

    Args:
        lengths: Tokens of each row; none above `limit`.
        limit: Most tokens of a pack.

    Returns:
        Indices of the rows of each pack; every row once. The same input gives the same
        packs.
    """
    packs: list[list[int]] = []
    room: list[int] = []
    # Rows of a data set are short: packs that are nearly full are not looked at again.
    smallest = min(lengths, default=0)
    first_open = 0
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        while first_open < len(packs) and room[first_open] < smallest:
            first_open += 1
        for number in range(first_open, len(packs)):
            if lengths[index] <= room[number]:
                packs[number].append(index)
                room[number] -= lengths[index]
                break
        else:
            packs.append([index])
            room.append(limit - lengths[index])
    return packs
