"""A schedule in the optimizer's state: its values, its changes, and where it is."""

import sys

import chex
import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint
import pytest

import log_anneal as la

CYCLE = {"peak_value": 0.1, "end_value": 1e-3, "decay_steps": 10}
COSINE = la.cyclical_cosine_schedule(**CYCLE, restart_steps=10, restart_multiplier=2.0)
OTHER = la.cyclical_cosine_schedule(**CYCLE | {"peak_value": 0.4}, warmup_steps=3)
LOG = la.cyclical_log_schedule(**CYCLE)
PARAMS = {"a": jnp.ones(2), "b": jnp.ones(3)}


def sgd(schedule, **options):
    return optax.inject_hyperparams(optax.sgd)(learning_rate=la.live(schedule, **options))


def by_label(schedule):
    return optax.partition({"a": sgd(schedule), "b": sgd(schedule)}, {"a": "a", "b": "b"})


WRAPPERS = {
    "chain": lambda s: optax.chain(optax.clip_by_global_norm(1e9), sgd(s)),
    "named_chain": lambda s: optax.named_chain(("clip", optax.clip(1e9)), ("sgd", sgd(s))),
    "MultiSteps": lambda s: optax.MultiSteps(sgd(s), 1),
    "masked": lambda s: optax.masked(sgd(s), {"a": True, "b": True}),
    "partition": by_label,
    "groups": lambda s: la.groups(sgd, {"a": s, "*": s}),
    "nested": lambda s: optax.chain(optax.apply_if_finite(optax.chain(by_label(s)), 5)),
}


def updater(optimizer):
    """A jitted update of unit gradients that may be traced once, and gives its state away."""

    @chex.assert_max_traces(n=1)
    def update(state):
        return optimizer.update(PARAMS, state, PARAMS)

    chex.clear_trace_counter()
    return jax.jit(update, donate_argnums=0)


def rates(updates):
    return -np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(updates)])


@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_the_rate_is_the_schedules_and_a_swap_changes_it_wherever_it_is(wrap):
    optimizer = wrap(COSINE)
    update, state = updater(optimizer), optimizer.init(PARAMS)
    for step in range(6):
        if step == 3:
            state = la.swap(state, learning_rate=OTHER)
        updates, state = update(state)
        expected = (COSINE if step < 3 else OTHER).at(step)
        np.testing.assert_allclose(rates(updates), np.full(5, expected), rtol=1e-5)
    assert update._cache_size() == 1


def test_a_swap_leaves_the_rest_of_the_state_and_the_old_state_as_they_were():
    optimizer = optax.inject_hyperparams(optax.adamw)(learning_rate=la.live(COSINE))
    _, state = optimizer.update(PARAMS, optimizer.init(PARAMS), PARAMS)
    swapped = la.swap(state, learning_rate=OTHER)
    assert state.hyperparams_states["learning_rate"].schedule == COSINE
    assert swapped.hyperparams_states["learning_rate"].schedule == OTHER
    chex.assert_trees_all_equal_dtypes(swapped, state)
    again = la.swap(swapped, learning_rate=COSINE)
    chex.assert_trees_all_equal(again, state)
    assert jax.tree.structure(again) == jax.tree.structure(state)


def test_every_hyperparameter_has_a_schedule_of_its_own():
    optimizer = optax.inject_hyperparams(optax.sgd)(
        learning_rate=la.live(COSINE), momentum=la.live(la.constant_schedule(0.9))
    )
    state = la.swap(optimizer.init(PARAMS), momentum=la.constant_schedule(0.5))
    assert {(now.name, round(now.rate, 6)) for now in la.current(state)} == {
        ("learning_rate", 0.1),
        ("momentum", 0.5),
    }
    state = la.swap(state, momentum=la.constant_schedule(0.7), learning_rate=OTHER)
    assert [round(now.rate, 6) for now in la.current(state)] == [0.0, 0.7]


