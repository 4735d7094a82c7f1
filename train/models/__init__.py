"""Networks as pairs of pure functions; the only folder that knows Flax.

The classes that a configuration needs are here and load no Flax. `train.models.build` builds the
networks.
"""

from train.models.config import NETWORKS, ModelConfig, Transformer

__all__ = ["NETWORKS", "ModelConfig", "Transformer"]
