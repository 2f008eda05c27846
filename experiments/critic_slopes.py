"""Chapter 5: how a critic's gradient comes through twelve layers, clipped and with a penalty.

    python -m experiments.critic_slopes

After Gulrajani et al. 2017, section 3.2: critics of 12 layers with ReLU, without any norm, on the
Swiss roll. Their generator is a 12-layer network that learns too. Here it is the roll plus noise
from N(0, 1), held fixed as in their section 3.1, so that all critics face one task: clipping with
c = 0.1, 0.01 and 0.001 (RMSProp), and the gradient penalty with λ = 10 (Adam, β = (0, 0.9)). All
start from He et al. 2015's weights, as in the code of that paper.

`layers` are base-10 logarithms of the gradient of the critic's loss in the *activations*, as there:
number ℓ (from 0) is in what layer ℓ takes in, so that number 0 is in the points themselves. The
gradient is that of each point's own term of the loss, ±f(x); its norm is averaged over points
of the data and generated ones, then the logarithm over the last quarter of the training. Number 0
is therefore the mean slope ‖∇f‖ of the critic. Computed in double precision: single precision has
no numbers below 1e-45, and squares of what is left after twelve layers of c = 0.001 are smaller.

`weights` is the histogram of all weights at the end, without biases, over all seeds: in [−c, c] for
clipping, in [−0.6, 0.6] for the penalty, where the outermost bins hold what lies beyond. `at_bound`
is the share that lies at ±c to six digits; it is 0 for the penalty, which has no bound.

`slopes` is number 0 of `layers` once more. `estimates` has the critic's mean difference on fresh
points at the end, beside `distance`, the exact W₁ of 1,000 points each. With the penalty it is
negative for seeds whose first weights happen to score generated points above the data. To turn
over, such a critic would have to become flat on the way. That costs λ, far more than the distance
repays, so it stays upside down with slope 1. Its gradients by layer are like those of the others.
"""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from experiments.common import Row, over_seeds, run_experiment
from genlib import budget, make_generator, pick_device, seed_everything
from genlib.data import PointStream, swiss_roll
from genlib.divergences import wasserstein_points
from genlib.losses import critic_loss
from genlib.metrics import critic_estimate, interval
from genlib.training import Move, Player, train


@dataclass(frozen=True)
class Settings:
    """Everything that was chosen."""

    seeds: int = budget(smoke=2, cpu=5, gpu=10)
    steps: int = budget(smoke=8, cpu=1_500, gpu=20_000)
    looks: int = budget(smoke=4, cpu=40, gpu=40)  # of these the last quarter counts
    batch_size: int = budget(smoke=8, cpu=100, gpu=256)
    layers: int = 12
    width: int = budget(smoke=8, cpu=128, gpu=512)
    bounds: tuple[float, ...] = (0.1, 0.01, 0.001)
    penalty_weight: float = 10.0
    clip_rate: float = 5e-5
    penalty_rate: float = 1e-4
    points: int = budget(smoke=30, cpu=1_000, gpu=1_000)
    bins: int = 40
    widest: float = 0.6  # of the penalty's histogram


SETTINGS = Settings()
ROLL = swiss_roll()
BANDS = {
    # Twelve layers multiply: by more than 1 each where weights may be large, by far less otherwise.
    "slopes/clip_0.1/mean": (3.0, 12.0),
    "slopes/clip_0.01/mean": (-20.0, -8.0),
    "slopes/clip_0.001/mean": (-33.0, -20.0),
    "slopes/gp/mean": (-0.15, 0.15),  # the penalty wants 1, whose logarithm is 0
    "weights/clip_0.1/at_bound/mean": (0.2, 0.7),
    "weights/clip_0.001/at_bound/mean": (0.98, 1.0),
    "distance/mean": (0.55, 0.7),
}


def kinds(settings: Settings) -> dict[str, float | None]:
    """The bound of each kind of critic; None for the penalty."""
    return {**{f"clip_{bound:g}": bound for bound in settings.bounds}, "gp": None}


def cells(settings: Settings) -> list[Row]:
    return [
        {"kind": kind, "seed": seed} for seed in range(settings.seeds) for kind in kinds(settings)
    ]