@pytest.mark.parametrize("wrap", [by_label, WRAPPERS["groups"]])
def test_a_swap_by_label_changes_one_group(wrap):
    state = la.swap(wrap(COSINE).init(PARAMS), learning_rate={"a": OTHER})
    rate = {now.groups[0]: round(now.rate, 6) for now in la.current(state)}
    assert rate.pop("a") == 0 and list(rate.values()) == [0.1]


def test_a_new_schedule_goes_on_from_the_step_that_it_is_given():
    update, state = updater(sgd(COSINE)), sgd(COSINE).init(PARAMS)
    for _ in range(7):
        _, state = update(state)
    assert la.current(la.swap(state, learning_rate=OTHER))[0].step == 7
    state = la.swap(state, learning_rate=OTHER, from_step=0)
    for step in range(3):
        updates, state = update(state)
        np.testing.assert_allclose(rates(updates), np.full(5, OTHER.at(step)), rtol=1e-5)
    assert update._cache_size() == 1
    with pytest.raises(ValueError, match=r"`from_step` must be at least 0 steps.*got -1"):
        la.swap(state, learning_rate=OTHER, from_step=-1)


def test_a_schedule_that_needs_a_larger_table_is_refused_unless_there_is_room():
    many = la.cyclical_cosine_schedule(**CYCLE, restart_steps=9, restart_multiplier=1.01)
    refusal = r"`learning_rate` must fit into .* got cyclical_cosine.* 512\. .*room_for="
    with pytest.raises(ValueError, match=refusal):
        la.swap(sgd(COSINE).init(PARAMS), learning_rate=many)
    roomy = optax.inject_hyperparams(optax.sgd)(learning_rate=la.live(COSINE, room_for=many))
    update, state = updater(roomy), roomy.init(PARAMS)
    for schedule in (COSINE, many, LOG):
        state = la.swap(state, learning_rate=schedule, from_step=7)
        updates, state = update(state)
        np.testing.assert_allclose(rates(updates), np.full(5, schedule.at(7)), rtol=1e-5)
    assert update._cache_size() == 1


def test_what_is_not_made_of_phases_is_refused_or_followed_for_a_number_of_steps():
    own = la.cyclical_schedule(shape=lambda progress, xp: (1 - progress) ** 3, **CYCLE)
    for bad in (own, own * 0.5, la.chain([(own, 4), COSINE]), la.shift(own, 1), la.loop(own, 7)):
        with pytest.raises(TypeError, match="`schedule` must be made of phases.*`num_steps`"):
            la.live(bad)
        with pytest.raises(TypeError, match="`learning_rate` must be made of phases.*tabulated"):
            la.swap(sgd(COSINE).init(PARAMS), learning_rate=bad)
    optimizer = optax.inject_hyperparams(optax.sgd)(learning_rate=la.live(own, num_steps=9))
    update, state = updater(optimizer), optimizer.init(PARAMS)
    for step in range(12):
        updates, state = update(state)
        np.testing.assert_allclose(rates(updates), np.full(5, own.at(min(step, 8))), rtol=1e-5)
    deep = COSINE
    for _ in range(20):
        deep = deep + 0.001
    looped = COSINE
    for period in (9, 20, 30, 50):
        looped = la.loop(la.shift(looped, 2), period)
    for bad, why in ((deep, "parts at once"), (looped, "more than three times")):
        with pytest.raises(TypeError, match=why):
            la.live(bad)
        updates, _ = sgd(bad, num_steps=9).update(PARAMS, sgd(bad, num_steps=9).init(PARAMS))
        np.testing.assert_allclose(rates(updates), np.full(5, bad.at(0)), rtol=1e-5)
    many = la.tabulated_schedule(np.linspace(0.1, 1, 600_000))
    with pytest.raises(ValueError, match="must fit into the table"):
        la.live(many, num_steps=5)  # it is made of phases: it is not cut
    with pytest.raises(ValueError, match="`num_steps` must be at most 523,288, got 1,000,000"):
        la.live(own, num_steps=10**6)
    with pytest.raises(TypeError, match="must be known where it is followed for `num_steps`"):
        jax.vmap(lambda peak: la.live(own.replace(peak_value=peak), num_steps=5).init().step)(
            jnp.ones(2)
        )
    with pytest.raises(TypeError, match="CyclicalSchedule is not made of phases"):
        la.live(la.chain([(COSINE, 4), 0.5 * la.shift(own, 1)]))  # which part is it?


