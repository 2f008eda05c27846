"""What each process of `test_processes.py` runs: `python two_processes.py CASES OUT DEVICE`.

Each process writes what it saw to `OUT/rank-N.json` and weights to `OUT/NAME-rank-N.safetensors`.
Starting processes is what takes time, so one start serves all cases.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from safetensors.torch import save_file
from torch import Tensor, nn

from genlib import seed_everything
from genlib.data import BatchStream, digits
from genlib.models.gan import ConvGenerator, DenseDiscriminator, DenseGenerator
from genlib.models.vae import DenseVAE
from genlib.models.vae_gan import Encoder, FeatureDiscriminator
from genlib.training import (
    Checkpoints,
    History,
    Move,
    Player,
    gan_players,
    joined,
    processes,
    train,
    vae_gan_players,
    vae_player,
    wgan_clip_players,
    wgan_gp_players,
)

STEPS, BATCH = 20, 16
Report = dict[str, Any]


def vae(device: str = "cpu") -> list[Player]:
    seed_everything(0)
    model = DenseVAE(4, hidden=(16,)).to(device)
    return [vae_player(model, steps=STEPS, ema_decay=0.9)]


def wgan_gp(device: str = "cpu") -> list[Player]:
    seed_everything(0)
    generator = DenseGenerator(8, hidden=(16,)).to(device)
    critic = DenseDiscriminator(hidden=(16,)).to(device)
    return wgan_gp_players(generator, critic, ema_decay=0.9)


def wgan_gp_one_sided(device: str = "cpu") -> list[Player]:
    """With a critic that is too steep at first, so that the penalty is not 0."""
    seed_everything(0)
    generator = DenseGenerator(8, hidden=(16,)).to(device)
    critic = DenseDiscriminator(hidden=(16,)).to(device)
    with torch.no_grad():
        for parameter in critic.parameters():
            parameter.mul_(4)
    return wgan_gp_players(generator, critic, one_sided=True)


def wgan_clipped(device: str = "cpu") -> list[Player]:
    seed_everything(0)
    generator = DenseGenerator(8, hidden=(16,)).to(device)
    critic = DenseDiscriminator(hidden=(16,)).to(device)
    return wgan_clip_players(generator, critic, bound=0.03, ema_decay=0.9)


def gan_with_r1(device: str = "cpu") -> list[Player]:
    seed_everything(0)
    generator = DenseGenerator(8, hidden=(16,)).to(device)
    return gan_players(generator, DenseDiscriminator(hidden=(16,)).to(device), r1=5.0)


def vae_gan(device: str = "cpu") -> list[Player]:
    seed_everything(0)
    encoder = Encoder(4, 2, norm="none").to(device)
    decoder = ConvGenerator(4, 2, norm="none").to(device)
    return vae_gan_players(encoder, decoder, FeatureDiscriminator(2, norm="none").to(device))


FAMILIES: dict[str, Callable[[str], list[Player]]] = {
    "vae": vae,
    "wgan_gp": wgan_gp,
    "wgan_gp_one_sided": wgan_gp_one_sided,
    "wgan_clipped": wgan_clipped,
    "gan_with_r1": gan_with_r1,
    "vae_gan": vae_gan,
}


def run(players: list[Player], *, batch: int = BATCH, device: str = "cpu", **more: Any) -> History:
    """Train on the bundled digits, on this process's rows of each batch."""
    stream = BatchStream(digits("train", device=device), batch, seed=0, part=processes().part)
    return train(players, stream, **{"steps": STEPS, "progress": False, **more})


def weights(players: Sequence[Player]) -> dict[str, Tensor]:
    """Weights and averages of all players, on the CPU."""
    return {
        f"{player.name}.{kind}.{key}": value.detach().cpu().contiguous().clone()
        for player in players
        for kind, model in (("model", player.model), ("best", player.best_model))
        for key, value in model.state_dict().items()
    }


def press_ctrl_c(players: list[Player], *, step: int, rank: int) -> None:
    """In step number `step` (from 1), while its loss is computed, in the process `rank`."""
    seen: list[int] = []

    def count(module: nn.Module, inputs: object) -> None:
        seen.append(1)
        if len(seen) == step and processes().rank == rank:
            os.kill(os.getpid(), signal.SIGINT)

    players[0].model.encoder.register_forward_pre_hook(count)


