"""What holds for every schedule; a new one joins by a line in EVERY_SCHEDULE."""

import copy
import dataclasses
import pickle
import sys

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint
import pytest
from every_schedule import EVERY_SCHEDULE, MODES, ONE_OF_EACH_CLASS

import log_anneal as la
from log_anneal._schedule import SCHEDULES

EXTREMES = np.array([-(2**31), -1, 0, 1, 2**24 + 1, 2**31 - 2, 2**31 - 1], np.int32)

every_schedule = pytest.mark.parametrize("schedule", EVERY_SCHEDULE, ids=repr)
one_of_each_class = pytest.mark.parametrize("schedule", ONE_OF_EACH_CLASS, ids=repr)
every_mode = pytest.mark.parametrize("run", MODES.values(), ids=MODES)


def test_no_class_is_left_out_of_the_list():
    assert {type(schedule) for schedule in EVERY_SCHEDULE} == set(SCHEDULES.values())


def test_every_class_and_its_factory_are_public():
    for name, cls in SCHEDULES.items():
        assert getattr(la, cls.__name__) is cls
        assert f"{name}_schedule" in la.__all__
        assert getattr(la, f"{name}_schedule").__doc__


@every_mode
@every_schedule
def test_is_the_float64_value_in_every_mode(schedule, run):
    steps = jnp.arange(40)
    np.testing.assert_allclose(run(schedule, steps), schedule.at(np.arange(40)), rtol=1e-5)


@every_schedule
def test_is_the_float64_value_up_to_the_last_step(schedule):
    draws = np.random.default_rng(0).integers(0, 2**31, 2000)
    steps = np.unique(np.concatenate([draws, draws >> 12, draws >> 22, EXTREMES[2:]]))
    expected = schedule.at(steps)
    normal = expected > np.finfo(np.float32).tiny  # below, float32 has no digits to be exact in
    np.testing.assert_allclose(np.asarray(schedule(steps))[normal], expected[normal], rtol=1e-5)
    assert (np.asarray(schedule(steps))[~normal] <= np.finfo(np.float32).tiny).all()


@every_schedule
def test_is_finite_and_not_negative_at_the_extremes(schedule):
    values = np.asarray(schedule(jnp.asarray(EXTREMES)))
    assert np.isfinite(values).all() and (values >= 0).all()


@every_schedule
def test_has_its_first_value_before_the_start(schedule):
    for before in (np.array([-(2**31), -7, -1], np.int32), jnp.array([-(2**31), -7, -1])):
        np.testing.assert_array_equal(schedule(before), [schedule(0)] * 3)
    assert schedule.at(-(2**70)) == schedule.at(0)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64"])
@one_of_each_class
def test_takes_steps_of_every_integer_dtype(schedule, dtype):
    steps = np.array([0, 3, 127], dtype)
    np.testing.assert_array_equal(schedule(steps), schedule(np.array([0, 3, 127], np.int32)))


def test_clips_steps_beyond_int32():
    schedule = la.step_decay_schedule(init_value=1.0, decay_steps=2**30, decay_rate=0.5)
    assert schedule(2**40) == schedule(np.uint32(2**32 - 1)) == schedule.at(2**40) == 0.5
    assert schedule(jnp.uint32(2**32 - 1)) == 0.5
    assert schedule(-(2**40)) == schedule(np.array(-(2**40))) == 1
    assert schedule(2**70) == schedule.at(2**70) == 0.5


@pytest.mark.parametrize("step", [1.5, np.float32(1), np.array([1.0]), True])
@every_schedule
def test_refuses_a_step_that_is_no_whole_number(schedule, step):
    with pytest.raises(TypeError, match=r"`step` must be a whole number.*stretch"):
        schedule(step)
    with pytest.raises(TypeError, match=r"`step` must be a whole number.*stretch"):
        schedule.at(step)


