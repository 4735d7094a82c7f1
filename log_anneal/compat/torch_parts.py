"""The schedulers of PyTorch that are made of others."""

from collections.abc import Mapping, Sequence
from typing import Any

from log_anneal._compose.chain import ChainSchedule
from log_anneal._core.schedule import Schedule
from log_anneal._schedules.constant import ConstantSchedule
from log_anneal.compat.peer import Peer, build, listed, nearest, steps_listed
from log_anneal.compat.torch import ANY, SIMPLE

Part = Schedule | tuple[str, Mapping[str, Any]]

CHAINABLE = (
    "ConstantLR",
    "CosineAnnealingLR",
    "ExponentialLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "PolynomialLR",
    "StepLR",
)
"""They multiply the rate of the step before, so that several of them make a product."""


def _sequential(
    *, schedulers: Sequence[Part], milestones: Sequence[int], base_lr: float | None = None
) -> Schedule:
    """Begins each part at its own step 0, where PyTorch takes its closed form."""
    parts = [_part(f"schedulers[{i}]", each, base_lr) for i, each in enumerate(_parts(schedulers))]
    steps = steps_listed("milestones", milestones, 1)
    if len(steps) != len(parts) - 1:
        raise ValueError(
            f"`milestones` must be one fewer than the {len(parts)} `schedulers`, got {len(steps)}. "
            "Give the step at which each scheduler but the first begins."
        )
    lengths = [after - before for before, after in zip([0, *steps], steps, strict=False)]
    if any(length < 1 for length in lengths):
        raise ValueError(
            f"`milestones` must rise from one to the next, got {steps}. Leave out the scheduler "
            "that has no steps."
        )
    return ChainSchedule(parts=parts, part_steps=lengths)


def _chained(*, schedulers: Sequence[Part], base_lr: float) -> Schedule:
    """Multiplies the factors of the parts, as PyTorch's recursions do."""
    whole: Schedule = ConstantSchedule(value=base_lr)
    for i, each in enumerate(_parts(schedulers)):
        name = each[0] if isinstance(each, (tuple, list)) and each else each
        if not isinstance(name, str) or name not in CHAINABLE:
            raise ValueError(
                f"`schedulers[{i}]` must be a pair of one of {', '.join(CHAINABLE)} and its "
                f"arguments, got {each!r}. The others set the rate anew at each step, whatever "
                "those before them did: multiply schedules instead, `a * b`."
            )
        whole = whole * _part(f"schedulers[{i}]", each, 1.0, is_factor=True)
    return whole


def _parts(schedulers: Any) -> list[Any]:
    parts = listed("schedulers", schedulers, "schedules, or pairs of a name and its arguments")
    if not parts:
        raise ValueError(
            "`schedulers` must hold at least one, got none. "
            'Give `[("StepLR", {"step_size": 30})]`, for example.'
        )
    return parts


def _part(name: str, part: Any, base_lr: float | None, is_factor: bool = False) -> Schedule:
    """Returns a schedule as it is, and builds that of a pair."""
    if isinstance(part, Schedule):
        return part
    is_pair = isinstance(part, (tuple, list)) and len(part) == 2 and isinstance(part[1], Mapping)
    if is_pair and isinstance(part[0], str) and part[0] not in SIMPLE:
        near = nearest(part[0], SIMPLE)
        raise ValueError(
            f"`{name}` must be one of {', '.join(SIMPLE)}, got {part[0]!r}. "
            + (f"Did you mean {near!r}?" if near else "Build it by itself, and give the schedule.")
        )
    if not (is_pair and isinstance(part[0], str)):
        raise ValueError(
            f"`{name}` must be a schedule, or a pair of a PyTorch scheduler's name and its "
            f"arguments, got {part!r}. Give "
            '`("LinearLR", {"start_factor": 0.1, "total_iters": 5})`, for example.'
        )
    scheduler, arguments = part
    if is_factor and arguments.get("eta_min"):
        raise ValueError(
            f"`{name}` must have no `eta_min`, got {arguments['eta_min']!r}: it is added, and is "
            "no factor. Leave it out, or add a constant to the product."
        )
    if is_factor and "base_lr" in arguments:
        raise ValueError(
            f"`{name}` must have no `base_lr` of its own, got {arguments['base_lr']!r}. Give "
            "ChainedScheduler that of the optimizer."
        )
    is_missing = base_lr is not None and "base_lr" in SIMPLE[scheduler].known
    given = {"base_lr": base_lr} if is_missing else {}
    return build(SIMPLE[scheduler], scheduler, {**given, **arguments})


TORCH = SIMPLE | {
    "ChainedScheduler": Peer(_chained, {"optimizer": ANY["optimizer"]}),
    "SequentialLR": Peer(_sequential, ANY),
}
"""The schedulers of `torch.optim.lr_scheduler`."""
