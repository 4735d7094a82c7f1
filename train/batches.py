"""Which example is in which batch: a pure function of the seed and the step."""

import functools

import numpy as np

from train.errors import UserError


def batch_indices(
    seed: int, steps: range, *, num_examples: int, batch_size: int, noun: str = "images"
) -> np.ndarray:
    """Returns the examples of each step's batch: a pure function of the seed and the step.

    An epoch has n = num_examples // batch_size steps. Step t takes the (t mod n)-th piece of the
    permutation `argsort(philox(seed, t // n))`, which is the same in every version of NumPy. The
    examples that fill no batch are left out until the next epoch.

    Args:
      seed: at least 0.
      steps: the steps, counted from 0 over the whole run.
      num_examples: the number of training examples.
      batch_size: the number of examples in a batch, over all devices.
      noun: the plural of an example, for the message.

    Returns:
      int32, [len(steps), batch_size].

    Raises:
      UserError: `batch_size` is below 1 or above `num_examples`.
    """
    if not 1 <= batch_size <= num_examples:
        raise UserError(
            f"`batch_size` must be between 1 and the {num_examples} training {noun}, "
            f"got {batch_size}."
        )
    indices = np.empty((len(steps), batch_size), np.int32)
    for row, step in zip(indices, steps, strict=True):
        epoch, batch = divmod(step, num_examples // batch_size)
        row[:] = order(seed, epoch, num_examples)[batch * batch_size : (batch + 1) * batch_size]
    return indices


@functools.lru_cache(maxsize=2)
def order(seed: int, stream: int, num_examples: int) -> np.ndarray:
    """Returns a permutation of the examples, a pure function of its arguments: int32.

    Args:
      seed: at least 0.
      stream: which of the permutations of a seed; the epochs have theirs.
      num_examples: how many there are.
    """
    draws = np.random.Philox(key=np.array([seed, stream], np.uint64)).random_raw(num_examples)
    return np.argsort(draws, kind="stable").astype(np.int32)
