"""Schedules one after the other."""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from log_anneal._compose.function import as_schedule
from log_anneal._compose.part import schedules
from log_anneal._core import check
from log_anneal._core.backend import MAX_STEP, Backend, Device, Host, Number
from log_anneal._core.fields import durations
from log_anneal._core.schedule import Schedule, values_on_device
from log_anneal._core.timeline import restarts_from
from log_anneal._curve.tracks import Tracks, chained

_AT_ONCE = 1024
"""The most steps whose parts are looked up together: each step takes a copy of a part's table."""


class Derived(NamedTuple):
    """The table of the parts, its columns padded to a power of two."""

    last: Any
    """int32 [rows]: the last step of a part."""
    start: Any
    """int32 [rows]: the first step of a part."""
    limit: Any
    """int32 [rows]: the last of a part's own steps that is evaluated."""


class ChainSchedule(Schedule):
    """Schedules one after the other, each from its own step 0; see `chain`.

    Args:
      parts: The schedules, in order. At least one.
      part_steps: The length of each part. Whole steps, at least 1. Without that of the last part,
        the chain has no end.
    """

    name: ClassVar[str] = "chain"

    parts: Sequence[Schedule] = schedules()
    part_steps: Sequence[int] = durations()

    def _check(self) -> None:
        missing = len(self.parts) - len(self.part_steps)
        if missing not in (0, 1):
            raise ValueError(
                f"`part_steps` must be one for each of {len(self.parts)} parts, or for all but the "
                f"last, got {len(self.part_steps)}. Use `chain`, which counts them."
            )
        if sum(self.part_steps) > MAX_STEP:
            raise ValueError(
                f"`part_steps` must sum to less than 2^31, got {sum(self.part_steps):,}. "
                "Steps are counted in int32: take fewer."
            )

    def _derive(self) -> Derived:
        count = len(self.parts)
        starts = [0, *accumulate(self.part_steps)][:count]
        limits = [*(steps - 1 for steps in self.part_steps[: count - 1]), MAX_STEP]
        if len(self.part_steps) == count:
            limits[-1] = self.part_steps[-1]
        size = 1 << (count - 1).bit_length()
        columns = [start - 1 for start in starts[1:]] + [MAX_STEP], starts, limits
        padded = (column + column[-1:] * (size - count) for column in columns)
        return Derived(*(np.array(column, np.int32) for column in padded))

    def value_at(self, step: Number, xp: Backend) -> Number:
        if xp is Host:
            part, own_step = self._own(step, Host)
            return self.parts[part].value_at(own_step, Host)
        steps = xp.whole(step)
        if steps.size <= _AT_ONCE:
            return jnp.vectorize(self._on_device)(steps)
        values = lax.map(self._on_device, steps.ravel(), batch_size=_AT_ONCE)
        return values.reshape(steps.shape)

    def _own(self, step: Number, xp: Backend) -> tuple[Number, Number]:
        """Returns which part a step is in, and the part's own step."""
        part = xp.count_below(self._derived.last, step)
        own_step = step - xp.entry(self._derived.start, part)
        return part, xp.minimum(own_step, xp.entry(self._derived.limit, part))

    def _on_device(self, step: jax.Array) -> jax.Array:
        """Evaluates each group once, for the part that the step may be in."""
        part, own_step = self._own(step, Device)
        groups: Any = self.parts
        group = Device.entry(groups.group, part)
        index = Device.entry(groups.index, part)
        value = jnp.zeros((), jnp.float32)
        for number, stacked in enumerate(groups.stacked):
            is_here = group == number
            row = Device.where(is_here, index, 0)
            member = jax.tree.map(lambda leaf, row=row: Device.entry(leaf, row), stacked)
            value = Device.where(is_here, values_on_device(member, own_step), value)
        return value

    def restarts_at(self) -> Iterator[int]:
        return self._restarts_from(0)

    def _restarts_from(self, step: int) -> Iterator[int]:
        for part, start, limit in zip(self.parts, *self._derived[1:], strict=False):
            if start and start >= step:
                yield start
            if step - start > limit:
                continue
            for restart in restarts_from(part, max(step - start, 0)):
                if restart > limit or start + restart > MAX_STEP:
                    break
                yield start + restart

    def ends_at(self) -> int | None:
        start, limit = (int(column[len(self.parts) - 1]) for column in self._derived[1:])
        ends = self.parts[-1].ends_at()
        if ends is None and limit == MAX_STEP:
            return None
        return start + (limit if ends is None else min(limit, ends))

    def _tracks(self) -> Tracks | None:
        parts = [part._tracks() for part in self.parts]
        if None in parts:
            return None
        starts, limits = ([int(each) for each in column] for column in self._derived[1:])
        last = len(parts) - 1
        limit = MAX_STEP if limits[last] == MAX_STEP else starts[last] + limits[last]
        return chained(parts, starts[: len(parts)], limit)

    def _where(self, step: int) -> tuple[int, int, int | None]:
        part, _ = self._own(step, Host)
        steps = np.ravel(self.part_steps)
        length = int(steps[part]) if part < len(steps) else None
        return part, step - int(self._derived.start[part]), length


