"""The task of language: what is the next byte of a text?"""

import dataclasses
import hashlib
import math
import pydoc_data.topics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from train.checked import Count, Natural, checked
from train.config import Config
from train.errors import UserError
from train.kinds import Within
from train.metric import Metric
from train.models.build import decay_mask
from train.models.language import NUM_BYTES, byte_transformer
from train.tasks.language_baselines import ngram_bits, written_on
from train.tasks.task import Data, DeviceData, Guess, Learner, Result, Sums, Task


class Passages(NamedTuple):
    """A batch of passages, and the byte that follows each of their bytes."""

    text: Any
    """uint8, [b, context]."""
    following: Any
    """uint8, [b, context]."""


@checked("task")
@dataclasses.dataclass(frozen=True)
class Language(Task):
    """The bytes of a text, each predicted from those before it, by a transformer.

    The text is cut in three: the training part comes first, then the validation part, then the test
    part. A training passage begins at a place that is drawn anew in each epoch. In an evaluation
    passages overlap by half, and only bytes with at least half a passage before them count.
    """

    context: Annotated[int, Within(at_least=16)] = 128
    """How many bytes the network sees at once. At least 16."""
    test_fraction: Annotated[float, Within(above=0, below=1)] = 0.1
    """The part of the text, at its end, on which the network is tested. Above 0 and below 1."""
    width: Count = 128
    """The number of features of a byte. At least 1. `num_heads` must divide it into even parts."""
    depth: Count = 4
    """The number of blocks. At least 1."""
    num_heads: Count = 4
    """The number of attention heads. At least 1."""
    sample_bytes: Natural = 400
    """How many bytes the network writes at the end, into `sample.txt`. At least 0."""

    name = "language"
    dataset = "pydoc_topics"
    noun = "passages"
    measures = (
        Metric(
            name="bits",
            title="bits a byte",
            better=-1,
            digits=3,
            margin=0.02,
            why="It changes the size of a text that the network compresses by about 1 %.",
        ),
    )
    files = ("sample.txt",)

    def __post_init__(self) -> None:
        """Checks the heads."""
        if self.width % (2 * self.num_heads):
            raise UserError(
                f"`task.width` must be divisible by twice `task.num_heads` ({2 * self.num_heads}), "
                f"got {self.width}. Take 32 features a head."
            )

    def load(self, config: Config, *, on_paper: bool = False, tell: bool = True) -> Data:
        """Reads the text, and cuts it; see `Task.load`."""
        text = np.frombuffer(_text(config.dataset), np.uint8)
        num_test = round(self.test_fraction * len(text))
        num_train = round((1 - config.validation_fraction) * (len(text) - num_test))
        train, validation, test = np.split(text, [num_train, len(text) - num_test])
        parts = {"train": train, "validation": validation, "test": test}
        if not config.validation_fraction:
            del parts["validation"]
        for name, part in parts.items():
            if len(part) < 3 * self.context:
                raise UserError(
                    f"The {name} part of {config.dataset} must have at least three times "
                    f"`task.context` bytes ({3 * self.context}), got {len(part)}. Take a longer "
                    "text, or a shorter context."
                )
        # A training passage may begin up to a context later.
        sizes = {
            name: (len(part) - self.context - 1) // self._half + 1 for name, part in parts.items()
        }
        sizes["train"] = (len(train) - self.context) // self.context
        counts = ", ".join(f"{count:,} {name}" for name, count in sizes.items())
        cuts = np.array([*map(len, parts.values())], "<i8")
        return Data(
            name=config.dataset,
            digest=hashlib.sha256(cuts.tobytes() + text.tobytes()).hexdigest(),
            sizes=sizes,
            about=f"{counts}; {len(text):,} bytes",
            guess=Guess(math.log(NUM_BYTES), f"a guess among {NUM_BYTES} bytes"),
            examples=parts.__getitem__,
        )

    @property
    def _half(self) -> int:
        return self.context // 2

    def learner(self, config: Config, key: Any) -> Learner:
        """Returns the functions of a program."""
        model = byte_transformer(self.width, self.depth, self.num_heads)
        places = jnp.arange(self.context)

        def batch(data: DeviceData, rows: jax.Array, keys: jax.Array | None) -> Passages:
            if keys is None:
                starts = jnp.maximum(rows, 0) * self._half
            else:
                shift = jax.vmap(lambda key: jax.random.randint(key, (), 0, self.context))(keys)
                starts = rows * self.context + shift
            at = starts[:, None] + places
            return Passages(data.examples[at], data.examples[at + 1])

        def predict(params: Any, stats: Any, text: jax.Array) -> jax.Array:
            no_draw = jax.random.key(0)
            return model.apply(params, stats, text, False, no_draw)[0]

        def nats(params: Any, stats: Any, batch: Passages) -> jax.Array:
            log_p = jax.nn.log_softmax(predict(params, stats, batch.text))
            chosen = jnp.take_along_axis(log_p, batch.following[..., None].astype(jnp.int32), -1)
            return -chosen[..., 0]

        def loss(
            params: Any, stats: Any, batch: Passages, keys: jax.Array
        ) -> tuple[jax.Array, tuple[Any, Mapping[str, Any]]]:
            mean = nats(params, stats, batch).mean()
            return mean, (stats, {"bits": mean / math.log(2)})

        def sums(
            params: Any, stats: Any, batch: Passages, is_real: jax.Array, key: jax.Array
        ) -> Sums:
            counts = is_real[:, None] & (places >= self._half)
            return {
                "nats": jnp.where(counts, nats(params, stats, batch), 0).sum(),
                "bytes": counts.sum(dtype=jnp.float32),
                "count": is_real.sum(dtype=jnp.float32),
            }

        return Learner(
            init=model.init,
            batch=batch,
            loss=loss,
            sums=sums,
            predict=predict,
            decay_mask=decay_mask,
        )

    def measured(self, sums: Mapping[str, np.ndarray]) -> dict[str, float]:
        """Returns `loss`, in nats a byte, and `bits`, the same in bits."""
        loss = float(sums["nats"] / sums["bytes"])
        return {"loss": loss, "bits": loss / math.log(2)}

    def result(self, config: Config, data: Data, predict: Callable[[Any], Any]) -> Result:
        """Lets the network write on, and measures a 5-gram model on the same bytes."""
        train, test = data.examples("train"), data.examples("test")
        last = (data.sizes["test"] - 1) * self._half + self.context + 1
        bits = ngram_bits(train, test[:last], first=self._half + 1)
        prompt = test[: self.context]
        written = written_on(predict, prompt, self.sample_bytes, config.seed)
        begin, end = (part.tobytes().decode(errors="replace") for part in (prompt, written))
        text = f"--- the test part begins\n{begin}\n--- the network goes on\n{end}\n"
        return Result({self.files[0]: text.encode()}, {"5-gram model": bits})


def _text(dataset: str) -> bytes:
    if dataset == Language.dataset:
        topics = pydoc_data.topics.topics
        return "\n".join(topics[name] for name in sorted(topics)).encode()
    if not dataset.startswith("text:"):
        raise UserError(
            f"`dataset` must be pydoc_topics or text:PATH for the task language, got {dataset!r}. "
            "Write text: in front of the path of a text file."
        )
    path = Path(dataset.removeprefix("text:"))
    try:
        return path.expanduser().read_bytes()
    except (OSError, RuntimeError) as error:
        raise UserError(
            f"`dataset` must name a file that can be read, got {path} ({error}). Give it as "
            "text:PATH."
        ) from error
