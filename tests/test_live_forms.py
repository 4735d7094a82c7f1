"""The table of a live schedule: every kind in one form, exact, whole in every file."""

import functools
import io
import itertools
import json
import pathlib
import subprocess
import sys

import chex
import flax.serialization
import jax
import jax.numpy as jnp
import numpy as np
import optax
import orbax.checkpoint
import pytest
from every_schedule import CYCLE, EVERY_SCHEDULE, OF_FUNCTIONS, OF_PEERS

import log_anneal as la
from log_anneal._core.record import SCHEDULES
from log_anneal._optim import layout, words
from log_anneal._optim.rate import _anywhere, rate

PARAMS = {"w": jnp.ones(2)}
STEPS = np.unique(
    [*range(120), *range(250, 300), 5_000, 10**6, 10**8, 2**31 - 2, 2**31 - 1]
).astype(np.int32)
REAL_CYCLES = la.cyclical_log_schedule(
    **CYCLE | {"restart_steps": 7.3, "restart_multiplier": 1.0, "restart_decay": 0.99}
)
RISING = CYCLE | {"restart_steps": 12, "restart_warmup_steps": 5, "restart_decay": 0.9}
FORMS = [
    *EVERY_SCHEDULE,
    la.chain([(la.loop(la.clr_schedule(init_value=0.1, peak_value=0.2, up_steps=3), 4), 11), 0.3]),
    la.chain([(la.shift(EVERY_SCHEDULE[13], -3), 9), (EVERY_SCHEDULE[22] * 2.0, 5), 0.2]),
    la.loop(la.chain([(EVERY_SCHEDULE[22] + 0.1, 5), (la.loop(EVERY_SCHEDULE[30], 3), 8)]), 13),
    la.chain([(EVERY_SCHEDULE[13], 12), (EVERY_SCHEDULE[13], 12)]),
    la.shift(la.loop(EVERY_SCHEDULE[13], 40), 7),
    la.multi_step_schedule(init_value=0.1, milestones=[0, 3, 3, 9], decay_rate=0.5),
    la.multi_step_schedule(init_value=0.1, milestones=[2, 9], decay_rate=3.0),
    la.step_decay_schedule(init_value=0.1, decay_steps=7, decay_rate=1.5, end_value=0.9),
    la.exponential_schedule(init_value=0.1, decay_steps=7, decay_rate=1.5, end_value=0.9),
    la.exponential_schedule(init_value=0.1, decay_steps=2, decay_rate=9.0),
    *(make(**RISING) for make in (la.cyclical_log_schedule, la.cyclical_exponential_schedule)),
    *(la.cyclical_log_schedule(**RISING, form=form) for form in ("equation_4", "author_release")),
    la.cyclical_linear_schedule(**RISING),
    REAL_CYCLES,
    la.chain([(REAL_CYCLES, 50), (la.shift(REAL_CYCLES, 3), 20), REAL_CYCLES]),
    1.0 - la.cyclical_cosine_schedule(**CYCLE),
]
SMALL = [each for each in EVERY_SCHEDULE if len(words.pack(each)) == layout.SIZES[0]]


@functools.cache
def rates_of(program):
    return jax.jit(jax.vmap(program, in_axes=(None, 0)))


def sgd(schedule):
    return optax.inject_hyperparams(optax.sgd)(learning_rate=la.live(schedule))


@functools.cache
def update():
    """One jitted update for all: what it is made of does not matter, the state does."""
    traced = chex.assert_max_traces(lambda state: sgd(0.1 * SMALL[0]).update(PARAMS, state), 2)
    return jax.jit(traced)


def after(state, count):
    """The rates of the next updates."""
    found = []
    for _ in range(count):
        updates, state = update()(state)
        found.append(-float(updates["w"][0]))
    return found


@pytest.mark.parametrize("program", [rate, _anywhere], ids=["cpu", "accelerator"])
@pytest.mark.parametrize("schedule", FORMS, ids=repr)
def test_a_table_has_the_values_of_its_schedule(schedule, program):
    found = rates_of(program)(jnp.asarray(words.pack(schedule)), STEPS)
    expected = schedule.at(STEPS)
    # Four units in the last place of the range, as the schedule itself; a growth has its own bound.
    rtol = 2e-5 if getattr(schedule, "decay_rate", 1) > 1 else 0
    unit = np.spacing(np.float32(np.abs(schedule.at(np.arange(300))).max()))
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=4 * unit)
    # Small values have their digits too, but for those that are a difference of larger ones.
    if not any(word in repr(schedule) for word in ("equation_4", "author_release", "difference")):
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-30)