def run(settings: Settings, *, kind: str, seed: int) -> Row:
    device, bound = pick_device(), kinds(settings)[kind]
    seed_everything(seed)  # every kind of a seed starts from the same critic
    critic = deep_critic(settings.layers, settings.width).to(device)
    generator = make_generator(seed, "points")
    x = ROLL.sample(settings.points, generator)
    fake = blurred(settings.points, generator)
    looks: list[list[float]] = []

    def look(_: int, __: dict[str, float]) -> None:
        both = torch.cat([x, fake])[:: max(1, settings.points // 50)].to(device)
        looks.append([float(norm.log10()) for norm in gradients(critic, both)])

    train(
        [player_of(settings, critic, bound)],
        PointStream(ROLL, settings.batch_size, seed=seed, device=device),
        steps=settings.steps,
        seed=seed,
        on_log=[look],
        log_every=settings.steps // settings.looks,
        progress=False,
    )
    late = torch.tensor(looks[-(settings.looks // 4) :], dtype=torch.float64)  # [looks, layers]
    weights = torch.cat([layer.weight.detach().flatten().cpu() for layer in linear(critic)])
    widest = settings.widest if bound is None else bound
    counts = weights.clamp(-widest, widest).histc(settings.bins, -widest, widest)
    return {
        "layers": late.mean(dim=0).tolist(),
        "counts": counts.long().tolist(),
        "at_bound": 0.0
        if bound is None
        else float((weights.abs() > bound * (1 - 1e-6)).double().mean()),
        "estimate": float(critic_estimate(critic, x.to(device), fake.to(device)).mean),
        "distance": float(wasserstein_points(x, fake)),
    }


def deep_critic(layers: int, width: int) -> nn.Sequential:
    """`layers` linear layers with ReLU between them, from points to scores `[B, 2] -> [B]`."""
    made: list[nn.Module] = []
    for a, b in pairwise([2, *[width] * (layers - 1), 1]):
        layer = nn.Linear(a, b)
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
        made += [layer, nn.ReLU()]
    return nn.Sequential(*made[:-1], nn.Flatten(0))


def linear(critic: nn.Module) -> list[nn.Linear]:
    """Its linear layers, in order."""
    return [layer for layer in critic.modules() if isinstance(layer, nn.Linear)]


def blurred(n: int, generator: torch.Generator) -> Tensor:
    """What stands for a generator, `[n, 2]`: points of the roll plus N(0, 1) in each coordinate."""
    x = ROLL.sample(n, generator)
    return x + torch.randn(n, 2, generator=generator, device=generator.device)


def player_of(settings: Settings, critic: nn.Module, bound: float | None) -> Player:
    """The critic alone, clipped or with the penalty."""

    def clipped(move: Move) -> Tensor:
        return (critic(blurred(len(move.x), move.generator)) - critic(move.x)).mean()

    def punished(move: Move) -> Tensor:
        fake = blurred(len(move.x), move.generator)
        total, _, _ = critic_loss(critic, move.x, fake, move.uniform(), settings.penalty_weight)
        return total.mean()

    if bound is None:
        adam = torch.optim.Adam(
            critic.parameters(), lr=settings.penalty_rate, betas=(0.0, 0.9), fused=True
        )
        return Player("critic", critic, punished, adam)
    rmsprop = torch.optim.RMSprop(critic.parameters(), lr=settings.clip_rate)
    return Player("critic", critic, clipped, rmsprop, weight_bound=bound)


def gradients(critic: nn.Module, x: Tensor) -> Tensor:
    """The mean norm over points of ∂f in what each linear layer takes in, `[B, 2] -> [layers]`."""
    exact = copy.deepcopy(critic).double()
    taken: list[Tensor] = []
    for layer in linear(exact):
        layer.register_forward_pre_hook(lambda _, inputs: taken.append(inputs[0]))
    score = exact(
        x.detach().double().requires_grad_()
    ).sum()  # scores of different points do not mix
    return torch.stack([g.norm(dim=1).mean() for g in torch.autograd.grad(score, taken)])


def summarise(settings: Settings, rows: list[Row]) -> Row:
    figures: Row = {"layers": {}, "slopes": {}, "weights": {}, "estimates": {}}
    for kind, bound in kinds(settings).items():
        own = [row for row in rows if row["kind"] == kind]
        figures["layers"][kind] = [
            interval([row["layers"][number] for row in own]).to_dict()
            for number in range(settings.layers)
        ]
        figures["slopes"][kind] = figures["layers"][kind][0]
        counts = torch.tensor([row["counts"] for row in own]).sum(dim=0)
        widest = settings.widest if bound is None else bound
        figures["weights"][kind] = {
            "edges": torch.linspace(-widest, widest, settings.bins + 1).tolist(),
            "shares": (counts / counts.sum()).tolist(),
            **over_seeds(own, ("at_bound",)),
        }
        figures["estimates"][kind] = over_seeds(own, ("estimate",))["estimate"]
    first = [row for row in rows if row["kind"] == "gp"]  # the points are those of the seed
    return {**figures, **over_seeds(first, ("distance",))}


if __name__ == "__main__":
    run_experiment(sys.modules[__name__], "critic_slopes")