@every_schedule
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (0,)])
def test_is_elementwise_in_strong_float32(schedule, shape):
    values = schedule(jnp.zeros(shape, jnp.int32))
    chex.assert_shape(values, shape)
    assert values.dtype == jnp.float32 and not values.weak_type
    assert np.shape(schedule.at(np.zeros(shape, np.int32))) == shape


@every_schedule
def test_is_strong_float32_under_x64(schedule):
    steps = np.array([-(2**40), 0, 3, 2**31 - 1, 2**40])
    with jax.enable_x64(True):
        values = schedule(jnp.asarray(steps))
    assert values.dtype == jnp.float32 and not values.weak_type
    np.testing.assert_allclose(values, schedule.at(steps), rtol=1e-5, atol=1e-38)


@every_schedule
def test_building_one_does_no_work_on_a_device(schedule):
    with jax.transfer_guard("disallow"):
        again = dataclasses.replace(schedule)
    assert not any(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(again))


def nearly_constant(schedule):
    """The same with cycles that hardly grow, of which a table holds many."""
    fields = {field.name for field in dataclasses.fields(schedule)}
    return dataclasses.replace(
        schedule, **{"restart_multiplier": 1.05} if "restart_multiplier" in fields else {}
    )


@pytest.mark.parametrize("structure", dict.fromkeys(map(jax.tree.structure, EVERY_SCHEDULE)))
def test_one_trace_serves_all_schedules_of_a_class_and_form(structure):
    chex.clear_trace_counter()

    @jax.jit
    @chex.assert_max_traces(n=1)
    def evaluate(schedule, step):
        return schedule(step)

    schedules = [each for each in EVERY_SCHEDULE if jax.tree.structure(each) == structure]
    on_device = jax.device_put(schedules[0])
    schedules += [schedules[0].stretch(3), nearly_constant(schedules[0])]
    for schedule in [*schedules, on_device, jax.tree.map(np.asarray, on_device)]:
        for step in range(3):
            np.testing.assert_allclose(
                evaluate(schedule, step), schedule.at(step), rtol=1e-5, err_msg=repr(schedule)
            )


@one_of_each_class
def test_works_in_optax_with_bfloat16_parameters(schedule):
    params = {"w": jnp.ones(2, jnp.bfloat16)}
    optimizer = optax.chain(optax.inject_hyperparams(optax.sgd)(learning_rate=schedule))
    state = optimizer.init(params)

    @jax.jit
    def update(state):
        return optimizer.update(params, state, params)[1]

    for step in range(3):
        state = update(state)
        rate = state[0].hyperparams["learning_rate"]
        np.testing.assert_allclose(np.float64(rate), schedule.at(step), rtol=1e-5)
        assert rate.dtype == jnp.float32


@one_of_each_class
@pytest.mark.parametrize(
    ("wrap", "every"),
    [(optax.sgd, 1), (optax.adamw, 1), (lambda s: optax.MultiSteps(optax.sgd(s), 2), 2)],
)
def test_is_the_learning_rate_of_every_update_of_optax(schedule, wrap, every):
    params = {"w": jnp.ones(2)}
    ours, unit = wrap(schedule), wrap(optax.constant_schedule(1.0))
    update, state, unit_state = jax.jit(ours.update), ours.init(params), unit.init(params)
    for step in range(4):
        updates, state = update(params, state, params)
        expected, unit_state = unit.update(params, unit_state, params)
        np.testing.assert_allclose(
            updates["w"], schedule.at(step // every) * expected["w"], rtol=1e-5
        )
    assert updates["w"].all()


@one_of_each_class
def test_joins_with_optax_schedules(schedule):
    joined = optax.join_schedules([optax.constant_schedule(0.5), schedule], [10])
    np.testing.assert_allclose(joined(jnp.int32(13)), schedule.at(3), rtol=1e-5)


@every_schedule
def test_survives_copying_pickling_and_printing(schedule):
    for again in (
        pickle.loads(pickle.dumps(schedule)),
        copy.copy(schedule),
        copy.deepcopy(schedule),
        eval(repr(schedule), vars(la)),
        jax.tree.map(lambda leaf: leaf, schedule),
        pickle.loads(pickle.dumps(jax.tree.map(lambda leaf: leaf, schedule))),
        jax.device_put(schedule),
        pickle.loads(pickle.dumps(jax.device_put(schedule))),
    ):
        assert again == schedule
        assert hash(again) == hash(schedule)
        assert again.at(17) == schedule.at(17)


@every_schedule
def test_is_the_same_on_the_host_after_a_trip_through_the_device(schedule):
    returned = jax.device_put(schedule)
    steps = np.arange(100)
    np.testing.assert_allclose(returned.at(steps), schedule.at(steps), rtol=1e-6)
    assert returned.restarts(1000) == schedule.restarts(1000)
    if getattr(schedule, "restart_multiplier", 2.0).is_integer():  # its table is exact in float32
        np.testing.assert_array_equal(returned.at(steps), schedule.at(steps))


def test_comes_back_from_a_checkpoint_equal(tmp_path):
    state = {"schedules": EVERY_SCHEDULE}
    with orbax.checkpoint.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "state", state)
        checkpointer.wait_until_finished()
        restored = checkpointer.restore(tmp_path / "state", state)["schedules"]
    assert restored == EVERY_SCHEDULE
    assert [schedule(7) for schedule in restored] == [schedule(7) for schedule in EVERY_SCHEDULE]


