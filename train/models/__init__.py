"""Networks as pairs of pure functions; the only folder that knows Flax.

What a configuration needs is here, and loads no Flax; `train.models.build` makes the networks.
"""

from train.models.config import ModelConfig, Transformer

__all__ = ["ModelConfig", "Transformer"]