@pytest.mark.parametrize(
    "schedule",
    [
        la.cyclical_exponential_schedule(peak_value=1.0, end_value=1e-6, decay_steps=1000),
        la.cyclical_log_schedule(peak_value=1.0, end_value=0.0, decay_steps=10_000, base=20.0),
        la.cyclical_cosine_schedule(peak_value=1.0, end_value=0.0, decay_steps=10_000),
        la.polynomial_schedule(init_value=1.0, end_value=0.0, decay_steps=10_000, power=3.0),
        la.cyclical_cosine_schedule(
            init_value=0.0,
            peak_value=1.0,
            end_value=1e-8,
            warmup_steps=10_000,
            warmup_shape="cosine",
            decay_steps=10_000,
        ),
    ],
    ids=repr,
)
def test_the_smallest_values_of_a_long_curve_have_all_their_digits(schedule):
    steps = np.arange(schedule.duration + 1, dtype=np.int32)
    found = rates_of(rate)(jnp.asarray(words.pack(schedule)), steps)
    np.testing.assert_allclose(found, schedule.at(steps), rtol=1e-5, atol=1e-30)


def test_a_large_population_has_its_rates():
    # On a CPU, XLA spreads long arrays over threads, which a call marked as one function cannot.
    states = jax.vmap(lambda _: sgd(SMALL[13]).init(PARAMS))(jnp.arange(5000))
    updates, _ = jax.jit(jax.vmap(lambda state: sgd(SMALL[0]).update(PARAMS, state)))(states)
    np.testing.assert_allclose(-updates["w"], SMALL[13].at(0), rtol=1e-6)


def test_every_kind_of_the_library_is_written_so():
    written = {schedule.name for schedule in FORMS}
    others = {"function", "cyclical"} | {schedule.name for schedule in OF_PEERS}
    own = {name for name, cls in SCHEDULES.items() if cls.__module__.startswith("log_anneal")}
    assert own == written | others
    for schedule in [*OF_FUNCTIONS, *OF_PEERS]:
        with pytest.raises(layout.NoPhasesError):
            words.pack(schedule)


@pytest.mark.parametrize("schedule", FORMS, ids=repr)
def test_a_table_tells_its_schedule(schedule):
    table = words.pack(schedule)
    assert words.schedule_of(table) == schedule
    assert words.text_of(table)["schedule"] == schedule.name
    state = sgd(schedule).init(PARAMS)
    assert la.current(state)[0].kind == schedule.name
    assert state.hyperparams_states["learning_rate"].schedule == schedule


def test_few_cycles_take_two_kilobytes_and_two_leaves():
    several = [
        la.cyclical_log_schedule(**CYCLE | {"restart_multiplier": 1.01, "num_restarts": 47}),
        *(each for each in EVERY_SCHEDULE if len(each.first_restarts(50)) < 50),
    ]
    for schedule in several:
        leaves = jax.tree.leaves(la.live(schedule).init())
        assert len(leaves) == 2 and sum(leaf.nbytes for leaf in leaves) <= 2052


def test_any_kind_swaps_for_any_other_without_another_trace():
    state = sgd(SMALL[0]).init(PARAMS)
    after(state, 1)
    traces = update()._cache_size()
    for old, new in itertools.permutations(SMALL, 2):
        state = la.swap(state, learning_rate=new, from_step=11)
        if old is SMALL[0] or new is SMALL[0]:
            rates, expected = after(state, 2), new.at([11, 12])
            np.testing.assert_allclose(rates, expected, rtol=2e-5, err_msg=f"{old} -> {new}")
    assert update()._cache_size() == traces


def by_flax(state, other):
    return flax.serialization.from_bytes(other, flax.serialization.to_bytes(state))


def by_numpy(state, other):
    file = io.BytesIO()
    np.savez(file, *jax.tree.leaves(state))
    file.seek(0)
    with np.load(file) as leaves:
        return jax.tree.unflatten(jax.tree.structure(other), list(leaves.values()))


