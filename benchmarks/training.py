"""Training steps of the course's models against other loops, and against the machine's limit.

    python -m benchmarks.training

For each model: genlib's `train`, a loop in the style of PyTorch's official examples, the best
eager loop we can write by hand, and for the VAE pythae's trainer. All have the same networks, batch
size and number of steps, and take turns, so that a machine that slows down slows all of them. Each
runs in a process of its own, so that none inherits the memory that another has left in pieces.
Printed are medians. The limit is the rate of fp32 matrix products on this machine, measured in the
same turns: `of the limit` says which share of that rate the step's floating-point work goes at.

The table is written to `benchmarks/results/` with the date, the device and every single time.
"""

from __future__ import annotations

import argparse
import datetime
import json
import multiprocessing
import platform
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks import baselines, pythae_trainer
from benchmarks.clock import wait
from benchmarks.limit import flops_of, matrix_rate, vae_products
from genlib import seed_everything
from genlib.data import BatchStream, ImageSet, digits, drawn_faces, mnist
from genlib.files import write_atomic
from genlib.models.gan import ConvDiscriminator, ConvGenerator
from genlib.models.vae import DenseVAE
from genlib.tables import Table
from genlib.training import Player, gan_players, train, vae_player, wgan_gp_players

RESULTS = Path(__file__).parent / "results"
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
Contestant = Callable[[], float]  # seconds per step


@dataclass(frozen=True)
class Contest:
    """One model, and everyone who trains it."""

    name: str
    batch_size: int
    images_per_step: int
    flops: int  # of one step
    contestants: dict[str, Contestant]


