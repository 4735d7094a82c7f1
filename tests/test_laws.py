"""What holds for every schedule; a new one joins by a line in EVERY_SCHEDULE.

Most laws are those of `la.testing.check_schedule`, which holds for a user's own schedules too. The
others follow here.

Compiling is what a law costs: those that need a program of their own take one schedule of each
form (the class, its options and which parts are there), or run all forms as one program.
"""

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
from every_schedule import CYCLE, EVERY_SCHEDULE, OF_FUNCTIONS, OF_PEERS, ONE_OF_EACH_CLASS

import log_anneal as la
from log_anneal._core.record import SCHEDULES

ALL = EVERY_SCHEDULE + OF_FUNCTIONS + OF_PEERS
ONE_OF_EACH_FORM = list({jax.tree.structure(schedule): schedule for schedule in ALL}.values())

every_schedule = pytest.mark.parametrize("schedule", EVERY_SCHEDULE, ids=repr)
all_schedules = pytest.mark.parametrize("schedule", ALL, ids=repr)
one_of_each_form = pytest.mark.parametrize("schedule", ONE_OF_EACH_FORM, ids=repr)


def test_no_class_is_left_out_of_the_list():
    assert {type(schedule) for schedule in ALL} == set(SCHEDULES.values())


def test_every_class_and_its_factory_are_public():
    for name, cls in SCHEDULES.items():
        door = sys.modules[cls.__module__]
        assert getattr(door, cls.__name__) is cls
        assert {cls.__name__, f"{name}_schedule"} <= {*door.__all__}
        assert getattr(door, f"{name}_schedule").__doc__


def changes_when_stretched(schedule):
    """Formulas that count whole steps, and shrinking cycles, which end at one step."""
    parts = (schedule, *(part for part in vars(schedule).values() if isinstance(part, la.Schedule)))
    return any(
        getattr(part, "form", "anchored") != "anchored"
        or getattr(part, "restart_multiplier", 1) < 1
        for part in parts
    )


@all_schedules
def test_keeps_the_laws_that_hold_for_schedules_of_ones_own(schedule):
    skip = ["stretch"] if changes_when_stretched(schedule) else []
    la.testing.check_schedule(schedule, skip=skip)


def in_branch(schedule, steps):
    return jax.lax.cond(steps[0] < 0, lambda steps: 0.0 * steps, schedule, steps)


MODES = {
    "branch": in_branch,
    "jit in jit": lambda schedule, steps: jax.jit(schedule)(steps),
    "checkpoint": lambda schedule, steps: jax.checkpoint(schedule)(steps),
}


def test_is_the_float64_value_inside_other_transformations():
    modes = jax.jit(
        lambda schedules, steps: [
            {name: run(each, steps) for name, run in MODES.items()} for each in schedules
        ]
    )
    for schedule, values in zip(
        ONE_OF_EACH_CLASS, modes(ONE_OF_EACH_CLASS, jnp.arange(40)), strict=True
    ):
        for mode, ours in values.items():
            said = f"{mode}: {schedule!r}"
            np.testing.assert_allclose(ours, schedule.at(np.arange(40)), rtol=1e-5, err_msg=said)


def test_is_the_float64_value_on_every_device():
    on_all = jax.pmap(lambda schedules, steps: [s(steps) for s in schedules], in_axes=(None, 0))
    parts = np.arange(40).reshape(jax.local_device_count(), -1)
    for schedule, values in zip(ONE_OF_EACH_CLASS, on_all(ONE_OF_EACH_CLASS, parts), strict=True):
        expected = schedule.at(parts)
        np.testing.assert_allclose(values, expected, rtol=1e-5, err_msg=repr(schedule))