def test_wrong_uses_say_what_to_do():
    optimizer = optax.adamw(la.live(COSINE))
    with pytest.raises(TypeError, match=r"must be called with its state.*inject_hyperparams"):
        optimizer.update(PARAMS, optimizer.init(PARAMS), PARAMS)
    state = optax.tree.set(sgd(COSINE).init(PARAMS), learning_rate=0.1)
    with pytest.raises(TypeError, match=r"must be called with its state.*optax\.tree\.set"):
        sgd(COSINE).update(PARAMS, state, PARAMS)
    with pytest.raises(TypeError, match="`opt_state` must be known, and is traced"):
        jax.jit(la.current)(sgd(COSINE).init(PARAMS))
    with pytest.raises(ValueError, match=r"`opt_state` must hold a live schedule.*live\("):
        la.current(optax.sgd(0.1).init(PARAMS))
    with pytest.raises(TypeError, match=r"got 0\.1\. Make data of a number by `constant_schedule"):
        la.live(0.1)
    for bad, way_out in (
        (la.live(COSINE), r"Give its `schedule`\."),
        (la.plateau(COSINE), "Give the schedule that it is made of"),
        (la.cyclical_cosine_schedule, "Build one"),
        (float("nan"), "Build one"),
        (np.float32(0.1), r"by `constant_schedule\(0\.1\)`"),
    ):
        with pytest.raises(TypeError, match=f"must be a Schedule, .* {way_out}"):
            la.live(bad)
    with pytest.raises(TypeError, match=r"`from_steps` must be .* Write `from_step`"):
        la.swap(sgd(COSINE).init(PARAMS), learning_rate=COSINE, from_steps=0)
    for room in (None, 3, "x", [COSINE, 3], abs, np.float32(1)):
        with pytest.raises(TypeError, match=r"`room_for` must be a Schedule.* or leave it out"):
            la.live(COSINE, room_for=room)
    for count in (0, -3, 2.5, "x", True, 2**31):
        with pytest.raises(ValueError, match="`num_steps` must be"):
            la.live(COSINE, num_steps=count)
    for name in ("lr", "LR", "Rate", "learning_rat"):
        with pytest.raises(ValueError, match="Did you mean `learning_rate`"):
            la.swap(sgd(COSINE).init(PARAMS), **{name: COSINE})


def test_a_state_of_shapes_alone_is_refused():
    shapes = jax.eval_shape(sgd(COSINE).init, PARAMS)
    for use in (la.current, lambda state: la.swap(state, learning_rate=COSINE)):
        with pytest.raises(TypeError, match="`opt_state` must hold arrays, got ShapeDtypeStruct"):
            use(shapes)


def test_a_stack_of_schedules_goes_into_a_stack_of_states_of_its_shape_alone():
    state = sgd(COSINE).init(PARAMS)
    states = jax.tree.map(lambda leaf: jnp.stack([leaf] * 3), state)
    peaks = [0.1, 0.2, 0.3]
    swapped = la.swap(
        states, learning_rate=la.stack([COSINE.replace(peak_value=peak) for peak in peaks])
    )
    each = [jax.tree.map(lambda leaf, n=n: leaf[n], swapped) for n in range(3)]
    assert [la.current(one)[0].schedule.peak_value for one in each] == peaks
    for wrong in (state, states):
        with pytest.raises(ValueError, match=r"got a stack of shape \(2,\) for a st"):
            la.swap(wrong, learning_rate=la.stack([COSINE, COSINE]))


