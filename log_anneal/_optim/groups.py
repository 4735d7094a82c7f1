"""A schedule for each group of parameters, by patterns over their paths."""

import difflib
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any

import jax
import optax

from log_anneal._optim.flax_variables import is_variable


def groups(
    optimizer: Callable[[Any], optax.GradientTransformation],
    schedules: Mapping[str, Any],
) -> optax.GradientTransformationExtraArgs:
    """Builds an optimizer for each group of parameters, by a schedule each, or None to freeze.

    The path of a parameter is its keys, joined by slashes: `encoder/layers/0/kernel`. A parameter
    belongs to the first pattern, in the order of the mapping, that matches its whole path, as
    `fnmatch` does: `*` stands for any characters, slashes too, `?` for one character, `[ab]` for
    one of those. `**` means the same as `*`.

    The state of a group is under its pattern, and holds its own parameters alone. A frozen group
    has no state, its updates are zero, and weight decay does not reach it.

    A transformation that looks at all gradients at once, such as `optax.clip_by_global_norm`, would
    see only one group inside `optimizer`. Chain it in front of the groups.

    Args:
      optimizer: a function that makes an optimizer of a schedule, `optax.adamw` for example. To
        swap schedules in mid-run, give
        `lambda s: optax.inject_hyperparams(optax.adamw)(learning_rate=live(s))`.
      schedules: by pattern, what `optimizer` takes, or None to freeze the group.

    Returns:
      A transformation for any pytree of parameters. Its `init`, like its `update`, raises
      ValueError if a parameter matches no pattern, or a pattern gets no parameter.

    Raises:
      ValueError: there is no pattern.
      TypeError: `optimizer` is no function, or `schedules` no mapping from patterns.

    Example:
      >>> import jax.numpy as jnp
      >>> import optax
      >>> from log_anneal import constant_schedule
      >>> params = {"encoder": {"kernel": jnp.ones(2)}, "head": {"bias": jnp.ones(2)}}
      >>> optimizer = groups(optax.sgd, {"encoder/*": None, "*": constant_schedule(0.5)})
      >>> updates, _ = optimizer.update(params, optimizer.init(params), params)
      >>> updates["encoder"]["kernel"].tolist(), updates["head"]["bias"].tolist()
      ([0.0, 0.0], [-0.5, -0.5])

    References:
      `optax.partition`, which does the work.
    """
    if not callable(optimizer):
        raise TypeError(
            "`optimizer` must be a function that makes an optimizer of a schedule, got "
            f"{optimizer!r}. Give `optax.adamw`, for example."
        )
    if not isinstance(schedules, Mapping) or not all(isinstance(each, str) for each in schedules):
        raise TypeError(
            f"`schedules` must be a mapping from patterns to schedules, got {schedules!r}. "
            'For example: `{"*/bias": None, "*": schedule}`.'
        )
    if not schedules:
        raise ValueError(
            '`schedules` must hold a pattern, got none. `{"*": schedule}` has every parameter.'
        )
    patterns = list(schedules)
    optimizers = {
        pattern: optax.set_to_zero() if schedule is None else optimizer(schedule)
        for pattern, schedule in schedules.items()
    }
    transformation: optax.GradientTransformationExtraArgs = optax.partition(
        optimizers, lambda params: _labels(params, patterns)
    )
    return transformation


def _labels(params: Any, patterns: list[str]) -> Any:
    """Returns the pattern of each parameter, in their tree."""
    leaves, structure = jax.tree_util.tree_flatten_with_path(params, is_leaf=is_variable)
    paths = [jax.tree_util.keystr(path, simple=True, separator="/") for path, _ in leaves]
    labels = [next((p for p in patterns if fnmatchcase(path, p)), None) for path in paths]
    if None in labels:
        raise _unmatched([path for path, label in zip(paths, labels, strict=True) if label is None])
    for pattern in patterns:
        if pattern not in labels and paths:  # optax.tree_map_params asks with a tree of no leaves
            raise _idle(pattern, patterns, paths)
    return jax.tree.unflatten(structure, labels)


def _unmatched(paths: list[str]) -> ValueError:
    more = f" and {len(paths) - 10} more" if len(paths) > 10 else ""
    return ValueError(
        "`schedules` must have a pattern for every parameter, got none for "
        f'{", ".join(paths[:10])}{more}. Add "*" as the last pattern; None there freezes them.'
    )


def _idle(pattern: str, patterns: list[str], paths: list[str]) -> ValueError:
    """Makes the error for a pattern without a parameter: an earlier one has them, or none match."""
    matched = [path for path in paths if fnmatchcase(path, pattern)]
    if matched:
        earlier = next(each for each in patterns if fnmatchcase(matched[0], each))
        return ValueError(
            f"`schedules` must leave each pattern a parameter, got {pattern!r} after {earlier!r}, "
            f"which has {matched[0]}. Put it in front of that, or leave it out."
        )
    near = difflib.get_close_matches(pattern, paths, 3, 0.4) or paths[:3]
    return ValueError(
        f"`schedules` must have patterns that match a parameter, got {pattern!r}, which matches "
        f"none. There are {', '.join(near)}, for example."
    )