@every_schedule
def test_prints_copies_and_compares_inside_a_traced_function(schedule):
    @jax.jit
    def evaluate(schedule, step):
        again = copy.copy(schedule)
        assert again == schedule and hash(again) == hash(schedule) and again != 2
        assert repr(again).startswith(f"{schedule.name}_schedule(")
        return copy.deepcopy(again)(step)

    np.testing.assert_allclose(evaluate(schedule, 7), schedule.at(7), rtol=1e-5)


@every_schedule
def test_stretching_inside_a_traced_function_is_refused_with_the_way_out(schedule):
    if any(name.endswith("_steps") for name in schedule._number_names):
        with pytest.raises(TypeError, match=r"_steps` must be known .* outside the traced"):
            jax.jit(lambda schedule: schedule.stretch(2)(0))(schedule)
    with pytest.raises(TypeError, match="`factor` must be known"):
        jax.jit(lambda factor: schedule.stretch(factor)(0))(2)


@one_of_each_class
def test_gradients_pass_through_a_checkpointed_schedule(schedule):
    field = schedule._number_names[0]

    def value(number, wrap):
        return wrap(dataclasses.replace(schedule, **{field: number}))(jnp.int32(7))

    plain, checkpointed = (
        jax.grad(value)(0.1, wrap) for wrap in (lambda schedule: schedule, jax.checkpoint)
    )
    assert plain == checkpointed != 0


@every_schedule
def test_trees_of_other_numbers_in_its_shape_print_copy_and_pickle(schedule):
    stacked = jax.tree.map(lambda leaf: np.stack([leaf, leaf]), schedule)
    negative = jax.tree.map(lambda leaf: -1 - leaf, schedule)
    for tree in (stacked, negative):
        assert repr(tree)
        for again in (copy.copy(tree), copy.deepcopy(tree), pickle.loads(pickle.dumps(tree))):
            assert jax.tree.structure(again) == jax.tree.structure(tree)
            jax.tree.map(np.testing.assert_array_equal, again, tree)
            assert again == tree


@every_schedule
def test_a_gradient_prints_and_compares(schedule):
    slope = jax.grad(lambda s: s(7), allow_int=True)(schedule)
    assert repr(slope) != repr(schedule) and slope == slope and slope != schedule


@one_of_each_class
@pytest.mark.parametrize(
    "use", [lambda s: s(0), lambda s: s.at(0), lambda s: s.restarts(10), la.to_json, la.to_dict]
)
def test_a_stack_of_schedules_is_refused_and_vmap_named(schedule, use):
    stacked = jax.tree.map(lambda leaf: np.stack([leaf, leaf]), schedule)
    with pytest.raises(
        ValueError, match=r"`schedule` must be .* a stack of shape \(2,\).*jax.vmap"
    ):
        use(stacked)