def test_a_name_that_is_not_live_is_refused_with_those_that_are():
    state = sgd(COSINE).init(PARAMS)
    with pytest.raises(ValueError, match=r"`momentum` must be a live .* are: learning_rate\. "):
        la.swap(state, momentum=COSINE)
    plain = optax.inject_hyperparams(optax.sgd)(learning_rate=COSINE).init(PARAMS)
    with pytest.raises(ValueError, match=r"`learning_rate` must .* are: none.*live\(schedule\)"):
        la.swap(plain, learning_rate=COSINE)
    with pytest.raises(ValueError, match=r"must name a group .* got 'c' .* are: 'a', 'b'\. Give"):
        la.swap(by_label(COSINE).init(PARAMS), learning_rate={"c": COSINE})
    with pytest.raises(TypeError, match=r"`learning_rate` must be a Schedule, .* got 0\.1"):
        la.swap(state, learning_rate=0.1)
    for nothing in (None, {}, {"a": None}):
        with pytest.raises(TypeError, match="`learning_rate` must be a Schedule"):
            la.swap(by_label(COSINE).init(PARAMS), learning_rate=nothing)
    with pytest.raises(TypeError, match="`swap` must be given a schedule"):
        la.swap(state, from_step=0)


def test_what_is_no_data_cannot_be_live():
    with pytest.raises(TypeError, match=r"`schedule` must be a Schedule.*by `tabulated_schedule\("):
        la.live(optax.constant_schedule(0.1))


def test_a_checkpoint_has_the_schedule_that_was_in_use(tmp_path):
    optimizer = la.groups(sgd, {"a": COSINE, "*": LOG})
    update, state = jax.jit(optimizer.update), optimizer.init(PARAMS)
    _, state = update(PARAMS, state)
    state = la.swap(state, learning_rate={"a": OTHER})
    with orbax.checkpoint.StandardCheckpointer() as checkpointer:
        checkpointer.save(tmp_path / "state", state)
        checkpointer.wait_until_finished()
        for like in (optimizer.init(PARAMS), jax.eval_shape(optimizer.init, PARAMS)):
            restored = checkpointer.restore(tmp_path / "state", like)
            chex.assert_trees_all_equal(restored, state)
            chex.assert_trees_all_equal_dtypes(restored, state)
            assert jax.tree.structure(restored) == jax.tree.structure(state)
            assert la.current(restored) == la.current(state)
    chex.assert_trees_all_equal(update(PARAMS, restored), update(PARAMS, state))


def test_says_where_it_is_for_a_log_line():
    update, state = updater(sgd(COSINE)), sgd(COSINE).init(PARAMS)
    for _ in range(15):
        _, state = update(state)
    (now,) = la.current({"opt_state": state, "params": PARAMS})
    assert (now.name, now.groups, now.step) == ("learning_rate", ("opt_state",), 15)
    assert (now.cycle, now.progress) == (1, 0.5)
    assert type(now.rate) is float
    np.testing.assert_allclose(now.rate, COSINE.at(15), rtol=1e-6)
    (over,) = la.current(la.swap(state, learning_rate=OTHER, from_step=100))
    assert (over.cycle, over.progress, round(over.rate, 9)) == (0, 1.0, 0.001)
    (endless,) = la.current(sgd(la.constant_schedule(0.1)).init(PARAMS))
    assert (endless.rate, endless.cycle, endless.progress) == (0.1, 0, None)


def test_saying_where_it_is_runs_nothing_on_the_device():
    state, called = sgd(COSINE).init(PARAMS), []
    with jax.disable_jit():  # then each operation passes through a Python function
        sys.setprofile(lambda frame, event, arg: called.append(frame.f_code.co_name))
        la.current(state)
        on_host = set(called)
        jnp.add(state.count, 1)
        sys.setprofile(None)
    assert "apply_primitive" not in on_host and "apply_primitive" in called


def test_a_stack_of_states_is_refused_where_one_is_to_be_told():
    stack = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), sgd(COSINE).init(PARAMS))
    with pytest.raises(ValueError, match=r"`opt_state` must be a single one.*shape \(2,\)"):
        la.current(stack)


def test_donating_the_state_takes_nothing_that_is_not_its_own():
    schedule = jax.device_put(la.cyclical_cosine_schedule(**CYCLE))  # restart_value is peak_value
    optimizer = sgd(schedule)
    first, second = optimizer.init(PARAMS), optimizer.init(PARAMS)
    update = updater(optimizer)
    _, after = update(first)
    update(la.swap(after, learning_rate=schedule))
    update(second)
    assert not any(leaf.is_deleted() for leaf in jax.tree.leaves(schedule))
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(first.hyperparams_states))


