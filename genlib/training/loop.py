"""The one training loop of the course."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from genlib.data.stream import Batch
from genlib.seeds import make_generator
from genlib.training.arithmetic import Arithmetic, Precision
from genlib.training.checkpoints import Checkpoints
from genlib.training.history import History
from genlib.training.keeper import Keeper
from genlib.training.players import Move, NonFiniteLossError, Player, refuse_non_finite
from genlib.training.processes import Processes, processes
from genlib.training.progress import finish_step_on_interrupt, progress_bar
from genlib.training.run import Run, Watcher, models
from genlib.training.settings import describe

LogWatcher = Callable[[int, dict[str, float]], None]


class OutOfMemoryError(RuntimeError):
    """The batch did not fit on the GPU; the message names one to try."""


def train(
    players: Sequence[Player],
    stream: Iterator[Batch],
    *,
    steps: int,
    seed: int = 0,
    watch: Sequence[Watcher] = (),
    on_log: Sequence[LogWatcher] = (),
    log_every: int | None = None,
    progress: bool = True,
    precision: Precision = "fp32",
    channels_last: bool = False,
    checkpoints: Checkpoints | None = None,
    settings: Mapping[str, Any] | None = None,
) -> History:
    """Let the players move in turn for `steps` steps.

    A step draws one batch of `stream`, and every player moves `player.moves` times: its first move
    sees the batch of the move before it, each further one a fresh batch.

    Args:
        players: who moves, in this order.
        stream: batches on the run's device, for example a `BatchStream`.
        steps: how many steps to make; with checkpoints, those of earlier sittings included.
        seed: of the noise that losses draw through the `Move`.
        watch: called with the number of finished steps, first with 0 (`SampleStrip.look`); the
            models are in evaluation mode meanwhile, so that looking changes nothing.
        on_log: called with the step and the means that enter the history (`to_tensorboard`).
        log_every: steps per history entry; by default about 200 entries in all.
        progress: whether to show a progress bar.
        precision: see `Arithmetic`.
        channels_last: whether images lie with their channels innermost, which convolutions in
            short formats like.
        checkpoints: where to save the run, and from where to continue it.
        settings: further settings, as plain values, that a resume shall compare.

    Returns:
        The history. Ctrl-C lets the step finish, saves, and returns what there is so far. The
        models are left in evaluation mode, however the run ends.

    Raises:
        NonFiniteLossError: a loss or a gradient is infinite or NaN. On the CPU every move is
            checked before the weights change; on a GPU looking costs a wait, so it is done for
            each history entry and before each checkpoint.
        OutOfMemoryError: a batch does not fit on the GPU.
        CheckpointError: the checkpoints that are there cannot be used.
        ChangedSettingsError: the run that lies there was made under other settings.
    """
    if not players:
        raise ValueError("train needs at least one player")
    if len({player.name for player in players}) < len(players):
        raise ValueError(f"players need different names: {[p.name for p in players]}")
    log_every = log_every or max(1, steps // 200)
    device = players[0].parameters[0].device
    together = processes()
    _check_part(stream, together)
    arithmetic = Arithmetic(precision, device.type, channels_last)
    run = Run(players, stream, make_generator(seed, "train", device=device), arithmetic, watch)
    keeper: Keeper | None = None
    with arithmetic.run(models(players)):
        together.same_start(models(players))
        if checkpoints is not None:
            facts = describe(
                players, stream, arithmetic, seed=seed, steps=steps, processes=together.count,
                device=device, log_every=log_every, own=settings or {},
            )  # fmt: skip
            keeper = Keeper(checkpoints, run, facts, together)
            keeper.resume()
        try:
            _loop(run, steps, log_every, on_log, progress, keeper, together)
        except NonFiniteLossError as error:
            raise NonFiniteLossError(
                f"{error} {keeper.hint() if keeper else ''}".rstrip()
            ) from None
    return run.history


def _loop(
    run: Run,
    steps: int,
    log_every: int,
    on_log: Sequence[LogWatcher],
    progress: bool,
    keeper: Keeper | None,
    together: Processes,
) -> None:
    """From `run.step` to `steps`."""
    history, start = run.history, run.step
    began, seconds_before, images_before = time.perf_counter(), history.seconds, history.images
    with (
        training_mode(run.players),
        finish_step_on_interrupt() as interrupt,
        progress_bar(steps, start=start, show=progress and together.first) as bar,
    ):
        if start == 0:
            _look(run, together)
        while run.step < steps and not history.interrupted:
            make_step(run, together)
            _look(run, together)
            history.seconds = seconds_before + time.perf_counter() - began
            history.interrupted = together.any(interrupt.requested)
            if run.step % log_every == 0:
                _log(run, on_log if together.first else ())
                rate = (history.images - images_before) / (history.seconds - seconds_before)
                bar.set_postfix_str(f"{history.latest()}, {rate:,.0f} images/s", refresh=False)
            bar.update()  # after the postfix, which draws nothing by itself
            if keeper is not None:
                keeper.save(force=run.step == steps or history.interrupted)
        bar.refresh()
    if run.meter.sums:  # after saving: an entry that a longer or an unbroken run would not have
        _log(run, on_log if together.first else ())
    if history.interrupted and together.first:
        print(f"Stopped by Ctrl-C after step {run.step} of {steps}; the history so far is kept.")


def make_step(run: Run, together: Processes) -> None:
    """One step: every player moves in turn, as often as it is due."""
    batch, shared = _next(run, together), dict[str, object]()
    for player in run.players:
        for turn in range(player.moves):
            if turn > 0:
                batch, shared = _next(run, together), {}
            last = turn == player.moves - 1
            move = Move(batch.x, batch.y, run.step, run.generator, last, together, shared)
            try:
                loss = player.play(move, run.arithmetic)
            except torch.cuda.OutOfMemoryError as error:
                raise _out_of_memory(player, len(batch.x) * together.count) from error
            run.meter.add({player.name: loss, **move.logged})
    run.step += 1


def _log(run: Run, on_log: Sequence[LogWatcher]) -> None:
    """Put the means since the last entry into the history."""
    means = run.meter.take()
    for player in run.players:
        refuse_non_finite("loss or gradient", player.name, means[player.name], run.step - 1)
        if run.arithmetic.lost(player.name):  # fp16 skipped step after step, down to a tiny scale
            refuse_non_finite("gradient", player.name, math.nan, run.step - 1)
    run.history.add(run.step, means)
    for tell in on_log:
        tell(run.step, means)


def _next(run: Run, together: Processes) -> Batch:
    batch: Batch = next(run.stream)
    run.history.images += len(batch.x) * together.count
    return batch._replace(x=run.arithmetic.lay_out(batch.x))


def _out_of_memory(player: Player, batch_size: int) -> OutOfMemoryError:
    return OutOfMemoryError(
        f"a batch of {batch_size} images did not fit into the GPU's memory when player "
        f"{player.name!r} moved. Try batch_size={max(1, batch_size // 2)}, or precision='bf16'; "
        "in a notebook, restart the kernel first if other models are still in memory."
    )


def _check_part(stream: Iterator[Batch], together: Processes) -> None:
    part = getattr(stream, "part", together.part)
    if part != together.part:
        raise ValueError(
            f"this is process {together.rank} of {together.count}, but the stream gives part "
            f"{part}: make it with BatchStream(…, part=processes().part)."
        )


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


def _look(run: Run, together: Processes) -> None:
    """Call the watchers with the models in evaluation mode, then put each mode back."""
    if not run.watch or not together.first:
        return
    before = [player.model.training for player in run.players]
    for player in run.players:
        player.model.eval()
    for look in run.watch:
        look(run.step)
    for player, training in zip(run.players, before, strict=True):
        player.model.train(training)
