"""The rate that a table of words has at a step, on the device and on the host."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_batching import custom_vmap
from jax.experimental.xla_metadata import set_xla_metadata

from log_anneal._core.backend import MAX_STEP, MOST_GROWTH
from log_anneal._core.check import MAX_VALUE
from log_anneal._optim.layout import CURVE, FRAMES, HEADER, MAX_NODES, NODE, ROW
from log_anneal._optim.weight import CODES, weights

_TRACK = 0


def rate(table: jax.Array, step: jax.Array) -> jax.Array:
    """Returns the value of a table at a step.

    Args:
      table: int32 [words], as `pack` writes it.
      step: int32 [], from 0 on.

    Returns:
      float32 [].
    """
    found: jax.Array = lax.platform_dependent(table, step, cpu=_on_cpu, default=_anywhere)
    return found


@custom_vmap
def _on_cpu(table: jax.Array, step: jax.Array) -> jax.Array:
    """Asks the compiler for one function.

    On a CPU each operation that is not fused costs 0.2 us, and this program has thirty: as one
    function they cost less than 1 us together. A compiler that does not know these two attributes
    ignores them.
    """
    with _marked(inlineable="false", xla_cpu_small_call="true"):
        found: jax.Array = _searched(table, step)
    return found


@_on_cpu.def_vmap
def _on_cpu_of_many(
    size: int, is_stack: list[bool], table: jax.Array, step: jax.Array
) -> tuple[jax.Array, bool]:
    """Asks for one function of a small stack alone.

    XLA spreads long arrays over threads, from some 3,000 members on, which one function cannot.
    """
    if size <= _FEW:
        return _on_cpu_of_few(table, step), True
    return _each(table, step), True


@custom_vmap
def _on_cpu_of_few(table: jax.Array, step: jax.Array) -> jax.Array:
    with _marked(inlineable="false", xla_cpu_small_call="true"):
        return _each(table, step)


@_on_cpu_of_few.def_vmap
def _on_cpu_of_many_times_few(
    size: int, is_stack: list[bool], table: jax.Array, step: jax.Array
) -> tuple[jax.Array, bool]:
    in_axes = [0 if each else None for each in is_stack]
    return jax.vmap(_each, in_axes)(table, step), True


def _each(table: jax.Array, step: jax.Array) -> jax.Array:
    """Returns the value of each member of a stack: of tables, of steps, or of both."""
    in_axes = 0 if table.ndim > 1 else None, 0 if step.ndim else None
    found: jax.Array = jax.vmap(_searched, in_axes)(table, step)
    return found


_FEW = 512
"""How many members a small stack has at most."""
_marked: Any = set_xla_metadata


@jax.jit
def _searched(table: jax.Array, step: jax.Array) -> jax.Array:
    """Halves the rows until one is left, which takes the least work."""

    def row_of(words: jax.Array, own_step: jax.Array) -> jax.Array:
        def halved(bounds: Any) -> Any:
            low, high = bounds
            middle = lax.div(low + high + 1, jnp.int32(2))
            is_after = _slab(table, words[3] + ROW * middle, 1)[0] <= own_step
            return lax.select(is_after, middle, low), lax.select(is_after, high, middle - 1)

        # Over several devices, what a loop carries must vary as what it reads.
        bounds = words[4] * 0, words[4] - 1
        row: jax.Array = lax.while_loop(lambda bounds: bounds[0] < bounds[1], halved, bounds)[0]
        return words[3] + ROW * row

    return _evaluated(table, step, row_of)


@jax.jit
def _anywhere(table: jax.Array, step: jax.Array) -> jax.Array:
    """Compares all rows at once: an accelerator has the cores, and each turn costs it much."""

    def row_of(words: jax.Array, own_step: jax.Array) -> jax.Array:
        address = jnp.arange(table.shape[0], dtype=jnp.int32) - words[3]
        is_start = (address >= 0) & (address < ROW * words[4]) & (address % ROW == 0)
        passed = jnp.sum(is_start & (table <= own_step), dtype=jnp.int32)
        return words[3] + ROW * jnp.maximum(passed - 1, 0)

    return _evaluated(table, step, row_of)


def _evaluated(table: jax.Array, step: jax.Array, row_of: Callable[..., jax.Array]) -> jax.Array:
    """Returns the value of the last node, after those that it is made of."""

    def body(state: Any) -> Any:
        node, values = state
        words = _slab(table, HEADER + NODE * node, NODE)
        own_step = _framed(words, step)
        turns, own_step = _turned(words, own_step)
        row = row_of(words, own_step)
        value = _of_row(table, row, own_step, turns * _cycles(words))
        return node + 1, _with_value(words, node, own_step, value, values)

    start = jnp.int32(0), jnp.zeros(MAX_NODES, jnp.float32) + _float(table[0] * 0 + step * 0)
    values = lax.while_loop(lambda state: state[0] < _count(table), body, start)[1]
    return lax.dynamic_slice(values, (_count(table) - 1,), (1,))[0]


def _count(table: jax.Array) -> jax.Array:
    return jnp.minimum(table[1], MAX_NODES)


def _slab(table: jax.Array, address: jax.Array, length: int) -> jax.Array:
    return lax.dynamic_slice(table, (address,), (length,))


def _real(words: jax.Array) -> jax.Array:
    return lax.bitcast_convert_type(words, jnp.float32)


def _framed(words: jax.Array, step: jax.Array) -> jax.Array:
    """Limits, shifts and repeats a step."""
    for first in FRAMES:
        limit, shift, loop = words[first], words[first + 1], words[first + 2]
        step = jnp.minimum(step, limit)
        later = lax.select(
            step > MAX_STEP + jnp.minimum(shift, 0), jnp.int32(MAX_STEP), step - shift
        )
        step = lax.select(shift >= 0, jnp.maximum(step - shift, 0), later)
        step = lax.select(loop > 0, lax.rem(step, jnp.maximum(loop, 1)), step)
    return step


def _turned(words: jax.Array, step: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Returns how many turns of the last rows are over, and the step of the first turn."""
    first, steps = words[14], words[15]
    turns = lax.div(jnp.maximum(step - first, 0), steps)
    return turns, step - turns * steps


