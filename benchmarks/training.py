"""Training steps of the course's models against other loops, and against the machine's limit.

    python -m benchmarks.training

For each model: genlib's `train`, a loop in the style of PyTorch's official examples, the best
eager loop we can write by hand, and for the VAE pythae's trainer. All have the same networks, batch
size and number of steps, and take turns, so that a machine that slows down slows all of them.
Printed are medians. The limit is the rate of fp32 matrix products on this machine, measured in the
same turns: `of the limit` says which share of that rate the step's floating-point work goes at.

The table is written to `benchmarks/results/` with the date, the device and every single time.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from benchmarks import baselines, pythae_trainer
from benchmarks.baselines import wait
from genlib import make_generator, seed_everything
from genlib.data import BatchStream, ImageSet, digits, drawn_faces, mnist
from genlib.files import write_atomic
from genlib.models.gan import ConvDiscriminator, ConvGenerator
from genlib.models.vae import DenseVAE
from genlib.tables import Table
from genlib.training import Player, gan_players, train, vae_player, wgan_gp_players
from genlib.training.arithmetic import Arithmetic
from genlib.training.loop import make_step
from genlib.training.processes import ALONE
from genlib.training.run import Run

RESULTS = Path(__file__).parent / "results"
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


class Counter(TorchDispatchMode):
    """Adds up torch's formulas for matrix products and convolutions, backward passes included.

    torch's own `FlopCounterMode` also wants to know in which module each happens, which a gradient
    within the loss confuses.
    """

    total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        count = flop_registry.get(func.overloadpacket)
        if count is not None:
            self.total += count(*args, **(kwargs or {}), out_val=out)
        return out


def flops_of(players: list[Player], data: ImageSet, batch_size: int) -> int:
    """Floating-point operations of one step, counted by torch: matrix products and convolutions."""
    device = players[0].parameters[0].device
    stream = BatchStream(data, batch_size, seed=0)
    noise = make_generator(0, "flops", device=device)
    run = Run(players, stream, noise, Arithmetic("fp32", device.type))
    with Counter() as counter:
        make_step(run, ALONE)
    return counter.total


def matrix_rate(device: torch.device, size: int = 1024, seconds: float = 0.5) -> float:
    """The rate at which this device multiplies fp32 matrices for about `seconds`, FLOP/s.

    Like the loops it is timed over a while, not by its luckiest product, and into memory that is
    there already.
    """
    a, b = (torch.rand(size, size, device=device) for _ in range(2))
    product = torch.empty_like(a)

    def timed(count: int) -> float:
        wait(device)
        began = time.perf_counter()
        for _ in range(count):
            torch.mm(a, b, out=product)
        wait(device)
        return time.perf_counter() - began

    timed(5)
    count = max(5, round(5 * seconds / timed(5)))
    return count * 2 * size**3 / timed(count)


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
    "bf16": {"precision": "bf16"},
    "bf16, channels last": {"precision": "bf16", "channels_last": True},
    "compiled": {"compile": "default"},
    "CUDA graphs": {"compile": "cuda-graphs"},
    "CUDA graphs, bf16": {"compile": "cuda-graphs", "precision": "bf16"},
}


def measure(contest: Contest, repeats: int, device: torch.device) -> dict[str, Any]:
    """Let all of them train in turn, `repeats` times, with the matrix rate measured in between."""
    seconds: dict[str, list[float]] = {name: [] for name in contest.contestants}
    rates: list[float] = []
    for _ in range(repeats):
        rates.append(matrix_rate(device))
        for name, run in contest.contestants.items():
            seconds[name].append(run())
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


def contests(quick: bool, device: torch.device, extras: list[str] | None) -> list[Contest]:
    """What is measured: on the CPU at 28×28, on a GPU at 64×64 too."""
    gpu = device.type == "cuda"
    data = (digits("train") if quick else mnist("train")).to(device)
    if extras is None:
        extras = ["CUDA graphs", "CUDA graphs, bf16", "bf16"] if gpu else ["bf16"]
    game_extras = [*extras, "bf16, channels last"] if "bf16" in extras else extras
    if quick:
        return [
            vae_contest(data, device, 0.5, []),
            game_contest("GAN", data, device, 2, 4, []),
            game_contest("WGAN-GP", data, device, 2, 4, []),
        ]
    found = [
        vae_contest(data, device, 10 if gpu else 1, extras),
        game_contest("GAN", data, device, 1000 if gpu else 40, 64 if gpu else 32, game_extras),
        game_contest("WGAN-GP", data, device, 200 if gpu else 10, 64 if gpu else 32, game_extras),
    ]
    if gpu:
        faces = drawn_faces(20_000).to(device)
        found.append(game_contest("WGAN-GP", faces, device, 200, 64, game_extras))
    return found


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="tiny, to see that it works")
    parser.add_argument("--extras", nargs="*", choices=list(EXTRAS), help="further ways to compute")
    parser.add_argument("--out", type=Path, help="where the JSON goes")
    chosen = parser.parse_args(arguments)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    gpu = device.type == "cuda"
    if not pythae_trainer.installed():
        print("pythae is not installed and not measured; to do so: pip install pythae")
    results = []
    for contest in contests(chosen.quick, device, chosen.extras):
        results.append(measure(contest, chosen.repeats, device))
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
    path = chosen.out or RESULTS / f"training-{device.type}.json"
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