@one_of_each_form
def test_is_the_float64_value_step_by_step(schedule):
    values = np.stack([schedule(step) for step in range(40)])
    np.testing.assert_allclose(values, schedule.at(np.arange(40)), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64"])
def test_takes_steps_of_every_integer_dtype(dtype):
    schedule = la.cyclical_linear_schedule(peak_value=1.0, end_value=0.0, decay_steps=100)
    expected = [1.0, np.float32(0.97), 0.0]
    np.testing.assert_array_equal(schedule(np.array([0, 3, 127], dtype)), expected)
    if dtype != "int64":  # which a device takes under x64 alone
        np.testing.assert_array_equal(schedule(jnp.array([0, 3, 127], dtype)), expected)


def test_clips_steps_beyond_int32():
    schedule = la.step_decay_schedule(init_value=1.0, decay_steps=2**30, decay_rate=0.5)
    assert schedule(2**40) == schedule(np.uint32(2**32 - 1)) == schedule.at(2**40) == 0.5
    assert schedule(jnp.uint32(2**32 - 1)) == 0.5
    assert schedule(-(2**40)) == schedule(np.array(-(2**40))) == 1
    assert schedule(2**70) == schedule.at(2**70) == 0.5
    assert schedule(-(2**31)) == schedule.at(-(2**70)) == 1


NOT_WHOLE = [1.5, np.float32(0.5), np.array([1.0, 1.5]), np.nan, np.inf, True, 1j, None]


@pytest.mark.parametrize("step", NOT_WHOLE)
@all_schedules
def test_refuses_a_step_that_is_no_whole_number(schedule, step):
    with pytest.raises(TypeError, match=r"`step` must be a whole number.*stretch"):
        schedule(step)
    with pytest.raises(TypeError, match=r"`step` must be a whole number.*stretch"):
        schedule.at(step)


@all_schedules
def test_a_value_on_the_host_has_the_shape_of_its_steps(schedule):
    for shape in [(), (3,), (2, 3), (0,)]:
        assert np.shape(schedule.at(np.zeros(shape, np.int32))) == shape


@one_of_each_form
def test_is_strong_float32_under_x64(schedule):
    with jax.enable_x64(True):
        values = jax.eval_shape(schedule, jax.ShapeDtypeStruct((5,), jnp.int64))
        assert values.dtype == jnp.float32 and not values.weak_type


def test_is_the_float64_value_under_x64():
    schedule, steps = (
        la.cyclical_log_schedule(**CYCLE),
        np.array([-(2**40), 0, 3, 2**31 - 1, 2**40]),
    )
    with jax.enable_x64(True):
        values = schedule(jnp.asarray(steps))
    np.testing.assert_allclose(values, schedule.at(steps), rtol=1e-5)


@all_schedules
def test_building_one_does_no_work_on_a_device(schedule):
    with jax.transfer_guard("disallow"):
        again = dataclasses.replace(schedule)
    assert all(isinstance(leaf, (np.ndarray, np.generic)) for leaf in jax.tree.leaves(again))


def nearly_constant(schedule):
    """The same with cycles that hardly grow, of which a table holds many."""
    fields = {field.name for field in dataclasses.fields(schedule)}
    return dataclasses.replace(
        schedule, **{"restart_multiplier": 1.05} if "restart_multiplier" in fields else {}
    )


@pytest.mark.parametrize("structure", dict.fromkeys(map(jax.tree.structure, EVERY_SCHEDULE)))
def test_one_trace_serves_all_schedules_of_a_class_and_form(structure):
    @chex.assert_max_traces(n=1)
    def evaluate(schedule, step):
        return schedule(step)

    chex.clear_trace_counter()
    traced = jax.jit(evaluate)
    schedules = [each for each in EVERY_SCHEDULE if jax.tree.structure(each) == structure]
    on_one_device = jax.device_put(schedules[0])
    schedules += [schedules[0].stretch(3), nearly_constant(schedules[0])]
    if schedules[0].name in ("chain", "tabulated", "multi_step"):  # as long as what they hold
        sizes = [list(map(np.shape, jax.tree.leaves(each))) for each in schedules]
        schedules = [each for each, size in zip(schedules, sizes, strict=True) if size == sizes[0]]
    for schedule in [*schedules, on_one_device, jax.tree.map(np.asarray, on_one_device)]:
        traced.eval_shape(schedule, jnp.int32(0))


def together(optimizers):
    """Several optimizers as one, each for parameters of its own: one program instead of many."""
    return optax.GradientTransformation(
        lambda params: [each.init(params) for each in optimizers],
        lambda updates, states, params: tuple(
            zip(
                *(
                    each.update(updates, s, params)
                    for each, s in zip(optimizers, states, strict=True)
                ),
                strict=True,
            )
        ),
    )


def test_works_in_optax_with_bfloat16_parameters():
    params = {"w": jnp.ones(2, jnp.bfloat16)}
    wrap = optax.inject_hyperparams(optax.sgd)
    optimizer = together([wrap(learning_rate=schedule) for schedule in ONE_OF_EACH_CLASS])
    update, states = jax.jit(optimizer.update), optimizer.init(params)
    for step in range(3):
        _, states = update(params, states, params)
        for schedule, state in zip(ONE_OF_EACH_CLASS, states, strict=True):
            rate = state.hyperparams["learning_rate"]
            np.testing.assert_allclose(np.float64(rate), schedule.at(step), rtol=1e-5)
            assert rate.dtype == jnp.float32


@pytest.mark.parametrize(
    ("wrap", "every"),
    [(optax.sgd, 1), (optax.adamw, 1), (lambda s: optax.MultiSteps(optax.sgd(s), 2), 2)],
    ids=["sgd", "adamw", "MultiSteps"],
)
def test_is_the_learning_rate_of_every_update_of_optax(wrap, every):
    params = {"w": jnp.ones(2)}
    schedules = [la.constant_schedule(0.1), la.cyclical_log_schedule(**CYCLE)]
    optimizer = together(
        [wrap(schedule) for schedule in (*schedules, optax.constant_schedule(1.0))]
    )
    update, states = jax.jit(optimizer.update), optimizer.init(params)
    for step in range(4):
        (*updates, unit), states = update(params, states, params)
        for schedule, ours in zip(schedules, updates, strict=True):
            expected = schedule.at(step // every) * unit["w"]
            np.testing.assert_allclose(ours["w"], expected, rtol=1e-5)
    assert unit["w"].all()


def test_joins_with_optax_schedules():
    def joined(step):
        several = [[optax.constant_schedule(0.5), schedule] for schedule in ONE_OF_EACH_CLASS]
        return [optax.join_schedules(both, [10])(step) for both in several]

    expected = [schedule.at(3) for schedule in ONE_OF_EACH_CLASS]
    np.testing.assert_allclose(jax.jit(joined)(jnp.int32(13)), expected, rtol=1e-5)


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
        np.testing.assert_allclose(again.at(17), schedule.at(17), rtol=1e-6)


@every_schedule
def test_is_the_same_on_the_host_after_a_trip_through_the_device(schedule):
    returned = jax.device_put(schedule)
    steps = np.arange(100)
    np.testing.assert_allclose(returned.at(steps), schedule.at(steps), rtol=1e-6)
    assert returned.restarts(1000) == schedule.restarts(1000)


def test_comes_back_from_a_checkpoint_equal(tmp_path):
    state = {"schedules": EVERY_SCHEDULE}
    with orbax.checkpoint.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "state", state)
        checkpointer.wait_until_finished()
        restored = checkpointer.restore(tmp_path / "state", state)["schedules"]
    assert restored == EVERY_SCHEDULE


@every_schedule
def test_prints_copies_and_compares_inside_a_traced_function(schedule):
    @jax.jit
    def evaluate(schedule, step):
        again = copy.copy(schedule)
        assert again == schedule and hash(again) == hash(schedule) and again != 2
        assert repr(again).startswith(f"{schedule.name}_schedule(")
        return copy.deepcopy(again)(step)

    assert jax.eval_shape(evaluate, schedule, 7).shape == ()


@every_schedule
def test_stretching_inside_a_traced_function_is_refused_with_the_way_out(schedule):
    if any(name.endswith("_steps") for name in schedule._number_names):
        with pytest.raises(TypeError, match=r"(_steps|parts)` must be known .* outside the traced"):
            jax.jit(lambda schedule: schedule.stretch(2)(0))(schedule)
    with pytest.raises(TypeError, match="`factor` must be known"):
        jax.jit(lambda factor: schedule.stretch(factor)(0))(2)


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


@pytest.mark.parametrize("schedule", ONE_OF_EACH_CLASS, ids=repr)
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
    np.testing.assert_allclose(returned.at(17), schedule.at(17), rtol=1e-6)
    assert dataclasses.replace(returned).restarts(100) == schedule.restarts(100)
    assert repr(returned)


@every_schedule
def test_cannot_be_changed(schedule):
    for field in dataclasses.fields(schedule):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(schedule, field.name, 1)


@every_schedule
def test_stretching_there_and_back_is_no_change(schedule):
    assert schedule.stretch(6).stretch(1 / 6) == schedule


def test_vmap_over_stacked_schedules_is_each_of_them():
    several = [[each, each.stretch(2), nearly_constant(each)] for each in ONE_OF_EACH_CLASS]

    @jax.jit
    def evaluate_each(stacks):
        return [jax.vmap(lambda schedule: schedule(jnp.arange(40)))(stack) for stack in stacks]

    for each, values in zip(several, evaluate_each([*map(la.stack, several)]), strict=True):
        expected = np.stack([schedule.at(np.arange(40)) for schedule in each])
        np.testing.assert_allclose(values, expected, rtol=1e-5, err_msg=repr(each[0]))


@pytest.mark.parametrize("step", [12345, np.int64(12345)])
@every_schedule
def test_makes_few_calls_on_the_host(schedule, step):
    """Calls depend on no machine; `benchmarks/schedules.py` has the microseconds."""
    schedule.at(0)
    calls = []
    sys.setprofile(lambda frame, event, function: calls.append(event))
    schedule.at(step)
    sys.setprofile(None)
    assert sum(event in ("call", "c_call") for event in calls) <= 60


def test_has_no_methods_that_optax_takes_for_a_stateful_schedule():
    for cls in SCHEDULES.values():
        assert not (hasattr(cls, "init") and hasattr(cls, "update"))


@pytest.mark.parametrize("dtype", [float, np.float32, np.float16, jnp.bfloat16])
def test_takes_floats_that_are_whole_numbers(dtype):
    schedule = la.cyclical_linear_schedule(peak_value=1.0, end_value=0.0, decay_steps=8)
    steps = np.array([-1.0, 0.0, 2.0, 8.0, 100.0], dtype)
    for several in (steps, jnp.asarray(steps), steps.tolist()):
        np.testing.assert_array_equal(schedule(several), [1, 1, 0.75, 0, 0])
        np.testing.assert_array_equal(schedule.at(several), [1, 1, 0.75, 0, 0])
    one = steps[2]
    assert schedule(one) == schedule.at(one) == schedule(2.0) == schedule.at(2.0) == 0.75
    assert type(schedule.at(2.0)) is float and schedule(one).shape == ()
    assert la.where_in(schedule, one) == (0, 2, 8)
    assert schedule(1e300) == schedule.at(1e300) == 0 and schedule(-1e300) == 1


def test_a_traced_float_is_refused_with_the_way_out():
    with pytest.raises(TypeError, match=r"got a traced float32. Round it .*astype\(jnp.int32\)"):
        jax.jit(la.constant_schedule(0.1))(2.0)


def test_a_float_step_error_names_the_value():
    with pytest.raises(TypeError, match=r"got 0\.5"):
        la.constant_schedule(0.1)(0.5)
