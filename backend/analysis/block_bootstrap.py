"""How sure a mean is, of values that depend on those around them in time.

The circular block bootstrap (Politis and Romano, in *Exploring the Limits of Bootstrap*, 1992):
time is cut into cells, and history is drawn anew in blocks of cells that follow each other, so that
what overlaps within a block stays together. What was drawn is the same for all that is asked of it,
so things that move together, as prices of several assets do, stay together, too.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from backend.analysis.averages import Floats

# The ends of a 90 % interval then lie where they do within a tenth of its width.
RESAMPLES = 500
# Blocks may begin at any cell; four cells to a block make it no shorter than it has to be, and
# leave enough places to begin at.
BLOCK_CELLS = 4
SEED = 1992


def resampled(values: Floats) -> Floats:
    """The sums over all cells of values (n, cells) in each resample, (n, `RESAMPLES`): drawn from
    a seed, so that equal values give equal sums. 600 cells take 0.4 ms each."""
    cells = values.shape[-1]
    around = np.concatenate((values, values[:, : BLOCK_CELLS - 1]), axis=1)
    blocks: Floats = np.lib.stride_tricks.sliding_window_view(around, BLOCK_CELLS, 1).sum(-1)
    sums = [each[_begins(cells)].sum(axis=0) for each in blocks]
    return np.array(sums)


# Horizons of one table often have as many cells; half a megabyte each.
@lru_cache(maxsize=2)
def _begins(cells: int) -> NDArray[np.intp]:
    """The cells that the blocks of each resample begin at, (blocks, `RESAMPLES`)."""
    random = np.random.default_rng(SEED)
    return random.integers(0, cells, (max(1, round(cells / BLOCK_CELLS)), RESAMPLES))


def interval(means: Floats, level: float) -> Floats:
    """From where to where the middle share `level` of resampled means lies, those apart in which
    there was nothing to take a mean of and which so are not finite."""
    edges = ((1 - level) / 2, (1 + level) / 2)
    found: Floats = np.quantile(means[np.isfinite(means)], edges)
    return found
