"""The one training loop of the course."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from genlib.data.stream import Batch
from genlib.seeds import make_generator
from genlib.training.history import History
from genlib.training.players import Move, Player
from genlib.training.progress import finish_step_on_interrupt, progress_bar

Watcher = Callable[[int], None]


class NonFiniteLossError(RuntimeError):
    """A loss became infinite or NaN; the message names player and step."""


def train(
    players: Sequence[Player],
    stream: Iterator[Batch],
    *,
    steps: int,
    seed: int = 0,
    watch: Sequence[Watcher] = (),
    log_every: int | None = None,
    progress: bool = True,
) -> History:
    """Let the players move in turn for `steps` steps.

    A step draws one batch of `stream`, and every player moves `player.moves` times: its first move
    sees the batch of the move before it, each further one a fresh batch.

    Args:
        players: who moves, in this order.
        stream: batches on the run's device, for example a `BatchStream`.
        steps: how many steps to make.
        seed: of the noise that losses draw through `move.generator`.
        watch: called with the number of finished steps, first with 0 (`SampleStrip.look`); the
            models are in evaluation mode meanwhile, so that looking changes nothing.
        log_every: steps per history entry; by default about 200 entries in all.
        progress: whether to show a progress bar.

    Returns:
        The history. Ctrl-C lets the step finish and returns what there is so far. The models are
        left in evaluation mode, however the run ends.

    Raises:
        NonFiniteLossError: a loss is infinite or NaN. Every step is checked on the CPU; on a GPU
            looking costs a wait, so only the steps that enter the history are.
    """
    if not players:
        raise ValueError("train needs at least one player")
    if len({player.name for player in players}) < len(players):
        raise ValueError(f"players need different names: {[p.name for p in players]}")
    log_every = log_every or max(1, steps // 200)
    history = History()
    sums: dict[str, Tensor] = defaultdict(lambda: torch.zeros(()))
    counts: dict[str, int] = defaultdict(int)
    generator: torch.Generator | None = None
    _look(0, watch, players)
    began = time.perf_counter()
    with (
        training_mode(players),
        finish_step_on_interrupt() as interrupt,
        progress_bar(steps, show=progress) as bar,
    ):
        for step in range(steps):
            batch = next(stream)
            history.images += len(batch.x)
            if generator is None:
                generator = make_generator(seed, "train", device=batch.x.device)
            for player in players:
                for turn in range(player.moves):
                    if turn > 0:
                        batch = next(stream)
                        history.images += len(batch.x)
                    move = Move(batch.x, batch.y, step, generator)
                    loss = player.play(move)
                    if loss.device.type == "cpu":
                        _check_finite(player.name, float(loss), step)
                    for name, value in {player.name: loss, **move.logged}.items():
                        sums[name] = sums[name].to(value.device) + value
                        counts[name] += 1
            _look(step + 1, watch, players)
            if (step + 1) % log_every == 0 or step + 1 == steps or interrupt.requested:
                means = {name: float(sums[name]) / counts[name] for name in sums}
                for player in players:
                    _check_finite(player.name, means[player.name], step)
                history.add(step + 1, means)
                bar.set_postfix({name: f"{value:.4g}" for name, value in means.items()})
                sums.clear()
                counts.clear()
            bar.update()
            if interrupt.requested:
                history.interrupted = True
                break
    history.seconds = time.perf_counter() - began
    if history.interrupted:
        print(f"Stopped by Ctrl-C after step {step + 1} of {steps}; the history so far is kept.")
    return history


@contextmanager
def training_mode(players: Sequence[Player]) -> Iterator[None]:
    """The players' models train inside and evaluate afterwards, whatever happens."""
    try:
        for player in players:
            player.model.train()
        yield
    finally:
        for player in players:
            player.model.eval()


def _look(step: int, watch: Sequence[Watcher], players: Sequence[Player]) -> None:
    """Call the watchers with the models in evaluation mode, then put each mode back."""
    if not watch:
        return
    before = [player.model.training for player in players]
    for player in players:
        player.model.eval()
    for look in watch:
        look(step)
    for player, training in zip(players, before, strict=True):
        player.model.train(training)


def _check_finite(player: str, loss: float, step: int) -> None:
    if not math.isfinite(loss):
        raise NonFiniteLossError(
            f"the loss of player {player!r} is {loss} at step {step}. Usual causes: a learning "
            "rate too large (try a tenth), a logarithm or a square root at 0, inputs outside "
            "[0, 1]."
        )
