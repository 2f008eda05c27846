"""Small runs in processes of their own, to be killed: built the same each time they start."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LinearLR
from tqdm import tqdm

from genlib import make_generator, seed_everything
from genlib.data import BatchStream, digits
from genlib.models.gan import ConvDiscriminator, ConvGenerator
from genlib.models.vae import ConvVAE
from genlib.models.vae_gan import Encoder, FeatureDiscriminator
from genlib.training import (
    Checkpoints,
    History,
    Player,
    SampleStrip,
    gan_players,
    train,
    vae_gan_players,
    vae_player,
    wgan_gp_players,
)
from genlib.training.packing import load_tree, save_tree

SHAPE = (1, 8, 8)

# Loaded once by the server that processes are forked from; the last three load late otherwise.
PRELOAD = ["tests.faults.runs", "torch._dynamo", "safetensors.torch", "sklearn.datasets"]
Draw = Callable[[], Tensor]
Hook = Callable[[int], None]


def vae(steps: int) -> tuple[list[Player], Draw]:
    """Batch norm, dropout, warm-up and cosine, EMA."""
    model = ConvVAE(4, 4, SHAPE, norm="batch")
    model.encoder = nn.Sequential(nn.Dropout(0.1), model.encoder)
    player = vae_player(model, steps=steps, warmup=5, ema_decay=0.9)
    z = make_generator_noise(4)
    return [player], lambda: player.best_model.sample(z)


def gan(steps: int) -> tuple[list[Player], Draw]:
    """Dropout in the discriminator, batch norm in the generator, EMA, clipping, a schedule."""
    generator = ConvGenerator(8, 4, SHAPE)
    discriminator = nn.Sequential(nn.Dropout(0.2), ConvDiscriminator(4, SHAPE))
    players = gan_players(generator, discriminator, ema_decay=0.9)
    players[0].clip_norm = 1.0
    players[1].schedule = LinearLR(players[1].optimizer, total_iters=steps)
    z = make_generator_noise(8)
    return players, lambda: players[1].best_model(z)


def wgan_gp(steps: int) -> tuple[list[Player], Draw]:
    """Five critic moves a step, layer norm and dropout in the critic, EMA, a schedule."""
    generator = ConvGenerator(8, 4, SHAPE)
    critic = nn.Sequential(nn.Dropout(0.1), ConvDiscriminator(4, SHAPE, norm="layer"))
    players = wgan_gp_players(generator, critic, ema_decay=0.9)
    players[0].schedule = LinearLR(players[0].optimizer, total_iters=5 * steps)
    z = make_generator_noise(8)
    return players, lambda: players[1].best_model(z)


def vae_gan(steps: int) -> tuple[list[Player], Draw]:
    """Three players."""
    decoder = ConvGenerator(8, 4, SHAPE)
    players = vae_gan_players(
        Encoder(8, 4, SHAPE), decoder, FeatureDiscriminator(4, SHAPE), ema_decay=0.9
    )
    z = make_generator_noise(8)
    return players, lambda: players[1].best_model(z)


FAMILIES = {"vae": vae, "gan": gan, "wgan-gp": wgan_gp, "vae-gan": vae_gan}


def make_generator_noise(latent: int) -> Tensor:
    return torch.randn(4, latent, generator=make_generator(0, "strip"))


def draw_from_every_generator(step: int) -> None:
    """A watcher as users write them: it draws from all global random states."""
    random.random()
    np.random.rand()  # noqa: NPY002
    torch.rand(())


def run(
    family: str, folder: Path, *, steps: int, hooks: Sequence[Hook] = (), **plan: Any
) -> tuple[list[Player], SampleStrip, History]:
    """Train a family's players from their seed, or from what lies in `folder`."""
    seed_everything(0)
    np.random.seed(0)  # noqa: NPY002
    players, draw = FAMILIES[family](steps)
    strip = SampleStrip(draw, at=range(0, steps + 1, 5))
    plan = {"every_steps": 3, "every_seconds": None, "best": players[-1].name, **plan}
    history = train(
        players,
        BatchStream(digits("train", size=8), 16, seed=0),
        steps=steps,
        log_every=7,  # no multiple of every_steps: checkpoints fall between history entries
        watch=[strip.look, draw_from_every_generator, *hooks],
        progress=False,
        checkpoints=Checkpoints(folder, **plan),
    )
    return players, strip, history