chain_schedule = ChainSchedule


def chain(schedules: Sequence[Any]) -> ChainSchedule:
    """Puts schedules one after the other: each begins at its own step 0 where the one before ends.

    Where a part begins, the value is the first one of that part, and the chain restarts. At step 0
    and before, it is the first value of the first part. After the end, the last part goes on. If
    the last part was given a number of steps, its value after so many steps is held.

    A thousand parts of one class compile once, to a program hardly larger than that of two: their
    parameters are stacked in a table, and the active part is looked up. Each further class adds
    its own part of the program.

    Gradients reach the fields of the parts. They do not reach the lengths of the parts, since the
    value jumps from one part to the next.

    Args:
      schedules: at least one. Each is a schedule whose `duration` is known, or a pair
        `(schedule, steps)`. The last may be endless. A function of the step or a number may stand
        for a schedule. A part of 0 steps is left out.

    Returns:
      A schedule: steps of any shape in, float32 of that shape out.

    Raises:
      ValueError: a part that others follow has no end, or the steps pass 2^31.

    Example:
      >>> from log_anneal import polynomial_schedule
      >>> warmup = polynomial_schedule(init_value=0.0, end_value=1.0, decay_steps=4)
      >>> schedule = chain([warmup, (1.0, 10), 0.1])
      >>> [schedule.at(step) for step in (0, 2, 4, 13, 14)]
      [0.0, 0.5, 1.0, 1.0, 0.1]
    """
    if not isinstance(schedules, Sequence) or not schedules:
        raise ValueError(
            f"`schedules` must be a sequence of at least one schedule, got {schedules!r}. "
            "Give a list."
        )
    if isinstance(schedules, tuple) and len(schedules) == 2 and isinstance(schedules[1], int):
        raise ValueError(
            f"`schedules` must be a sequence of parts, got the one part {schedules!r}. "
            "Give `[(schedule, steps)]`."
        )
    ordered, part_steps = [], []
    for position, each in enumerate(schedules):
        name = f"schedules[{position}]"
        is_pair = isinstance(each, (tuple, list)) and len(each) == 2
        value, steps = each if is_pair else (each, None)
        schedule = as_schedule(name, value)
        ordered.append(schedule)
        if steps is None and position < len(schedules) - 1:
            steps = schedule.duration
            if not steps:
                raise ValueError(
                    f"`{name}` must have a length, as others follow, and {schedule!r} has "
                    f"{'no end' if steps is None else 'none'}. Give `(schedule, steps)`."
                )
        if steps is not None:
            steps = check.steps(f"steps of {name}", steps, 0)
        if steps == 0:
            ordered.pop()
        elif steps is not None:
            part_steps.append(steps)
    if not ordered:
        raise ValueError(
            f"`schedules` must hold a part of at least 1 step, got {schedules!r}. Give the last "
            "one without its steps, for example."
        )
    return ChainSchedule(parts=ordered, part_steps=part_steps)
