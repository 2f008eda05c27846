"""A run so small that a test can make it many times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR

from genlib import seed_everything
from genlib.data import BatchStream, ImageSet, digits
from genlib.losses import squared_error
from genlib.training import Checkpoints, History, Move, Player, train
from genlib.training.packing import load_tree

Loss = Callable[[Move, nn.Module], Tensor]


def tiny_model(hidden: int = 4) -> nn.Sequential:
    """With dropout, so that the global random state matters too."""
    seed_everything(0)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(64, hidden), nn.Tanh(), nn.Dropout(0.1), nn.Linear(hidden, 64),
        nn.Unflatten(1, (1, 8, 8)),
    )  # fmt: skip


def tiny_player(
    model: nn.Module | None = None,
    *,
    name: str = "ae",
    learning_rate: float = 0.01,
    betas: tuple[float, float] = (0.9, 0.999),
    penalty_weight: float = 0.1,
    schedule_over: int | None = None,
    **options: Any,
) -> Player:
    """An autoencoder with noise in its loss, Adam, and where asked a cosine schedule."""
    model = model or tiny_model()

    def penalty(x: Tensor) -> Tensor:
        return penalty_weight * x.square().flatten(1).sum(1)  # [B]

    def loss(move: Move) -> Tensor:
        rebuilt = model(move.x + 0.1 * move.normal(1, 8, 8))
        move.log("size", rebuilt.square().mean())
        return (squared_error(rebuilt, move.x) + penalty(rebuilt)).mean()

    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate, betas=betas)
    schedule = CosineAnnealingLR(optimizer, schedule_over) if schedule_over else None
    return Player(name, model, loss, optimizer, schedule=schedule, **options)


def tiny_stream(batch_size: int = 16, data: ImageSet | None = None, seed: int = 0) -> BatchStream:
    return BatchStream(data or digits("train", size=8), batch_size, seed=seed)


def tiny_run(
    folder: Path | str,
    steps: int,
    player: Player | None = None,
    *,
    stream: Any = None,
    seed: int = 0,
    watch: Any = (),
    log_every: int = 2,
    precision: Any = "fp32",
    settings: Any = None,
    **plan: Any,
) -> History:
    """Train in `folder`; by default a checkpoint every three steps."""
    return train(
        [player or tiny_player()],
        stream or tiny_stream(),
        steps=steps,
        seed=seed,
        watch=watch,
        log_every=log_every,
        progress=False,
        precision=precision,
        settings=settings,
        checkpoints=Checkpoints(folder, **{"every_steps": 3, "every_seconds": None, **plan}),
    )


def tree_of(folder: Path, step: int) -> dict[str, Any]:
    """What the checkpoint of a step holds, but for the seconds and the settings."""
    tree = load_tree(folder / f"step-{step:08d}.safetensors")
    del tree["history"]["seconds"], tree["settings"]
    return tree
