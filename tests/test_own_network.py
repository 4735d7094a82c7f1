"""A network, a metric and a schedule of the user's own, in a configuration file."""

import json
import re

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx
from small import ROOT, SCHEDULE, config, here, start

from train.config import Config, fields_of
from train.errors import UserError
from train.models import ModelConfig
from train.models.build import build, decay_mask
from train.study.load import load

PAGE = (ROOT / "docs" / "own_network.md").read_text()
CONFIG = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
IMAGES = np.random.default_rng(0).random((6, 32, 32, 3), np.float32)


class Net(nnx.Module):
    def __init__(self, num_classes, rngs):
        self.norm = nnx.BatchNorm(3, rngs=rngs)
        self.dropout = nnx.Dropout(0.5, rngs=rngs)
        self.layers = nnx.List([nnx.Linear(3, num_classes, rngs=rngs)])

    def __call__(self, images):
        return self.layers[0](self.dropout(self.norm(images)).mean((1, 2)))


def own(builder, num_classes=10):
    model = ModelConfig(builder=builder)
    return build(model, num_classes=num_classes, axis_name=None)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "my_mlp.py"
    path.write_text(CONFIG)
    return path


def lines(folder, kind="train"):
    found = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return [line for line in found if line["kind"] == kind]


def test_the_page_trains_and_goes_on_to_the_same_bits(file, tmp_path):
    small = ("--batch-size", "240", "--num-test-images", "60", "--augment.no-flip")

    def begin(name, *words):
        folder = str(tmp_path / name)
        return start(str(file), "--workdir", folder, *small, *words, optimized=True)

    whole = begin("whole")
    whole.communicate()
    assert whole.returncode == 0
    parted = begin("parted", "--chunk-steps", "1")
    for line in parted.stdout:
        if "epoch 2/3" in line:
            parted.terminate()
            break
    parted.communicate()
    # It may have ended before the signal came: then there is nothing to go on with.
    again = begin("parted", "--chunk-steps", "1")
    again.communicate()
    assert again.returncode == 0
    names = ("step", "loss", "accuracy", "param_norm", "grad_norm", "update_norm")
    one, other = (
        [[line[name] for name in names] for line in lines(tmp_path / folder)]
        for folder in ("whole", "parted")
    )
    assert one == other and len({line[3] for line in one}) > 3
    summary = json.loads((tmp_path / "whole" / "summary.json").read_text())
    assert summary["model"] == "MLP" and summary["parameters"] == 201_610
    record = json.loads((tmp_path / "whole" / "config.json").read_text())
    assert set(record["model"]) == {"builder"} and record["model"]["builder"]["function"] == "MLP"


def test_another_source_is_another_configuration(file):
    before = load(file)
    file.write_text(CONFIG.replace("Dropout(0.1", "Dropout(0.2"))
    after = load(file)
    assert fields_of(before) != fields_of(after)
    file.write_text(CONFIG)
    assert fields_of(before) == fields_of(load(file))
    file.write_text(CONFIG.replace("tree.norm(params)", "tree.norm(grads)"))
    assert fields_of(before) != fields_of(load(file))


def test_what_is_not_given_is_not_in_the_record():
    # The digests of kept runs are those of records without these fields.
    record = config().to_dict()
    assert "builder" not in record["model"] and "measures" not in record


def test_draws_and_statistics_are_those_of_training_alone():
    model = own(Net)
    params, stats = model.init(jax.random.key(0))
    keys = jax.random.split(jax.random.key(1), 6)
    same, kept = model.apply(params, stats, IMAGES, False, keys)
    np.testing.assert_array_equal(same, model.apply(params, stats, IMAGES, False, keys[::-1])[0])
    assert jax.tree.all(jax.tree.map(np.array_equal, kept, stats))
    first, moved = model.apply(params, stats, IMAGES, True, keys)
    again, _ = model.apply(params, stats, IMAGES, True, keys)
    other, _ = model.apply(params, stats, IMAGES, True, keys[::-1])
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other) and first.dtype == jnp.float32
    assert not jax.tree.all(jax.tree.map(np.array_equal, moved, stats))
    assert jax.tree.leaves(decay_mask(params)) == [False, True, False, False]