@pytest.mark.parametrize("move", [by_flax, by_numpy])
def test_a_restored_state_holds_the_saved_schedule_whatever_the_code_says(move):
    states = [la.swap(sgd(each).init(PARAMS), learning_rate=each, from_step=3) for each in SMALL]
    for (saved, state), other in itertools.product(zip(SMALL, states, strict=True), states):
        restored = move(state, other)
        leaves = zip(jax.tree.leaves(restored), jax.tree.leaves(state), strict=True)
        assert all(np.array_equal(new, old) for new, old in leaves)
        if other is states[0]:
            assert la.current(restored)[0].schedule == saved


@pytest.mark.parametrize("move", [by_flax, by_numpy])
def test_a_larger_table_takes_the_place_of_a_small_one(move):
    many = la.cyclical_log_schedule(**CYCLE | {"restart_multiplier": 1.05})
    restored = move(sgd(many).init(PARAMS), sgd(SMALL[0]).init(PARAMS))
    assert la.current(restored)[0].schedule == many
    np.testing.assert_allclose(after(restored, 3), many.at(range(3)), rtol=2e-5)


def test_orbax_restores_the_saved_schedule_into_a_table_of_its_size(tmp_path):
    many = la.cyclical_log_schedule(**CYCLE | {"restart_multiplier": 1.05})
    with orbax.checkpoint.StandardCheckpointer() as checkpointer:
        chosen = [SMALL[0], SMALL[12], SMALL[-1]]
        for number, saved in enumerate([*chosen, many]):
            checkpointer.save(tmp_path / str(number), sgd(saved).init(PARAMS))
        checkpointer.wait_until_finished()
        for (number, saved), other in itertools.product(enumerate(chosen), chosen):
            restored = checkpointer.restore(tmp_path / str(number), sgd(other).init(PARAMS))
            assert la.current(restored)[0].schedule == saved
            np.testing.assert_allclose(after(restored, 3), saved.at(range(3)), rtol=2e-5)
        # Orbax refuses another shape, and leaves what it had begun to read to be warned of: that
        # is not tried here.
        roomy = optax.inject_hyperparams(optax.sgd)(la.live(chosen[0], room_for=many))
        restored = checkpointer.restore(tmp_path / "3", roomy.init(PARAMS))
        assert la.current(restored)[0].schedule == many


IN_ANOTHER_PROCESS = """
import sys
import jax, jax.export, numpy as np
import optax
import log_anneal as la
for cls in (optax.InjectStatefulHyperparamsState, optax.EmptyState):
    jax.export.register_namedtuple_serialization(cls, serialized_name=f"optax.{cls.__name__}")
program = jax.export.deserialize(bytearray(open(sys.argv[1], "rb").read()))
schedule = la.from_json(sys.argv[2])
optimizer = optax.inject_hyperparams(optax.sgd)(learning_rate=la.live(schedule))
state = optimizer.init(np.ones(2, np.float32))
for step in range(4):
    updates, state = program.call(np.ones(2, np.float32), state)
    np.testing.assert_allclose(-updates, np.full(2, schedule.at(step)), rtol=2e-5)
"""


def test_an_exported_update_takes_any_kind_in_another_process(tmp_path):
    for cls in (optax.InjectStatefulHyperparamsState, optax.EmptyState):
        jax.export.register_namedtuple_serialization(cls, serialized_name=f"optax.{cls.__name__}")
    optimizer = sgd(SMALL[0])
    arguments = jnp.ones(2), optimizer.init(jnp.ones(2))
    exported = jax.export.export(jax.jit(optimizer.update))(*arguments)
    (tmp_path / "update").write_bytes(exported.serialize())
    command = [sys.executable, "-c", IN_ANOTHER_PROCESS, str(tmp_path / "update")]
    root = pathlib.Path(la.__file__).parents[1]
    subprocess.run([*command, la.to_json(SMALL[13])], check=True, cwd=root)


def test_the_words_are_those_of_the_version():
    # A program that was exported reads the tables of a later release. The text may be deflated
    # otherwise; all else must stay until the version changes.
    kept = json.loads((pathlib.Path(__file__).parent / "tables.json").read_text())
    assert kept["version"] == layout.VERSION and len(kept["tables"]) > 40
    for text, words_of_it in kept["tables"].items():
        table = words.pack(la.from_json(text))
        assert table[: table[2]].tolist() == words_of_it, text


def test_a_population_over_several_devices_has_its_rates():
    command = [sys.executable, "-c", OVER_DEVICES]
    subprocess.run(command, check=True, cwd=pathlib.Path(la.__file__).parents[1])


