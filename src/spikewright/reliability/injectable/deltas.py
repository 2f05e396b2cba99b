"""What few changes do, over arrays [time · features, batch] or [time, features, batch].

    made[t, row, n] += delta · read[t, column, n]
    differs[n] |= one[r, n] ≠ other[r, n]
Knows nothing about networks; whole numbers in, whole numbers out.
"""

from numba import njit


@njit(cache=True, nogil=True)
def add_changes(made, read, active, rows, columns, deltas):
    """Add changed weights' part to a product.

    Args:
        made: [T, out, N], changed in place.
        read: [T, in, N].
        active: bool [T, in], false where `read` is 0 for all of the batch.
        rows: int64 [changes], ascending for speed.
        columns: int64 [changes].
        deltas: [changes], as `made`'s type.
    """
    count = read.shape[2]
    for t in range(len(read)):
        for change in range(len(rows)):
            if active[t, columns[change]]:
                into, source, delta = made[t, rows[change]], read[t, columns[change]], deltas[change]
                for n in range(count):
                    into[n] += delta * source[n]


@njit(cache=True, nogil=True)
def mark_differing(differs, one, other):
    """Mark the columns in which two arrays differ; what is not a number differs from everything.

    Args:
        differs: bool [N], changed in place.
        one: [R, N].
        other: [R, N].
    """
    for r in range(len(one)):
        left, right = one[r], other[r]
        for n in range(len(differs)):
            differs[n] |= left[n] != right[n]
