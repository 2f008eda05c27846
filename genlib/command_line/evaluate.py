"""`evaluate RUN`: what can be measured today, each number with words that say what it is."""

from __future__ import annotations

import math
from argparse import Namespace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genlib import make_generator, zoo
from genlib.command_line.models import Built
from genlib.command_line.pictures import inputs, paint
from genlib.command_line.runs import open_run, write_json
from genlib.data import ImageSet
from genlib.losses import psnr, squared_error
from genlib.metrics import confidence, interval, nearest_distance, per_image
from genlib.tables import Table
from genlib.training import Processes

VALUES = 50_000_000  # of training pictures that samples are compared with: 200 MB
CLASSIFIERS = {"mnist": "classifier-mnist", "fashion_mnist": "classifier-fashion-mnist"}
Figures = dict[str, dict[str, Any]]


def evaluate(args: Namespace, together: Processes) -> int:
    """`evaluate RUN`: a table, and the same in `evaluation.json`."""
    run = open_run(Path(args.run), best=args.best, device=args.device, data=args.data)
    train, test = (images.to(run.device) for images in run.plan.sets())
    with torch.no_grad():
        figures = measure(run.built, train, test, args.n, args.seed)
    weights = "best" if args.best else "newest"
    print(f"{run.plan.model} on {run.plan.title}, step {run.step:,} ({weights} checkpoint)\n")
    rows = [[name, _short(figure), figure["meaning"]] for name, figure in figures.items()]
    print(Table(["measure", "value", "what it is"], rows))
    facts = {"checkpoint": weights, "samples": args.n, "sample_seed": args.seed}
    write_json(run.folder / "evaluation.json", {**run.card(), **facts, "figures": figures})
    print(f"\n± is half a 95 % interval of the mean. Written to {run.folder / 'evaluation.json'}.")
    return 0


def measure(built: Built, train: ImageSet, test: ImageSet, n: int, seed: int) -> Figures:
    """All figures that make sense for this model and data, from `n` samples where it has them."""
    figures: Figures = {}
    which = "held-out" if test.split == "test" else "training"
    if built.reconstruct is not None:
        figures |= _reconstruction(built, test, which, seed)
    if built.elbo is not None:
        figures |= _elbo(built, test, which, seed)
    if built.prior:
        fake = paint(built, inputs(built, n, seed, test))
        if built.judge is not None:
            figures |= _judgement(built, test, fake, which)
        figures |= _neighbours(train, test, fake)
        if test.name in CLASSIFIERS:
            figures |= _classified(test, fake)
    return figures


def _reconstruction(built: Built, test: ImageSet, which: str, seed: int) -> Figures:
    reconstruct = built.reconstruct
    assert reconstruct is not None
    generator = make_generator(seed, "evaluate")  # on the CPU: the same noise on every device

    def errors(x: Tensor) -> Tensor:
        eps = torch.randn(x.shape, generator=generator).to(x.device)
        r = reconstruct(x + built.noise * eps).clamp(0, 1)
        return torch.stack([squared_error(r, x) / x[0].numel(), psnr(r, x)], dim=1)  # [B, 2]

    mse, decibels = per_image(test, errors).unbind(1)
    shown = f", shown with noise {built.noise:g}" if built.noise else ""
    return {
        "reconstruction MSE": _mean(mse, f"per pixel, {len(test):,} {which} pictures{shown}"),
        "reconstruction PSNR": _mean(decibels, "the same in decibels, mean over pictures"),
    }


def _elbo(built: Built, test: ImageSet, which: str, seed: int) -> Figures:
    elbo = built.elbo
    assert elbo is not None
    generator = make_generator(seed, "elbo")

    def terms(x: Tensor) -> Tensor:
        eps = torch.randn(len(x), built.latent, generator=generator).to(x.device)
        return torch.stack(elbo(x, eps), dim=1)  # [B, 2]

    nll, kl = per_image(test, terms).unbind(1)
    grey = "nats, cross-entropy with grey pixels: no likelihood"
    both = f"nats, their sum (β = 1), {len(test):,} {which} pictures, one z each"
    return {
        "reconstruction term": _mean(nll, grey),
        "KL term": _mean(kl, "nats, of q(z|x) from the prior"),
        "negative ELBO": _mean(nll + kl, both),
    }


def _judgement(built: Built, test: ImageSet, fake: Tensor, which: str) -> Figures:
    judge, n = built.judge, min(len(test), len(fake))
    assert judge is not None
    real, made = (
        torch.cat([judge(part) for part in images[:n].split(250)])
        for images in (test.take(n).pixels(), fake)
    )
    if built.judge_name == "critic":
        what = f"mean score of {which} pictures less that of samples, {n:,} each"
        return {"critic's separation": _mean(real - made, what)}
    right = float(torch.cat([real > 0, made < 0]).float().mean())
    what = f"share of {n:,} {which} pictures and as many samples; 0.5 is guessing"
    return {"discriminator is right": {"value": right, "meaning": what}}


def _neighbours(train: ImageSet, test: ImageSet, fake: Tensor) -> Figures:
    some = train.take(max(1, VALUES // math.prod(train.shape)))
    name = "distance to training"
    what = f"MSE per pixel from a sample to the closest of {len(some):,} training pictures"
    found = {name: _mean(nearest_distance(fake, some), what)}
    if test.split == "test":
        real = test.take(len(fake)).pixels()
        words = "the same from held-out pictures"
        found[f"{name}, real"] = _mean(nearest_distance(real, some), words)
    return found


def _classified(test: ImageSet, fake: Tensor) -> Figures:
    referee = zoo.load(CLASSIFIERS[test.name]).to(fake.device)

    def entropy(images: Tensor) -> float:
        classes = torch.cat([referee(part).argmax(dim=1) for part in images.split(500)])
        share = classes.bincount(minlength=len(test.classes)).double() / len(classes)
        return float(torch.special.entr(share).sum())

    real, most = test.take(len(fake)).pixels(), math.log(len(test.classes))
    sure = _mean(confidence(referee, real), "the same for held-out pictures")
    classes = f"nats, of the classes a classifier sees in samples; at most {most:.3f}"
    return {
        "class entropy": {"value": entropy(fake), "meaning": classes},
        "class entropy, real": {
            "value": entropy(real),
            "meaning": "the same for held-out pictures",
        },
        "confidence": _mean(confidence(referee, fake), "that classifier's mean top probability"),
        "confidence, real": sure,
    }


def _mean(values: Tensor, meaning: str) -> dict[str, Any]:
    """The mean over pictures with its interval; of a single picture only the value."""
    if len(values) < 2 or not bool(values.isfinite().all()):
        return {"value": float(values.mean()), "meaning": meaning}
    return {**interval(values.tolist()).to_dict(), "meaning": meaning}


def _short(figure: dict[str, Any]) -> str:
    if "value" in figure:
        return f"{figure['value']:.4g}"
    return f"{figure['mean']:.4g} ± {(figure['high'] - figure['low']) / 2:.2g}"