@pytest.mark.parametrize("x64", [False, True])
def test_the_state_keeps_its_dtypes_and_no_leaf_is_of_64_bits(x64):
    with jax.enable_x64(x64):
        params = {"w": jnp.ones(2, jnp.bfloat16)}
        optimizer = sgd(COSINE)
        state = optimizer.init(params)
        live = state.hyperparams_states["learning_rate"]
        assert {leaf.dtype.itemsize for leaf in jax.tree.leaves(live)} == {4}
        _, after = jax.jit(optimizer.update)(params, state, params)
        chex.assert_trees_all_equal_dtypes(after, state, la.swap(after, learning_rate=OTHER))
        assert not any(leaf.weak_type for leaf in jax.tree.leaves(after))
        rate = after.hyperparams["learning_rate"]
        assert rate.dtype == jnp.float32 and rate == np.float32(0.1)


def test_runs_in_a_scan_whose_carry_is_the_state():
    optimizer = sgd(COSINE)
    chex.clear_trace_counter()

    @jax.jit
    @chex.assert_max_traces(n=1)
    def run(state):
        def step(state, _):
            _, state = optimizer.update(PARAMS, state, PARAMS)
            return state, state.hyperparams["learning_rate"]

        return jax.lax.scan(step, state, length=12)

    state, first = run(optimizer.init(PARAMS))
    _, second = run(la.swap(state, learning_rate=OTHER))
    np.testing.assert_allclose(first, COSINE.at(np.arange(12)), rtol=1e-5)
    np.testing.assert_allclose(second, OTHER.at(np.arange(12, 24)), rtol=1e-5)


def test_runs_under_pmap_with_the_state_replicated():
    optimizer = sgd(COSINE)
    chex.clear_trace_counter()

    @chex.assert_max_traces(n=2)  # of the state on one device, and of that on all
    def update(state, grads):
        grads = jax.lax.pmean(grads, "batch")
        return optimizer.update(grads, state, grads)

    devices = jax.local_device_count()
    update = jax.pmap(update, axis_name="batch", in_axes=(None, 0), out_axes=None)
    grads, state = jnp.ones((devices, 2)), optimizer.init(jnp.ones(2))
    for _ in range(2):
        _, state = update(state, grads)
    updates, state = update(la.swap(state, learning_rate=OTHER), grads)
    np.testing.assert_allclose(rates(updates), np.full(2, OTHER.at(2)), rtol=1e-5)
    assert la.current(state)[0].step == 3


def test_a_swap_keeps_the_sharding_of_the_state():
    mesh = jax.sharding.Mesh(np.array(jax.devices()), "batch")
    replicated = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())
    state = jax.device_put(sgd(COSINE).init(PARAMS), replicated)
    swapped = la.swap(state, learning_rate=OTHER, from_step=2)
    assert {leaf.sharding for leaf in jax.tree.leaves(swapped)} == {replicated}


def test_a_population_has_a_schedule_each_and_swaps_inside_a_traced_function():
    stack = la.stack([COSINE, OTHER])
    states = jax.vmap(lambda schedule: sgd(schedule).init(PARAMS))(stack)

    @jax.jit
    @jax.vmap
    def update(state):
        _, state = sgd(COSINE).update(PARAMS, state, PARAMS)
        return state, state.hyperparams["learning_rate"]

    for step in range(4):
        states, rate = update(states)
        np.testing.assert_allclose(rate, [COSINE.at(step), OTHER.at(step)], rtol=1e-5)
    turned = la.stack([OTHER, COSINE])
    _, rate = update(la.swap(states, learning_rate=turned))
    np.testing.assert_allclose(rate, [OTHER.at(4), COSINE.at(4)], rtol=1e-5)
    swap = jax.jit(lambda states, stack: la.swap(states, learning_rate=stack))
    _, rate = update(swap(states, turned))
    np.testing.assert_allclose(rate, [OTHER.at(4), COSINE.at(4)], rtol=1e-5)
