"""The words of a command that is given again."""

from collections.abc import Collection, Sequence


def without(words: Sequence[str], options: Collection[str]) -> list[str]:
    """Returns the words of a command without some of its options, and what follows them.

    A command that is proposed after a halt must not repeat what it changes, nor go back again to
    the step that the run went back to.

    Args:
      words: of the command.
      options: the names of the fields, as in `halt.threshold`.
    """
    kept, is_dropped = [], False
    for word in words:
        if word.startswith("--"):
            name = word[2:].partition("=")[0].replace("-", "_")
            is_dropped = name in options
        if not is_dropped:
            kept.append(word)
    return kept