def play(
    family: str, folder: Path, began: Connection, sabotage: Any = None, **options: Any
) -> None:
    """What a process runs. It leaves `folder/../NAME.result` with what `train` gave back."""
    torch.set_num_threads(1)
    tqdm.set_lock(threading.RLock())  # its own is shared by processes, and would outlive a kill
    if sabotage is not None:
        sabotage()
    began.send(True)
    start = time.perf_counter()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        players, strip, history = run(family, folder, **options)
    result = {
        "models": {player.name: player.model.state_dict() for player in players},
        "averages": {player.name: player.best_model.state_dict() for player in players},
        "frames": strip.bytes,
        "series": history.state_dict()["series"],
        "images": history.images,
        "seconds": time.perf_counter() - start,
        "warnings": [str(warning.message) for warning in caught],
    }
    save_tree(result_path(folder), result)


def result_path(folder: Path) -> Path:
    return folder.parent / f"{folder.name}.result"


def start(family: str, folder: Path, sabotage: Any = None, **options: Any) -> BaseProcess:
    """A process that has begun to train. Forked from a server that has torch loaded already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOAD)
    began, child_end = context.Pipe(duplex=False)
    process = context.Process(
        target=play, args=(family, folder, child_end, sabotage), kwargs=options, daemon=True
    )
    process.start()
    child_end.close()
    assert began.poll(60), "the process did not start"
    began.recv()
    return process


def finish(family: str, folder: Path, sabotage: Any = None, **options: Any) -> dict[str, Any]:
    """Let a process train to the end; what `train` gave back."""
    process = start(family, folder, sabotage, **options)
    process.join(120)
    assert process.exitcode == 0
    return load_tree(result_path(folder))


def killed(process: BaseProcess) -> bool:
    """Kill a process as `kill -9` does; whether it was still running."""
    if process.is_alive():
        os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    return process.exitcode == -signal.SIGKILL


def final_tree(folder: Path, steps: int) -> dict[str, Any]:
    """Everything a run ends with, but for the seconds it took."""
    tree = load_tree(folder / f"step-{steps:08d}.safetensors")
    del tree["history"]["seconds"]
    return tree


def difference(a: Any, b: Any, place: str = "") -> str | None:
    """Where two trees differ first, to the bit; None if nowhere."""
    if type(a) is not type(b):
        return f"{place}: {type(a).__name__} and {type(b).__name__}"
    if isinstance(a, dict):
        if a.keys() != b.keys():
            return f"{place}: {sorted(map(str, a.keys() ^ b.keys()))}"
        return next((d for k in a if (d := difference(a[k], b[k], f"{place}/{k}"))), None)
    if isinstance(a, list | tuple):
        if len(a) != len(b):
            return f"{place}: lengths {len(a)} and {len(b)}"
        pairs = enumerate(zip(a, b, strict=True))
        return next((d for i, (x, y) in pairs if (d := difference(x, y, f"{place}/{i}"))), None)
    if isinstance(a, Tensor):
        same = a.dtype == b.dtype and a.shape == b.shape and torch.equal(a, b)
    elif isinstance(a, np.ndarray):
        same = a.dtype == b.dtype and np.array_equal(a, b)
    else:
        same = a == b
    return None if same else place


def assert_same_end(folder: Path, unbroken: Path, steps: int) -> None:
    """All that was saved, the best checkpoint, and all that `train` gave back: equal to the bit."""
    assert difference(final_tree(folder, steps), final_tree(unbroken, steps)) is None
    best, best_unbroken = (load_tree(f / "best.safetensors") for f in (folder, unbroken))
    for tree in (best, best_unbroken):
        del tree["history"]["seconds"]
    assert difference(best, best_unbroken) is None
    given, given_unbroken = load_tree(result_path(folder)), load_tree(result_path(unbroken))
    for tree in (given, given_unbroken):
        del tree["seconds"], tree["warnings"]
    assert len(given["frames"]) > 4
    assert difference(given, given_unbroken) is None
