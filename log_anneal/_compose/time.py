"""A schedule at other steps: again and again, or later."""

from collections.abc import Iterator
from typing import Any, ClassVar

from log_anneal._compose.function import as_schedule
from log_anneal._compose.part import schedule
from log_anneal._core import check
from log_anneal._core.backend import MAX_STEP, Backend, Number
from log_anneal._core.fields import duration
from log_anneal._core.schedule import Schedule
from log_anneal._core.timeline import restarts_from
from log_anneal._curve.tracks import Frame, Tracks, framed


class LoopSchedule(Schedule):
    """The first steps of a schedule, again and again; see `loop`.

    Args:
      part: The schedule whose first steps are repeated.
      period_steps: The length of a turn. Whole steps, at least 1.
    """

    name: ClassVar[str] = "loop"

    part: Schedule = schedule()
    period_steps: int = duration(way_out="Take the length of a turn.")

    def value_at(self, step: Number, xp: Backend) -> Number:
        return self.part.value_at(xp.fixed(step % self.period_steps), xp)

    def restarts_at(self) -> Iterator[int]:
        return self._restarts_from(0)

    def _restarts_from(self, step: int) -> Iterator[int]:
        period = self.period_steps
        for start in range(step // period * period, MAX_STEP + 1, period):
            if start and start >= step:
                yield start
            for restart in restarts_from(self.part, max(step - start, 0)):
                if restart >= period or start + restart > MAX_STEP:
                    break
                yield start + restart

    def _tracks(self) -> Tracks | None:
        tracks = self.part._tracks()
        return tracks and framed(tracks, Frame(loop=self.period_steps))

    def _where(self, step: int) -> tuple[int, int, int | None]:
        period = self.period_steps
        return step // period, step % period, period


loop_schedule = LoopSchedule


def loop(schedule: Any, steps: int | None = None) -> LoopSchedule:
    """Repeats the first steps of a schedule: returns its value at `step % steps`.

    At step 0, before it, and at the start of every turn, the value is the schedule's first. The
    gradient reaches the fields of the schedule. It does not reach the length of a turn, since the
    value jumps from one turn to the next.

    Args:
      schedule: a schedule, or a function of the step.
      steps: the length of a turn, at least 1 step. None means the schedule's `duration`.

    Returns:
      A schedule: steps of any shape in, float32 of that shape out.

    Raises:
      ValueError: the steps are left out and the schedule has no end.

    Example:
      >>> from log_anneal import polynomial_schedule
      >>> schedule = loop(polynomial_schedule(init_value=1.0, end_value=0.0, decay_steps=4))
      >>> [schedule.at(step) for step in (0, 1, 3, 4, 5)]
      [1.0, 0.75, 0.25, 1.0, 0.75]
    """
    repeated = as_schedule("schedule", schedule)
    turn = repeated.duration if steps is None else check.steps("steps", steps, 1)
    if not turn:
        raise ValueError(
            f"`steps` must be given for a schedule without a length, got None for {repeated!r}. "
            "Give the length of a turn."
        )
    return LoopSchedule(part=repeated, period_steps=turn)


class ShiftSchedule(Schedule):
    """A schedule that begins later, or in its midst; see `shift`.

    Args:
      part: The schedule that is shifted.
      shift_steps: How much later the schedule begins. Whole steps, above -2^31; below 0 it begins
        in its midst.
    """

    name: ClassVar[str] = "shift"

    part: Schedule = schedule()
    shift_steps: int = duration(least=-MAX_STEP, way_out="Below 0 to begin in the midst.")

    def value_at(self, step: Number, xp: Backend) -> Number:
        shifted = xp.clip(step - self.shift_steps, 0, MAX_STEP)
        return self.part.value_at(xp.fixed(shifted), xp)

    def restarts_at(self) -> Iterator[int]:
        return self._restarts_from(0)

    def _restarts_from(self, step: int) -> Iterator[int]:
        shift = self.shift_steps
        for restart in restarts_from(self.part, max(step - shift, 1 - shift, 0)):
            if restart + shift > MAX_STEP:
                return
            yield restart + shift

    def ends_at(self) -> int | None:
        end = self.part.ends_at()
        shifted = None if end is None else end + self.shift_steps
        return None if shifted is None or shifted > MAX_STEP else max(shifted, 0)

    def _tracks(self) -> Tracks | None:
        tracks = self.part._tracks()
        return tracks and framed(tracks, Frame(shift=self.shift_steps))

    def _where(self, step: int) -> tuple[int, int, int | None]:
        return self.part._where(min(max(step - self.shift_steps, 0), MAX_STEP))


shift_schedule = ShiftSchedule


def shift(schedule: Any, steps: int) -> ShiftSchedule:
    """Moves a schedule to `steps` later: returns its value at `step - steps`.

    Before its start the value is the schedule's first. With `steps` below 0 it begins in its midst.
    The gradient reaches the fields of the schedule.

    Args:
      schedule: a schedule, or a function of the step.
      steps: whole steps, between -2^31 and 2^31.

    Returns:
      A schedule: steps of any shape in, float32 of that shape out.

    Raises:
      ValueError: the steps are not whole.

    Example:
      >>> from log_anneal import polynomial_schedule
      >>> schedule = polynomial_schedule(init_value=1.0, end_value=0.0, decay_steps=4)
      >>> shift(schedule, 10).at(11), shift(schedule, -2).at(0)
      (0.75, 0.5)
    """
    shifted = as_schedule("schedule", schedule)
    return ShiftSchedule(part=shifted, shift_steps=check.steps("steps", steps, -MAX_STEP))
