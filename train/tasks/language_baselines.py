"""An n-gram model of the bytes that a language model predicts, and a text that it writes itself."""

from collections.abc import Callable
from typing import Any

import numpy as np

_NUM_BYTES = 256


def ngram_bits(train: np.ndarray, test: np.ndarray, first: int, order: int = 5) -> float:
    """Returns the bits a byte of an n-gram model with interpolated Witten-Bell smoothing.

    `P(w | h) = (c(h w) + T(h) P(w | h')) / (c(h) + T(h))`, where c counts in the training text,
    T(h) is the number of different bytes that follow h in it, and h' is h without its first byte.
    Below the single bytes lies 1 / 256.

    Args:
      train: the bytes that are counted, uint8, [n].
      test: the bytes that are predicted.
      first: the place of the first byte of `test` that counts; at least `order - 1`.
      order: the number of bytes of the longest n-gram, at most 7.

    References:
      I. H. Witten and T. C. Bell, "The zero-frequency problem", IEEE Transactions on Information
      Theory 37 (1991), method C.
      S. F. Chen and J. Goodman, "An empirical study of smoothing techniques for language modeling",
      TR-10-98, Harvard University, 1998, section 2.6.
    """
    probability = np.full(len(test) - first, 1 / _NUM_BYTES)
    for n in range(1, order + 1):
        grams, counts = np.unique(_grams(train, n), return_counts=True)
        contexts, starts = np.unique(grams >> np.uint64(8), return_index=True)
        totals = np.add.reduceat(counts, starts)
        followers = np.diff(np.append(starts, len(grams)))

        asked = _grams(test, n)[first - n + 1 :]
        of_gram = _looked_up(grams, counts, asked)
        of_context = _looked_up(contexts, totals, asked >> np.uint64(8))
        kinds = _looked_up(contexts, followers, asked >> np.uint64(8))
        smoothed = (of_gram + kinds * probability) / np.maximum(of_context + kinds, 1)
        probability = np.where(of_context > 0, smoothed, probability)
    return float(-np.log2(probability).mean())


def _grams(text: np.ndarray, n: int) -> np.ndarray:
    """Returns each n bytes in a row as one number: uint64, [len(text) - n + 1]."""
    found = np.zeros(len(text) - n + 1, np.uint64)
    for place in range(n):
        found = (found << np.uint64(8)) | text[place : len(text) - n + 1 + place]
    return found


def _looked_up(keys: np.ndarray, values: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Returns the values of sorted keys; 0 where there is no such key."""
    places = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    return np.where(keys[places] == asked, values[places], 0)


def written_on(
    predict: Callable[[Any], Any], prompt: np.ndarray, num_bytes: int, seed: int
) -> np.ndarray:
    """Returns the bytes with which a network goes on, each drawn by its probability.

    Args:
      predict: bytes [1, t] -> logits [1, t, 256].
      prompt: uint8, [t].
      num_bytes: how many to draw.
      seed: of the draws.
    """
    draws = np.random.Philox(key=np.array([seed, 0], np.uint64)).random_raw(num_bytes) / 2.0**64
    text = prompt.copy()
    for draw in draws:
        logits = np.asarray(predict(text[None, -len(prompt) :]))[0, -1].astype(np.float64)
        shares = np.cumsum(np.exp(logits - logits.max()))
        following = np.searchsorted(shares, draw * shares[-1], side="right")
        text = np.append(text, np.uint8(min(following, _NUM_BYTES - 1)))
    return text[len(prompt) :]