OVER_DEVICES = """
import jax, jax.numpy as jnp, numpy as np, optax
jax.config.update("jax_num_cpu_devices", 2)
import log_anneal as la
from jax.sharding import Mesh, PartitionSpec as P
wave = la.cyclical_cosine_schedule(peak_value=0.1, end_value=0.0, decay_steps=10)
waves = la.stack([wave.replace(peak_value=peak) for peak in (0.1, 0.2, 0.3, 0.4)])
optimizer = optax.inject_hyperparams(optax.sgd)(learning_rate=la.live(wave))
states = jax.vmap(lambda _: optimizer.init(jnp.ones(2)))(jnp.arange(4))
states = la.swap(states, learning_rate=waves)
update = jax.vmap(lambda state: optimizer.update(jnp.ones(2), state)[0])
mesh = Mesh(jax.devices(), "d")
updates = jax.jit(jax.shard_map(update, mesh=mesh, in_specs=P("d"), out_specs=P("d")))(states)
np.testing.assert_allclose(-updates[:, 0], [0.1, 0.2, 0.3, 0.4], rtol=1e-6)
"""


def test_a_cast_of_all_floats_does_not_touch_it():
    state = sgd(SMALL[13]).init(PARAMS)
    cast = jax.tree.map(
        lambda leaf: leaf.astype(jnp.bfloat16) if leaf.dtype.kind == "f" else leaf,
        state,
    )
    assert la.current(cast) == la.current(state)


def test_a_table_of_a_later_release_is_refused():
    state = la.live(SMALL[0]).init()
    later = state._replace(table=state.table.at[0].set(layout.VERSION + 1))
    with pytest.raises(ValueError, match="must be of version 1, got 2"):
        la.current({"learning_rate": later})


def test_a_schedule_that_is_larger_than_any_table_says_so():
    values = [0.1, 0.2] * (layout.SIZES[-1] // 2)
    with pytest.raises(ValueError, match="No table is larger"):
        la.live(la.tabulated_schedule(values))


def test_a_growth_beyond_all_bounds_is_no_nan():
    schedule = la.clr_schedule(init_value=0, peak_value=1e20, up_steps=4, cycle_decay=1e6)
    found = rates_of(rate)(jnp.asarray(words.pack(schedule)), np.arange(99, dtype=np.int32))
    assert np.isfinite(found).all()


def test_a_subclass_with_values_of_its_own_does_not_get_those_of_the_phases_that_it_inherits():
    class Doubled(la.ConstantSchedule):
        def value_at(self, step, xp):
            return self.value * 2

    class Bent(la.CyclicalCosineSchedule):
        def weight_at(self, progress, xp):
            return 1 - progress**3

    class Renamed(la.CyclicalCosineSchedule):
        """Nothing but another name."""

    for schedule in (Doubled(value=0.1), Bent(**CYCLE), la.chain([(Doubled(value=0.1), 3), 0.2])):
        with pytest.raises(TypeError, match="must be made of phases"):
            la.live(schedule)
        state = la.live(schedule, num_steps=20).init()
        assert rate(state.table, jnp.int32(2)) == pytest.approx(schedule.at(2), rel=1e-6)
    assert rate(la.live(Renamed(**CYCLE)).init().table, jnp.int32(0)) == Renamed(**CYCLE)(0)


def test_a_stack_takes_the_table_of_its_largest_member():
    waves = [la.cyclical_cosine_schedule(**CYCLE).replace(peak_value=peak) for peak in (0.1, 0.2)]
    assert words.pack(la.stack(waves)).shape == (2, layout.SIZES[0])
    long = [la.tabulated_schedule(np.linspace(0.1, end, 1000)) for end in (1.0, 2.0)]
    tables = words.pack(la.stack(long))
    assert tables.shape == (2, layout.SIZES[1])
    found = rates_of(rate)(jnp.asarray(tables[1]), np.arange(999, dtype=np.int32))
    np.testing.assert_allclose(found, long[1].at(np.arange(999)), rtol=1e-6)


def test_traced_durations_leave_room_for_every_value():
    long = la.chain([(la.tabulated_schedule(np.linspace(0.1, 1, 400)), 400)] * 2)
    table = jax.jit(lambda schedule: la.live(schedule).init().table)(long)
    found = rates_of(rate)(table, np.arange(800, dtype=np.int32))
    np.testing.assert_allclose(found, long.at(np.arange(800)), rtol=1e-6)