def _cycles(words: jax.Array) -> jax.Array:
    """Returns how many rows are a turn."""
    return words[0] >> 8


def _with_value(
    words: jax.Array, node: jax.Array, step: jax.Array, value: jax.Array, values: jax.Array
) -> jax.Array:
    """Returns the values of all nodes so far, and that of this one."""
    first, second = (lax.dynamic_slice(values, (words[each],), (1,))[0] for each in (1, 2))
    mixed = (
        first + second,
        first - second,
        first * second,
        jnp.maximum(first, second),
        jnp.minimum(first, second),
        lax.select(step > 0, second, first),
    )
    operation = words[0] & 255
    for code, each in enumerate(mixed, _TRACK + 1):
        value = lax.select(operation == code, each, value)
    # Under `vmap` an update of one entry would be a scatter, which one function may not hold.
    is_here = jnp.arange(MAX_NODES, dtype=jnp.int32) == node
    return jnp.where(is_here, jnp.clip(value, -MAX_VALUE, MAX_VALUE), values)


def _of_row(table: jax.Array, row: jax.Array, step: jax.Array, before: jax.Array) -> jax.Array:
    """Returns the value of a step in a row: its round, its progress, and its curve.

    So many rounds are over before those of the row.
    """
    start, period, offset, tail, address = _slab(table, row, ROW)
    curve = _slab(table, address, CURVE)
    since = step - start
    rounds = lax.div(since, jnp.maximum(period, 1))
    elapsed = since - rounds * period
    rise = curve[1]
    is_rise = elapsed < rise
    steps = elapsed - lax.select(is_rise, jnp.int32(0), rise)
    since_start = _float(steps) + _real(offset)
    to_top = _float(rise - elapsed) - _real(offset)
    to_end = lax.select(is_rise, to_top, _float(period - 1 - elapsed) + _real(tail))
    length = since_start + to_end
    p, q = since_start / length, to_end / length
    p, q = lax.select(is_rise, q, p), lax.select(is_rise, p, q)

    values, count = curve[11], curve[12]
    is_table, is_over = count > 0, (count > 0) & (rounds >= count - 1)
    here = values + jnp.minimum(rounds, count - 1)
    entries = _slab(table, here, 1)[0], _slab(table, here + 1, 1)[0]
    ends = (
        lax.select(is_table, _real(entry), _real(own))
        for entry, own in zip(entries, (curve[3], curve[4]), strict=True)
    )
    first, last = ends
    p, q = lax.select(is_over, jnp.float32(0), p), lax.select(is_over, jnp.float32(1), q)

    shape = lax.select(is_rise, curve[0] >> 8, curve[0] & 255)
    parameter, scale = _real(curve[5]), _real(curve[13])
    of_first, of_last = weights(shape, p, q, _float(steps), since_start, length, parameter, scale)
    n = before + rounds + lax.div(row - curve[2], jnp.int32(ROW))
    growth = _float(n) * _real(curve[7]) + _float(since) * _real(curve[8])
    height = jnp.exp(jnp.minimum(growth, math.log(MOST_GROWTH)))
    anchor = _real(curve[6])
    first = anchor + jnp.clip((first - anchor) * height, -MAX_VALUE, MAX_VALUE)
    value = of_first * first + of_last * last
    value = lax.select(shape == CODES["equation_4"], jnp.abs(value), value)
    return jnp.minimum(jnp.maximum(value, _real(curve[9])), _real(curve[10]))


def _float(whole: jax.Array) -> jax.Array:
    return whole.astype(jnp.float32)
