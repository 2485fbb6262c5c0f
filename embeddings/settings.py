"""How TransE is trained: plain values, without the libraries that use them."""

from __future__ import annotations

from dataclasses import dataclass, field

from embeddings.engine_settings import EngineSettings
from habitue.errors import UsageError


@dataclass(frozen=True)
class TransESettings:
    """How TransE is trained on a customer graph.

    Attributes:
        dimension: Length d of the vectors.
        half_life_days: Days after which an event counts half in a triple's strength.
        popularity_weight: Weight of the popularity term in a purchase's score (`embeddings.popularity`).
        engine: The training engine's settings.
    """

    dimension: int = 64
    half_life_days: float = 90.0
    popularity_weight: float = 0.5
    engine: EngineSettings = field(default_factory=EngineSettings)

    def __post_init__(self) -> None:
        if self.dimension < 1 or self.half_life_days <= 0:
            raise UsageError(
                f"TransE cannot have dimension {self.dimension} and half-life {self.half_life_days} days.",
                hint="Both must be positive.",
            )
        if not 0 <= self.popularity_weight < float("inf"):
            raise UsageError(
                f"TransE cannot have a popularity weight of {self.popularity_weight}.", hint="It must be at least 0."
            )

    @classmethod
    def light(cls) -> TransESettings:
        """About a third of the work, for folds of a backtest."""
        return cls(dimension=32, engine=EngineSettings(epochs=2, learning_rate=0.2, negatives=32))
