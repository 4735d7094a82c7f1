"""Language: the network, the 5-gram model beside it, and the text that it writes."""

import math
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from every_task import EVERY_TASK, TEXT

from train.errors import UserError
from train.models.language import byte_transformer, rotary
from train.models.model import num_params
from train.run.job import prepare
from train.tasks.language import Language
from train.tasks.language_baselines import ngram_bits, written_on

pytestmark = pytest.mark.usefixtures("unoptimized")


@pytest.mark.parametrize(("width", "depth", "num_heads"), [(16, 1, 2), (128, 4, 4)])
def test_the_network_has_as_many_parameters_as_its_formula_says(width, depth, num_heads):
    params, stats = jax.eval_shape(
        byte_transformer(width, depth, num_heads).init, jax.random.key(0)
    )
    blocks = depth * (12 * width**2 + 4 * width)
    assert num_params(params) == 256 * width + blocks + 2 * width
    assert not stats


def test_a_byte_is_predicted_from_those_before_it_alone():
    model = byte_transformer(16, 2, 2)
    params, stats = model.init(jax.random.key(1))
    text = np.random.default_rng(0).integers(0, 256, (2, 12), np.uint8)
    other = text.copy()
    other[:, 8:] ^= 1
    logits, changed = (model.apply(params, stats, each, False, None)[0] for each in (text, other))
    assert logits.shape == (2, 12, 256)
    np.testing.assert_allclose(logits[:, :8], changed[:, :8], atol=1e-6)
    assert (np.abs(logits[:, 8:] - changed[:, 8:]).max((0, 2)) > 1e-4).all()


def test_rotary_products_depend_on_the_distance_alone():
    one, two = jax.random.normal(jax.random.key(0), (2, 8))
    query, key = (rotary(jnp.tile(each, (1, 20, 1, 1)))[0, :, 0] for each in (one, two))
    products = query @ key.T
    np.testing.assert_allclose(products[5, 2], products[15, 12], rtol=1e-4)
    np.testing.assert_allclose(products[0, 0], one @ two, rtol=1e-5)
    assert not np.isclose(products[5, 2], products[5, 3], rtol=1e-3)


def by_hand(train, test, first, order):
    """Witten and Bell's smoothing as it is written down: one byte after the other."""
    counts = [Counter() for _ in range(order + 1)]
    for n in range(1, order + 1):
        for end in range(n, len(train) + 1):
            counts[n][bytes(train[end - n : end])] += 1

    def probability(gram):
        n = len(gram)
        if not n:
            return 1 / 256
        begun = [each for each in counts[n] if each[:-1] == gram[:-1]]
        lower = probability(gram[1:])
        if not begun:
            return lower
        total = sum(counts[n][each] for each in begun)
        return (counts[n][gram] + len(begun) * lower) / (total + len(begun))

    grams = [bytes(test[at - order + 1 : at + 1]) for at in range(first, len(test))]
    return -np.mean([math.log2(probability(gram)) for gram in grams])


@pytest.mark.parametrize("order", [1, 2, 5])
def test_the_ngram_model_is_that_of_witten_and_bell(order):
    text = np.frombuffer(TEXT.read_bytes()[:900], np.uint8)
    train, test = text[:800], np.append(text[800:], np.uint8(200))  # 200 is never seen before
    found = ngram_bits(train, test, first=7, order=order)
    assert found == pytest.approx(by_hand(train, test, 7, order), rel=1e-9)


def test_the_ngram_model_gives_probabilities_that_add_up_to_1():
    train = np.frombuffer(b"abracadabra, abracadabra", np.uint8)
    for context in (b"abra", b"zzzz", b"cada"):
        shares = [
            2 ** -ngram_bits(train, np.frombuffer(context + bytes([last]), np.uint8), first=4)
            for last in range(256)
        ]
        assert sum(shares) == pytest.approx(1)


def test_evaluation_counts_each_byte_once_with_half_a_context_before_it():
    config = EVERY_TASK["language"]()
    job = prepare(config)
    test, half = job.data.examples("test"), config.task.context // 2
    rows = jnp.arange(job.data.sizes["test"])
    split = job.place_splits()["test"]
    batch = job.program.learner.batch(split, rows, None)
    counted = np.asarray(batch.following)[:, half:].ravel()
    np.testing.assert_array_equal(counted, test[half + 1 : half + 1 + counted.size])
    assert len(test) - (half + 1 + counted.size) < half


def test_training_passages_begin_at_other_places_in_each_epoch():
    job = prepare(EVERY_TASK["language"]())
    split, rows = job.place_splits()["train"], jnp.arange(5)
    train = job.data.examples("train").tobytes()
    found = [
        np.asarray(job.program.learner.batch(split, rows, jax.random.split(key, 5)).text)
        for key in jax.random.split(jax.random.key(0))
    ]
    assert not np.array_equal(*found)
    assert all(passage.tobytes() in train for each in found for passage in each)


def test_the_network_writes_on_by_its_own_probabilities():
    def predict(text):
        logits = np.full((1, text.shape[1], 256), -1e9)
        logits[0, -1, (int(text[0, -1]) + 1) % 256] = (
            0.0  # each byte is followed by the next number
        )
        return logits

    prompt = np.array([3, 254], np.uint8)
    assert written_on(predict, prompt, 4, seed=0).tolist() == [255, 0, 1, 2]
    flat = [written_on(lambda text: np.zeros((1, 2, 256)), prompt, 30, seed) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(flat[0], flat[1])
    assert not np.array_equal(flat[0], flat[2])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dataset": "cifar10"}, "`dataset` must be pydoc_topics or text:PATH for the task lang"),
        ({"dataset": "text:nowhere.txt"}, "`dataset` must name a file that can be read, got nowh"),
        ({"task": Language(context=512)}, r"at least three times `task.context` bytes \(1536\)"),
    ],
    ids=["name", "path", "length"],
)
def test_a_text_that_cannot_be_used_is_said(change, said):
    with pytest.raises(UserError, match=said):
        prepare(EVERY_TASK["language"](**change))


def test_heads_must_divide_the_width_into_even_parts():
    with pytest.raises(UserError, match=r"`task\.width` must be divisible by .* \(8\), got 20"):
        Language(width=20, num_heads=4)


def test_the_topics_of_python_are_a_text_of_their_own():
    data = prepare(EVERY_TASK["language"](dataset="pydoc_topics")).data
    assert data.examples("train").tobytes().startswith(b'The "assert" statement')
    assert data.digest != prepare(EVERY_TASK["language"]()).data.digest