@every_schedule
def test_is_equal_to_no_other(schedule):
    assert [other for other in EVERY_SCHEDULE if other == schedule] == [schedule]
    assert schedule != 0.1
    assert schedule != jax.tree.map(lambda leaf: leaf + 1, schedule)
    assert schedule != jax.tree.map(lambda leaf: None, schedule)


@every_schedule
def test_comes_back_from_a_jitted_function_whole(schedule):
    returned = jax.jit(lambda schedule: schedule)(schedule)
    assert returned == schedule and hash(returned) == hash(schedule)
    np.testing.assert_allclose(returned.at(17), schedule.at(17), rtol=1e-7)
    assert dataclasses.replace(returned).restarts(100) == schedule.restarts(100)
    assert repr(returned)


@every_schedule
def test_cannot_be_changed(schedule):
    for field in dataclasses.fields(schedule):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(schedule, field.name, 1)


@every_schedule
def test_stretching_multiplies_time_and_nothing_else(schedule):
    stretched = schedule.stretch(6)
    assert stretched.stretch(1 / 6) == schedule
    if getattr(schedule, "restart_multiplier", 1) >= 1:  # shrinking cycles end at one step
        assert [-(-step // 6) for step in stretched.restarts(600)] == schedule.restarts(100)
        if getattr(schedule, "form", "") != "equation_4":  # which counts whole steps from 1
            steps = np.arange(100)
            np.testing.assert_allclose(stretched.at(6 * steps), schedule.at(steps), rtol=1e-9)


@jax.jit
def slopes(schedule, steps):
    """Gradients with respect to every field that is real, and to every derived leaf that is."""
    by_leaf = jax.vmap(jax.grad(lambda s, step: s(step), allow_int=True), (None, 0))
    paths = jax.tree_util.tree_leaves_with_path(by_leaf(schedule, steps))
    return {jax.tree_util.keystr(path): s for path, s in paths if s.dtype == jnp.float32}


@every_schedule
def test_gradients_with_respect_to_every_number_are_finite(schedule):
    steps = jnp.array([-1, 0, 1, 4, 5, 14, 15, 16, 35, 10**6, 2**31 - 1])
    for path, slope in slopes(schedule, steps).items():
        assert np.isfinite(slope).all(), path
        assert "_derived" not in path or not slope.any()  # what is derived is no parameter
    real = [f.name for f in dataclasses.fields(schedule) if f.type in (float, float | None)]
    assert {f".{name}" for name in real} <= set(slopes(schedule, steps))


@jax.jit
def evaluate_each(stacked):
    return jax.vmap(lambda schedule: schedule(jnp.arange(40)))(stacked)


@every_schedule
def test_vmap_over_stacked_schedules_is_each_of_them(schedule):
    others = [schedule, schedule.stretch(2), nearly_constant(schedule)]
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *others)
    expected = np.stack([other.at(np.arange(40)) for other in others])
    np.testing.assert_allclose(evaluate_each(stacked), expected, rtol=1e-5)


@pytest.mark.parametrize("step", [12345, np.int64(12345)])
@every_schedule
def test_makes_few_calls_on_the_host(schedule, step):
    """Calls depend on no machine; `benchmarks/schedules.py` has the microseconds."""
    schedule.at(0)
    calls = []
    sys.setprofile(lambda frame, event, function: calls.append(event))
    schedule.at(step)
    sys.setprofile(None)
    assert sum(event in ("call", "c_call") for event in calls) <= 40


def test_has_no_methods_that_optax_takes_for_a_stateful_schedule():
    for cls in SCHEDULES.values():
        assert not (hasattr(cls, "init") and hasattr(cls, "update"))


def test_a_float_step_error_names_the_value():
    with pytest.raises(TypeError, match=r"got 0\.5"):
        la.constant_schedule(0.1)(0.5)
