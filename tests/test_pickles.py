"""A pickle names public modules alone, and one that was made before the files moved still loads."""

import io
import pickle
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from every_schedule import COSINE, CYCLE, EVERY_SCHEDULE, FALL, RANGE, RISE

import log_anneal as la

FOLDER = Path(__file__).parent / "pickles"
"""Made at commit 245d3f9, whose classes named the private files that they were in."""

WITH_K_DECAY = la.compat.timm_schedule(
    "CosineLRScheduler", base_lr=0.1, t_initial=10, cycle_limit=2, k_decay=2.0
)
WERE = {
    "chain": la.chain([RISE, (0.1, 6), FALL]),
    "clip_of_loop": la.clip(la.loop(COSINE, 40), 0.01, 0.05) + 0.5 * la.shift(FALL, -3),
    "clr": la.clr_schedule(**RANGE, down_steps=3, window="parabolic", step_decay=0.999),
    "cyclical_cosine": la.cyclical_cosine_schedule(
        **CYCLE, restart_decay=0.5, num_restarts=3, final_value=0.002
    ),
    "cyclical_log": la.cyclical_log_schedule(**CYCLE),
    "multi_step": la.multi_step_schedule(
        init_value=0.1, milestones=[5, 12, 13, 30], decay_rate=0.2
    ),
    "one_cycle": la.one_cycle_schedule(peak_value=0.1, warmup_steps=9.5, decay_steps=20.25),
    "stack": la.stack([RISE, FALL]),
    "step_decay": la.step_decay_schedule(init_value=0.1, decay_steps=30, decay_rate=0.1),
    "tabulated": la.tabulated_schedule([0.1, 0.05, 0.2], interval_steps=5, interpolation="linear"),
}


class Recorder(pickle.Unpickler):
    """Keeps the modules that a pickle names."""

    def __init__(self, data):
        super().__init__(io.BytesIO(data))
        self.modules = set()

    def find_class(self, module, name):
        self.modules.add(module)
        return super().find_class(module, name)


@pytest.mark.parametrize(
    "schedule", [*EVERY_SCHEDULE, WITH_K_DECAY], ids=lambda each: type(each).__name__
)
def test_a_pickle_names_no_private_file(schedule):
    recorder = Recorder(pickle.dumps(schedule))
    recorder.load()
    ours = {module for module in recorder.modules if module.startswith("log_anneal")}
    assert ours and not any("._" in module for module in ours)


def test_no_public_name_says_that_it_comes_from_a_private_file():
    for module in (la, la.compat, la.fields, la.plot):
        for name in module.__all__:
            assert "._" not in getattr(vars(module)[name], "__module__", ""), name
            assert "._" not in repr(vars(module)[name]).split(" from ")[0], name


@pytest.mark.parametrize("name", WERE)
def test_a_pickle_of_before_the_move_is_what_it_was(name):
    again = pickle.loads((FOLDER / f"{name}.pkl").read_bytes())
    assert again == WERE[name] and hash(again) == hash(WERE[name])
    assert jax.tree.structure(again) == jax.tree.structure(WERE[name])
    jax.tree.map(np.testing.assert_array_equal, again, WERE[name])
    assert repr(again) == repr(WERE[name])


def test_a_pickle_of_before_the_move_finds_a_shape_of_ours():
    again = pickle.loads((FOLDER / "k_decay.pkl").read_bytes())
    np.testing.assert_array_equal(again.at(np.arange(30)), WITH_K_DECAY.at(np.arange(30)))


def test_a_pickle_of_before_the_move_goes_on_inside_an_optimizer():
    states = pickle.loads((FOLDER / "live_state.pkl").read_bytes())
    optimizer = optax.inject_hyperparams(optax.sgd)(learning_rate=la.live(COSINE))
    state = optimizer.init(jnp.ones(2))
    _, state = optimizer.update(jnp.ones(2), state._replace(hyperparams_states=states))
    (now,) = la.current(state)
    assert now.step == 1 and now.rate == pytest.approx(COSINE.at(1), rel=1e-6)


def test_a_range_test_of_before_the_move_still_suggests():
    test = pickle.loads((FOLDER / "range_test.pkl").read_bytes())
    assert isinstance(test, la.RangeTest)
    assert isinstance(test.suggestions(), la.Suggestions)


def test_every_pickle_of_before_the_move_is_tried():
    others = {"k_decay", "live_state", "range_test"}
    assert {path.stem for path in FOLDER.glob("*.pkl")} == {*WERE, *others}