class Counts(nnx.Module):
    def __init__(self, num_classes, rngs):
        self.count = nnx.Variable(jnp.zeros(()))
        self.head = nnx.Linear(3, num_classes, rngs=rngs)

    def __call__(self, images):
        return self.head(images.mean((1, 2)))


class Short(Net):
    def __call__(self, images):
        return super().__call__(images)[:, :2]


class Fails(Net):
    def __call__(self, images):
        return images @ jnp.ones((7, 7))


@pytest.mark.parametrize(
    ("builder", "said"),
    [
        (Counts, r"nnx\.Param and nnx\.BatchStat, got Variable too"),
        (Short, r"got \(2, 2\) for 2 images and 10 classes"),
        (Fails, r"the network raises TypeError: .*7"),
        (lambda num_classes: None, r"the builder raises TypeError: .*argument"),
        (lambda num_classes, rngs: 3, r"return an nnx\.Module, got int"),
    ],
    ids=["variable", "shape", "error", "arguments", "no module"],
)
def test_a_network_that_does_not_fit_is_refused_in_one_sentence(builder, said):
    with pytest.raises(UserError, match=rf"^`model\.builder` must .*{said}") as refused:
        own(builder)
    assert "\n" not in str(refused.value)


def test_fields_of_other_networks_and_taken_names_are_refused():
    with pytest.raises(UserError, match=r"`model\.width` must be left out where `model\.builder`"):
        config(model=ModelConfig(builder=Net, width=3))
    for name in ("loss", "learning_rate", "step", "two words"):
        with pytest.raises(UserError, match=rf"`measures` must have names .* got '{name}'"):
            config(measures={name: lambda params, grads, updates: 0.0})
    with pytest.raises(UserError, match=r"`model\.builder` must be a function"):
        ModelConfig(builder=3)
    with pytest.raises(UserError, match="must be a function or a class that a file defines"):
        Config(schedule=SCHEDULE, model=ModelConfig(builder=eval("lambda n, rngs: 0"))).to_dict()


@pytest.mark.parametrize(
    ("measure", "said"),
    [
        (lambda params, grads, updates: params["nothing"], "and raises KeyError: 'nothing'"),
        (lambda params, grads, updates: jnp.ones(3), r"got an array of shape \(3,\)"),
        (lambda params: 0.0, "and raises TypeError"),
    ],
    ids=["error", "shape", "arguments"],
)
def test_a_measure_that_is_no_number_is_refused_in_one_sentence(measure, said):
    from train.engine.step import _measured

    with pytest.raises(UserError, match=rf"^`measures\.mine` must return .*{said}"):
        _measured({"mine": measure}, {}, {}, {})
    found = _measured({"mine": lambda params, grads, updates: optax.tree.norm(grads)}, {}, 2.0, {})
    assert found["mine"] == 2.0


SCHEDULE_OF_ONES_OWN = '''
from typing import ClassVar

import log_anneal as la
from log_anneal.fields import duration, number
from train.config import Config


class FlatTop(la.Schedule):
    """A rise, and a flat top."""

    name: ClassVar[str] = "flat_top"
    peak_value: float = number()
    length_steps: int = duration()

    def value_at(self, step, xp):
        return self.peak_value * xp.minimum(1.0, step * 3 / self.length_steps)


def get_config():
    return Config(schedule=FlatTop(peak_value=0.05, length_steps=2))
'''


@pytest.mark.parametrize("words", [["--help"], ["--epocs", "3"], ["--schedule.peak", "3"]])
def test_the_command_line_knows_a_schedule_class_of_the_file(tmp_path, words):
    path = tmp_path / "flat.py"
    path.write_text(SCHEDULE_OF_ONES_OWN)
    code, out, err = here(str(path), *words)
    assert "Traceback" not in err
    if words == ["--help"]:
        assert code == 0 and "--schedule.peak-value" in out
    else:
        assert code == 2 and len(err.splitlines()) == 1
