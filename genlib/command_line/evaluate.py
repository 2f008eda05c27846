"""`evaluate RUN`: what can be measured today, each number with words that say what it is."""

from __future__ import annotations

import math
from argparse import Namespace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genlib import make_generator, zoo
from genlib.command_line.built import Built
from genlib.command_line.pictures import inputs, paint
from genlib.command_line.runs import open_run, write_json
from genlib.data import ImageSet, binarised
from genlib.data.images import to_unit
from genlib.losses import elbo_terms, psnr, squared_error
from genlib.metrics import (
    bootstrap_density_coverage,
    bootstrap_precision_recall,
    class_histogram,
    confidence,
    density_coverage,
    features,
    histogram_entropy,
    interval,
    log_likelihood,
    nearest_distance,
    precision_recall,
)
from genlib.models.vae import VAE, ConditionalVAE, Given
from genlib.tables import Table
from genlib.training import Processes

VALUES = 50_000_000  # of training pictures that samples are compared with: 200 MB
IMPORTANCE_SAMPLES = 200  # of z for each picture's log p(x)
PRECISION_K, DENSITY_K = 3, 5  # the neighbour that a ball reaches to
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
    if built.reconstruct is not None or built.variational is not None:
        figures |= _reconstruction(built, test, which, seed)
    if built.variational is not None:
        figures |= _bounds(built, test, which, n, seed)
    if built.prior:
        fake = paint(built, inputs(built, n, seed, test))
        if built.judge is not None:
            figures |= _judgement(built, test, fake, which)
        figures |= _neighbours(train, test, fake)
        if test.name in CLASSIFIERS:
            figures |= _classified(test, fake)
            figures |= _balls(train, test, fake, seed)
    return figures


def _reconstruction(built: Built, test: ImageSet, which: str, seed: int) -> Figures:
    generator = make_generator(seed, "evaluate")  # on the CPU: the same noise on every device
    parts = []
    for start in range(0, len(test), 500):
        rows = slice(start, start + 500)
        x = to_unit(test.images[rows])
        given = x + built.noise * torch.randn(x.shape, generator=generator).to(x.device)
        r = _rebuilt(built, test, rows, given).clamp(0, 1)
        parts.append(torch.stack([squared_error(r, x) / x[0].numel(), psnr(r, x)], dim=1))
    mse, decibels = torch.cat(parts).unbind(1)  # [N, 2] -> [N] each
    shown = f", shown with noise {built.noise:g}" if built.noise else ""
    return {
        "reconstruction MSE": _mean(mse, f"per pixel, {len(test):,} {which} pictures{shown}"),
        "reconstruction PSNR": _mean(decibels, "the same in decibels, mean over pictures"),
    }


def _rebuilt(built: Built, test: ImageSet, rows: slice, given: Tensor) -> Tensor:
    if built.reconstruct is not None:
        return built.reconstruct(given)
    assert built.variational is not None
    model = _at(built.variational, test, rows)
    return model.sample(model.encode(given)[0])


def _bounds(built: Built, test: ImageSet, which: str, n: int, seed: int) -> Figures:
    """ELBO and log p(x); on pixels drawn as 0 or 1 where the model was trained on such."""
    model = built.variational
    assert model is not None
    pixels, noise = make_generator(seed, "pixels"), make_generator(seed, "elbo")
    parts, seen = [], []
    for start in range(0, len(test), 500):
        rows = slice(start, start + 500)
        x = to_unit(test.images[rows])
        if built.binarise:
            x = binarised(x, pixels)
        eps = torch.randn(len(x), built.latent, generator=noise).to(x.device)
        nll, kl = elbo_terms(_at(model, test, rows), x, eps)
        parts.append(torch.stack([nll, kl.sum(dim=1)], dim=1))  # [B, 2]
        if start < n:
            seen.append(x)
    nll, kl = torch.cat(parts).unbind(1)
    images = torch.cat(seen)[:n]
    generator = torch.Generator(images.device).manual_seed(seed)
    labels = None if test.labels is None else test.labels[: len(images)]
    log_p = log_likelihood(
        model, images, IMPORTANCE_SAMPLES, generator, labels=labels, chunk=10
    )  # fmt: skip
    kind = "pixels drawn as 0 or 1" if built.binarise else "grey pixels: no likelihood"
    given = "log p(x|y)" if built.classes else "log p(x)"
    return {
        "reconstruction term": _mean(nll, f"nats, cross-entropy with {kind}"),
        "KL term": _mean(kl, "nats, of q(z|x) from the prior"),
        "negative ELBO": _mean(
            nll + kl, f"nats, their sum (β = 1), {len(test):,} {which} pictures, one z each"
        ),
        f"negative {given}": _mean(
            -log_p, f"nats, {len(images):,} of them, {IMPORTANCE_SAMPLES} z each; {kind}"
        ),
    }


def _at(model: VAE | ConditionalVAE, test: ImageSet, rows: slice) -> VAE | Given:
    if not isinstance(model, ConditionalVAE):
        return model
    assert test.labels is not None
    return model.given(test.labels[rows])


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
        return float(histogram_entropy(class_histogram(referee, images)))

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


def _balls(train: ImageSet, test: ImageSet, fake: Tensor, seed: int) -> Figures:
    """Precision, recall, density and coverage, and what as many training pictures reach."""
    n = min(len(fake), len(test), len(train))
    if n < 2 * DENSITY_K + 2:  # a half of so few has no k-th neighbours
        return {}
    referee = zoo.load(CLASSIFIERS[test.name]).to(fake.device)
    real, made, known = (
        features(referee, images) for images in (test.take(n), fake[:n], train.take(n))
    )
    generator = make_generator(seed, "bootstrap")
    found = bootstrap_precision_recall(real, made, generator, PRECISION_K)
    found |= bootstrap_density_coverage(real, made, generator, DENSITY_K)
    reached = precision_recall(real, known, PRECISION_K).to_dict()
    reached |= density_coverage(real, known, DENSITY_K).to_dict()
    words = {
        "precision": "share of samples in a held-out picture's ball",
        "recall": "share of held-out pictures in a sample's ball",
        "density": f"held-out balls around a sample, over {DENSITY_K}",
        "coverage": "share of held-out balls with a sample",
    }
    return {
        name: {
            "mean": part.value,
            "low": part.low,
            "high": part.high,
            "n": n,
            "meaning": f"{words[name]}, {n:,} each; training pictures reach {reached[name]:.3f}",
        }
        for name, part in found.items()
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