def genlib_step(
    players: Callable[[], list[Player]], data: ImageSet, batch_size: int, steps: int, **options: Any
) -> float:
    """Seconds per step of `train`; a tenth as many steps first, to warm up (and to compile)."""
    those = players()
    device = those[0].parameters[0].device
    for count in (max(2, steps // 10), steps):
        stream = BatchStream(data, batch_size, seed=0)
        wait(device)
        began = time.perf_counter()
        train(those, stream, steps=count, progress=False, **options)
        wait(device)
        seconds = time.perf_counter() - began
    return seconds / steps


def vae_contest(data: ImageSet, device: torch.device, epochs: float, extras: list[str]) -> Contest:
    """784-400-20 with batches of 128: the model of PyTorch's VAE example."""
    batch_size = 128
    steps = max(4, round(epochs * (len(data) // batch_size)))

    def network() -> DenseVAE:
        seed_everything(0)
        return DenseVAE(image_shape=data.shape).to(device)

    def ours(compile: Any = None, **options: Any) -> Contestant:
        def players() -> list[Player]:
            return [vae_player(network(), steps=steps, compile=compile)]

        return lambda: genlib_step(players, data, batch_size, steps, **options)

    contestants = {
        "genlib": ours(),
        **{f"genlib, {e}": ours(**EXTRAS[e]) for e in extras},
        "by hand": lambda: baselines.vae_by_hand(network(), data, batch_size, steps),
        "example": lambda: baselines.vae_example(network(), data, batch_size, steps),
        "its products alone": lambda: vae_products(network(), batch_size, steps),
    }
    if pythae_trainer.installed():
        contestants["pythae"] = lambda: pythae_trainer.vae_pythae(data, batch_size)
    flops = flops_of([vae_player(network(), steps=steps)], data, batch_size)
    return Contest("VAE 784-400-20", batch_size, batch_size, flops, contestants)


def game_contest(
    kind: str, data: ImageSet, device: torch.device, steps: int, width: int, extras: list[str]
) -> Contest:
    """A convolutional GAN or WGAN-GP with batches of 64."""
    batch_size, shape = 64, data.shape

    def networks() -> tuple[ConvGenerator, ConvDiscriminator]:
        seed_everything(0)
        pair = ConvGenerator(128, width, shape), ConvDiscriminator(width, shape)
        return pair[0].to(device), pair[1].to(device)

    make = gan_players if kind == "GAN" else wgan_gp_players
    by_hand = baselines.gan_by_hand if kind == "GAN" else baselines.wgan_gp_by_hand
    example = baselines.gan_example if kind == "GAN" else baselines.wgan_gp_example

    def ours(compile: Any = None, **options: Any) -> Contestant:
        return lambda: genlib_step(
            lambda: make(*networks(), compile=compile), data, batch_size, steps, **options
        )

    contestants = {
        "genlib": ours(),
        **{f"genlib, {e}": ours(**EXTRAS[e]) for e in extras},
        "by hand": lambda: by_hand(*networks(), data, batch_size, steps),
        "example": lambda: example(*networks(), data, batch_size, steps),
    }
    flops = flops_of(make(*networks()), data, batch_size)
    images = batch_size * (1 if kind == "GAN" else 5)
    side = "×".join(str(n) for n in shape[1:])
    return Contest(f"{kind} {side}, width {width}", batch_size, images, flops, contestants)


# What an extra contestant does otherwise; which of them is measured depends on the device.
EXTRAS: dict[str, dict[str, Any]] = {
    "channels last": {"channels_last": True},
    "bf16": {"precision": "bf16"},
    "bf16, channels last": {"precision": "bf16", "channels_last": True},
    "compiled": {"compile": "default"},
    "CUDA graphs": {"compile": "cuda-graphs"},
    "CUDA graphs, bf16": {"compile": "cuda-graphs", "precision": "bf16"},
}


def once(quick: bool, extras: list[str] | None, number: int, name: str) -> tuple[float, float]:
    """What a process measures: seconds per step of one contestant, and the matrix rate."""
    contest = contests(quick, extras)[number]()
    return contest.contestants[name](), matrix_rate(DEVICE)


def measure(
    contest: Contest, repeats: int, quick: bool, extras: list[str] | None, number: int
) -> dict[str, Any]:
    """Let all of them train in turn, `repeats` times, each in a fresh process unless `quick`."""
    seconds: dict[str, list[float]] = {name: [] for name in contest.contestants}
    rates: list[float] = []
    for _ in range(repeats):
        for name in contest.contestants:
            if quick:
                spent, rate = once(quick, extras, number, name)
            else:
                with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as fresh:
                    spent, rate = fresh.submit(once, quick, extras, number, name).result()
            seconds[name].append(spent)
            rates.append(rate)
    rate = statistics.median(rates)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    return {
        "model": contest.name,
        "batch_size": contest.batch_size,
        "images_per_step": contest.images_per_step,
        "flops_per_step": contest.flops,
        "matrix_rate": rate,
        "matrix_rates": rates,
        "seconds_per_step": medians,
        "images_per_second": {n: contest.images_per_step / s for n, s in medians.items()},
        "share_of_limit": {n: contest.flops / (s * rate) for n, s in medians.items()},
        # The ratio of each turn, then its median: a slow moment hits both sides alike.
        "times_slower_than_genlib": {
            n: statistics.median(
                other / own for other, own in zip(times, seconds["genlib"], strict=True)
            )
            for n, times in seconds.items()
        },
        "all_seconds_per_step": seconds,
    }


def table(results: list[dict[str, Any]]) -> Table:
    """What is printed, and shown on the page."""
    header = ["model", "loop", "ms per step", "images/s", "genlib is faster by", "of the limit"]
    rows = [
        [
            result["model"],
            name,
            f"{1000 * seconds:.2f}",
            f"{result['images_per_second'][name]:,.0f}",
            "" if name == "genlib" else f"{result['times_slower_than_genlib'][name]:.2f}×",
            f"{100 * result['share_of_limit'][name]:.0f} %",
        ]
        for result in results
        for name, seconds in result["seconds_per_step"].items()
    ]
    return Table(header, rows)


def contests(quick: bool, extras: list[str] | None) -> list[Callable[[], Contest]]:
    """What is measured: on the CPU at 28×28, on a GPU at 64×64 too. Each is made when called."""
    gpu = DEVICE.type == "cuda"
    if extras is None:
        extras = ["CUDA graphs", "CUDA graphs, bf16", "bf16"] if gpu else ["bf16"]
        game_extras = [*extras, "channels last", "bf16, channels last"]
    else:
        game_extras = extras

    def vae(epochs: float, extras: list[str]) -> Callable[[], Contest]:
        return lambda: vae_contest(pictures(), DEVICE, epochs, extras)

    def game(
        kind: str, steps: int, width: int, extras: list[str], faces: bool = False
    ) -> Callable[[], Contest]:
        return lambda: game_contest(kind, pictures(faces), DEVICE, steps, width, extras)

    def pictures(faces: bool = False) -> ImageSet:
        return (drawn_faces(4_000) if faces else digits() if quick else mnist()).to(DEVICE)

    if quick:
        return [vae(0.5, []), game("GAN", 2, 4, []), game("WGAN-GP", 2, 4, [])]
    if not gpu:
        return [
            vae(1, extras),
            game("GAN", 40, 32, game_extras),
            game("WGAN-GP", 10, 32, game_extras),
        ]
    return [
        vae(10, extras),
        game("GAN", 1000, 64, game_extras),
        game("WGAN-GP", 200, 64, game_extras),
        game("WGAN-GP", 200, 64, game_extras, faces=True),
    ]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="tiny, to see that it works")
    parser.add_argument("--extras", nargs="*", choices=list(EXTRAS), help="further ways to compute")
    parser.add_argument("--out", type=Path, help="where the JSON goes")
    chosen = parser.parse_args(arguments)
    gpu = DEVICE.type == "cuda"
    if not pythae_trainer.installed():
        print("pythae is not installed and not measured; to do so: pip install pythae")
    results = []
    for number, make in enumerate(contests(chosen.quick, chosen.extras)):
        results.append(measure(make(), chosen.repeats, chosen.quick, chosen.extras, number))
        print(table(results[-1:]), flush=True)
    content = {
        "command": "python -m benchmarks.training",
        "date": datetime.date.today().isoformat(),
        "device": torch.cuda.get_device_name() if gpu else processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "repeats": chosen.repeats,
        "results": results,
    }
    path = chosen.out or RESULTS / f"training-{DEVICE.type}.json"
    if chosen.quick and chosen.out is None:
        return
    write_atomic(path, (json.dumps(content, indent=1) + "\n").encode())
    print(f"written: {path}")


def processor() -> str:
    """The processor's name where the system tells it, else its kind."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


if __name__ == "__main__":
    main()
