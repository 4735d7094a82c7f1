"""Reads words: which of them is an option, and which value the words after it stand for."""

import contextlib
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from train.errors import UserError
from train.kinds import taken

_Option = tuple[str, list[str]]


def options_in(words: Sequence[str]) -> Iterator[_Option]:
    """Yields each option, as a field's name, with the words that follow it.

    Raises:
      UserError: the first word is no option, or an option has no name.
    """
    option: _Option | None = None
    for word in words:
        if word.startswith("--"):
            if option:
                yield option
            name, equals, value = word[2:].partition("=")
            if not name:
                raise UserError(f"`{word}` must have a name, as in --workdir. Give it one.")
            option = (name.replace("-", "_"), [value] if equals else [])
        elif option:
            option[1].append(word)
        else:
            raise UserError(
                f"`{word}` must be an option, which begins with --, as in --workdir runs/NAME. "
                "Take the word out, or put quotes around a name with blanks."
            )
    if option:
        yield option


def value_of(name: str, kind: Any, words: Sequence[str]) -> Any:
    """Returns the value that words stand for; the text itself if they stand for none.

    Args:
      name: of the option, as a sentence names it.
      kind: the annotation of the value.
      words: the words that follow the option.

    Raises:
      UserError: there is no word, or there is more than one where one is asked for.
    """
    if typing.get_origin(kind) is dict:
        if len(words) % 2:
            return " ".join(words)
        kind_of_value = typing.get_args(kind)[1]
        pairs = zip(words[::2], words[1::2], strict=True)
        return {each: _of_word(kind_of_value, word) for each, word in pairs}
    return _of_word(kind, only_word(name, words))


def only_word(name: str, words: Sequence[str]) -> str:
    """Returns the one word that follows an option.

    Args:
      name: of the option, as a sentence names it.
      words: the words that follow it.

    Raises:
      UserError: there is none, or more than one.
    """
    if not words:
        raise UserError(f"`{name}` must have a value, got none. Write it after the name.")
    if len(words) > 1:
        raise UserError(
            f"`{name}` must be one value, got {' '.join(words)!r}. Put quotes around it."
        )
    return words[0]


def _of_word(kind: Any, word: str) -> Any:
    """Returns the value that a word stands for in an annotation; the word itself for none."""
    readers: Mapping[str, None] = {"None": None}
    of_path = (Path,) if word else ()  # an empty one would be the folder that one is in
    for read in (str, int, float, readers.__getitem__, *of_path):
        with contextlib.suppress(ValueError, KeyError):
            value = read(word)
            taken("", kind, value)  # a UserError is a ValueError
            return value
    # It stands for a number out of the range, or for nothing at all.
    return word if word == "None" else number_of(word)


def number_of(word: str) -> Any:
    """Returns the number or the None that a word stands for; of other words the word itself."""
    for read in (int, float):
        with contextlib.suppress(ValueError):
            return read(word)
    return None if word == "None" else word
