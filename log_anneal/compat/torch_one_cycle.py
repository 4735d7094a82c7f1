"""PyTorch's OneCycleLR: its rate, and its momentum."""

import math
from typing import Literal

from log_anneal._core import check
from log_anneal._schedules.one_cycle import OneCycleSchedule
from log_anneal.compat.peer import Share, divided


def one_cycle(
    *,
    max_lr: float,
    total_steps: int | None = None,
    epochs: int | None = None,
    steps_per_epoch: int | None = None,
    pct_start: Share = 0.3,
    anneal_strategy: Literal["cos", "linear"] = "cos",
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
    three_phase: bool = False,
) -> OneCycleSchedule:
    """Ends the phases where PyTorch does, at `pct_start * total_steps - 1`, whole or not."""
    init_value = divided(max_lr, "div_factor", div_factor)
    end_value = divided(init_value, "final_div_factor", final_div_factor)
    total = _total(total_steps, epochs, steps_per_epoch)
    _check_phases(total, total_steps is None, pct_start, three_phase)
    share = check.simplest_fraction(float(pct_start)) * total
    return OneCycleSchedule(
        peak_value=max_lr,
        warmup_steps=float(share - 1),
        decay_steps=float(share - 1) if three_phase else float(total - share),
        final_steps=float(total + 1 - 2 * share) if three_phase else None,
        init_value=init_value,
        end_value=end_value,
        shape="cosine" if anneal_strategy == "cos" else "linear",
    )


def one_cycle_momentum(
    *,
    total_steps: int | None = None,
    epochs: int | None = None,
    steps_per_epoch: int | None = None,
    pct_start: Share = 0.3,
    anneal_strategy: Literal["cos", "linear"] = "cos",
    base_momentum: float = 0.85,
    max_momentum: float = 0.95,
    three_phase: bool = False,
) -> OneCycleSchedule:
    """Falls to `base_momentum` while the rate rises, and back while it falls."""
    rate = one_cycle(
        max_lr=1.0,
        total_steps=total_steps,
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        pct_start=pct_start,
        anneal_strategy=anneal_strategy,
        three_phase=three_phase,
    )
    return rate.replace(peak_value=base_momentum, init_value=max_momentum, end_value=max_momentum)


def _total(total_steps: int | None, epochs: int | None, steps_per_epoch: int | None) -> int:
    if total_steps is not None:
        return total_steps
    if epochs is None or steps_per_epoch is None:
        raise ValueError(
            "`total_steps` must be given, or both `epochs` and `steps_per_epoch`, got "
            f"epochs={epochs} and steps_per_epoch={steps_per_epoch}. Give `total_steps`."
        )
    return check.steps("epochs` * `steps_per_epoch", epochs * steps_per_epoch, 1)


def _check_phases(total: int, is_by_epochs: bool, pct_start: float, three_phase: bool) -> None:
    """Refuses a rise or a fall without a step, where PyTorch divides by 0 or starts in a fall."""
    share = check.simplest_fraction(float(pct_start)) * total
    most = (total + 1) / 2 if three_phase else total
    if 1 < share < most:
        return
    if total > 1 and share <= 1 and pct_start == 0.3:  # the default, which nobody typed
        name = "epochs` * `steps_per_epoch" if is_by_epochs else "total_steps"
        raise ValueError(
            f"`{name}` must be at least {math.floor(1 / pct_start) + 1} where `pct_start` is "
            f"{pct_start}, so that the rise has a step, got {total}. Take more steps, or a "
            f"`pct_start` above {1 / total:.7g}."
        )
    if total <= (1 if not three_phase else 2):
        raise ValueError(
            f"`total_steps` must be at least 2, or 3 with `three_phase`, so that the rise and the "
            f"fall have steps, got {total}. Take more steps."
        )
    raise ValueError(
        f"`pct_start` must be above {1 / total:.7g} and below {most / total:.7g} for {total} "
        f"steps, so that every phase has steps, got {pct_start}. PyTorch takes 0.3."
    )
