"""A small training in a process that others kill: python -m tests.embeddings.training_child CHECKPOINT OUT.

Prints a line after every update; keeps its state after every update, and its vectors at the end.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from embeddings.checkpoints import Checkpoints
from embeddings.engine import fit
from embeddings.engine_settings import EngineSettings

SETTINGS = EngineSettings(epochs=4, negatives=4, chunk=4, batch=8)


class BareModel(torch.nn.Module):
    """Vectors where PyKEEN's TransE has them, without what it takes to import it."""

    def __init__(self, entities: int = 20, relations: int = 2, dimension: int = 8) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(1)
        for name, count in (("entity", entities), ("relation", relations)):
            table = torch.nn.Module()
            table._embeddings = torch.nn.Embedding.from_pretrained(
                torch.randn(count, dimension, generator=generator), freeze=False
            )
            self.add_module(f"{name}_representations", torch.nn.ModuleList([table]))


def triples(count: int = 60) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    ends = torch.randint(20, (count, 2), generator=generator)
    return torch.cat([ends[:, :1], torch.randint(2, (count, 1), generator=generator), ends[:, 1:]], dim=1)


def main(checkpoint: Path, out: Path) -> None:
    from safetensors.torch import save_file

    model = BareModel()
    fit(
        model,  # type: ignore[arg-type]
        triples(),
        torch.ones(60),
        SETTINGS,
        seed=3,
        progress=lambda task, share: print(f"{share:.4f} {task}", flush=True),
        checkpoints=Checkpoints(checkpoint, minutes=0.0),
    )
    save_file({name: each.detach() for name, each in model.named_parameters()}, out)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