def refusal(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except (ValueError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"
    return "nothing was refused"


def families(out: Path, report: Report, rank: int, device: str) -> None:
    for name, make in FAMILIES.items():
        players = make(device)
        history = run(players, device=device)
        report[name] = {"series": history.series, "images": history.images}
        save_file(weights(players), out / f"{name}-rank-{rank}.safetensors")


def files_and_prints(out: Path, report: Report, rank: int, device: str) -> None:
    told: list[int] = []
    looked: list[int] = []
    run(vae(), steps=4, progress=True, watch=[looked.append], log_every=2,
        on_log=[lambda step, means: told.append(step)],
        checkpoints=Checkpoints(out / f"by-rank-{rank}", best="vae"))  # fmt: skip
    report["told"], report["looked"] = told, looked


def failures(out: Path, report: Report, rank: int, device: str) -> None:
    (player,) = vae()
    usual = player.loss

    def loss(move: Move) -> Tensor:
        lost = move.step == 3 and move.processes.rank == 1
        return usual(move) * (float("nan") if lost else 1.0)

    player.loss = loss
    folder = Checkpoints(out / "nan", every_steps=2)
    report["nan"] = refusal(lambda: run([player], checkpoints=folder))
    report["indivisible"] = refusal(lambda: run(vae(), batch=15))
    whole = BatchStream(digits("train"), BATCH, seed=0)
    report["no part"] = refusal(lambda: train(vae(), whole, steps=1, progress=False))


def ctrl_c(out: Path, report: Report, rank: int, device: str) -> None:
    players = vae()
    press_ctrl_c(players, step=10, rank=1)
    history = run(players, checkpoints=Checkpoints(out / "from-two", every_seconds=None))
    report["ctrl-c"] = {"interrupted": history.interrupted, "images": history.images}


def resumed(out: Path, report: Report, rank: int, device: str) -> None:
    """A run of one process goes on in two; the other way round is done by the test."""
    folder = out / "from-one"
    report["refused"] = refusal(lambda: run(vae(), checkpoints=Checkpoints(folder)))
    players = vae()
    history = run(players, checkpoints=Checkpoints(folder, allow_changes=True))
    report["resumed"] = {"series": history.series, "images": history.images}
    save_file(weights(players), out / f"resumed-rank-{rank}.safetensors")


def same_start(out: Path, report: Report, rank: int, device: str) -> None:
    """Each process makes weights of its own; training starts from the first one's."""
    seed_everything(rank)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 3))
    player = Player(
        "mean", model, lambda move: model(move.x).square().mean(),
        torch.optim.Adam(model.parameters()), ema_decay=0.5,
    )  # fmt: skip
    run([player], steps=3, channels_last=True)
    save_file(weights([player]), out / f"start-rank-{rank}.safetensors")


def penalty_step(critic: nn.Module, x: Tensor) -> Tensor:
    """A loss that is nothing but a gradient penalty, `[B, D] -> []`."""
    x = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (slope.norm(dim=1) - 1).square().mean()


def penalty_critic() -> tuple[nn.Sequential, torch.optim.SGD]:
    seed_everything(0)
    critic = nn.Sequential(nn.Linear(784, 8), nn.Tanh(), nn.Linear(8, 1))
    return critic, torch.optim.SGD(critic.parameters(), 0.1)


def penalty_only(out: Path, report: Report, rank: int, device: str) -> None:
    """One step on the penalty alone, by `DistributedDataParallel` and by a player."""
    x = digits("train").pixels()[8 * rank :][:8].flatten(1)
    critic, sgd = penalty_critic()
    penalty_step(nn.parallel.DistributedDataParallel(critic), x).backward()
    sgd.step()
    save_file(dict(critic.state_dict()), out / f"ddp-rank-{rank}.safetensors")
    critic, sgd = penalty_critic()
    player = Player("critic", critic, lambda move: penalty_step(critic, move.x), sgd)
    player.play(Move(x, None, 0, torch.Generator(), processes=processes()))
    save_file(dict(critic.state_dict()), out / f"player-rank-{rank}.safetensors")


def endless(out: Path, report: Report, rank: int, device: str) -> None:
    """Until Ctrl-C. Its steps are slow, so that every process gets the signal in the same one."""
    history = run(
        vae(), steps=10**6, watch=[lambda step: time.sleep(0.05)], log_every=10**6,
        checkpoints=Checkpoints(out / "endless", every_steps=5),
    )  # fmt: skip
    report["endless"] = {"interrupted": history.interrupted, "images": history.images}


CASES = {
    "all": [families, files_and_prints, failures, ctrl_c, resumed, same_start, penalty_only],
    "families": [families],
    "endless": [endless],
}


def main(cases: str, out: Path, device: str) -> None:
    report: Report = {}
    with joined() as together:
        for case in CASES[cases]:
            case(out, report, together.rank, device)
            if cases != "endless":
                dist.barrier()
    (out / f"rank-{together.rank}.json").write_text(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
