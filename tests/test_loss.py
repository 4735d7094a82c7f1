"""Losses against the equations, in float64."""

import numpy as np
import pytest

from train.tasks.loss import cross_entropy, log_probabilities

LOGITS = np.array([[2.0, -1.0, 0.5], [30.0, -40.0, 90.0]])
LABELS = np.array([1, 0])


def probabilities(head):
    weights = np.exp(LOGITS) if head == "softmax" else 1 / (1 + np.exp(-LOGITS))
    return weights / weights.sum(-1, keepdims=True)


@pytest.mark.parametrize("head", ["softmax", "sigmoid"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_the_cross_entropy_with_smoothed_labels(head, smoothing):
    targets = np.eye(3)[LABELS] * (1 - smoothing) + smoothing / 3
    expected = -(targets * np.log(probabilities(head))).sum(-1)
    log_p = log_probabilities(LOGITS.astype(np.float32), head)
    np.testing.assert_allclose(cross_entropy(log_p, LABELS, smoothing), expected, rtol=1e-6)


def test_the_sigmoid_head_gives_probabilities_that_sum_to_one():
    log_p = log_probabilities(LOGITS.astype(np.float32), "sigmoid")
    np.testing.assert_allclose(np.exp(log_p).sum(-1), 1, rtol=1e-6)


def test_the_sigmoid_head_saturates_where_softmax_does_not():
    """Two outputs far above zero are both 'on': that is what the paper's sigmoid output means."""
    log_p = log_probabilities(np.array([[20.0, 40.0, -40.0]], np.float32), "sigmoid")
    np.testing.assert_allclose(np.exp(log_p[0, :2]), 0.5, rtol=1e-6)
