"""The pictures that a run leaves, and those that `sample` draws."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import torch
from torch import Tensor

from genlib import make_generator
from genlib.command_line.built import Built
from genlib.command_line.labels import beside, find_class
from genlib.command_line.runs import Plan, RunError, open_run, write_json
from genlib.data import ImageSet
from genlib.files import write_atomic
from genlib.training import History, Processes, SampleStrip


def inputs(
    built: Built, n: int, seed: int, test: ImageSet | None, label: int | None = None
) -> Tensor:
    """What `paint` makes `n` pictures of: codes from the prior `[n, K]`.

    Where the model is told labels, one-hot beside the code: `label`, or all classes in turn. For
    autoencoders, which have no prior: evaluation pictures `[n, C, H, W]`, with noise where the
    model removes it. The same for a seed on every device.
    """
    generator = make_generator(seed, "samples")
    device = next(built.painter.parameters()).device
    if built.codes is not None:
        return built.codes(n, generator)
    if built.prior:
        z = torch.randn(n, built.latent, generator=generator)
        return (beside(z, built.classes, label) if built.classes else z).to(device)
    assert test is not None
    x = test.take(n).pixels().to(device)
    return x + built.noise * torch.randn(x.shape, generator=generator).to(device)


def paint(built: Built, given: Tensor) -> Tensor:
    """Pictures `[n, C, H, W]` in [0, 1] of `inputs`."""
    make = built.painter if built.prior else built.reconstruct
    assert make is not None
    with torch.no_grad():
        return torch.cat([make(part) for part in given.split(250)]).clamp(0, 1)


def draw(
    built: Built, n: int, seed: int, test: ImageSet | None, label: int | None = None
) -> Tensor:
    """`n` samples; of an autoencoder pairs: a picture that it is given, and what it makes of it."""
    if built.prior:
        return paint(built, inputs(built, n, seed, test, label))
    given = inputs(built, max(1, n // 2), seed, test)
    return torch.stack([given.clamp(0, 1), paint(built, given)], dim=1).flatten(0, 1)


def sample(args: Namespace, together: Processes) -> int:
    """`sample RUN`: a grid of pictures."""
    run = open_run(Path(args.run), best=args.best, device=args.device, data=args.data)
    test = None if run.built.prior else run.plan.sets()[1]
    if test is not None:
        print("An autoencoder has no samples: each second picture is its answer to the one before.")
    label = None if args.label is None else _label(run.plan, args.label)
    out = Path(args.out or run.folder / "sample.png")
    columns = None if label is not None else _columns(run.built)
    _save_grid(out, draw(run.built, args.n, args.seed, test, label), columns)
    print(f"{out}, step {run.step:,}")
    return 0


def _label(plan: Plan, text: str) -> int:
    if not plan.classes:
        raise RunError(f"a {plan.model} is told no labels: leave --label out")
    try:
        return find_class(text, plan.classes)
    except ValueError as error:
        raise RunError(str(error)) from error


def _columns(built: Built) -> int | None:
    """A column for each class, where classes come in turn and are few."""
    return built.classes if 0 < built.classes <= 10 else None


def leave_behind(
    folder: Path, plan: Plan, built: Built, history: History, strip: SampleStrip, test: ImageSet
) -> None:
    """`history.json`, `losses.png`, `samples.png` and `training.webp`."""
    from genlib.plots import animation, loss_curves

    series = {
        name: {"steps": history.steps(name).tolist(), "values": history[name].tolist()}
        for name in history.names()
    }
    facts = {"images": history.images, "seconds": history.seconds}
    write_json(folder / "history.json", {**facts, "series": series})
    if series:
        write_atomic(folder / "losses.png", _png(loss_curves(history)))
        print(f"{history.latest()}; {history.images_per_second:,.0f} images/s")
    _save_grid(folder / "samples.png", draw(built, 64, plan.seed, test), _columns(built))
    what = "samples" if built.prior else "reconstructions"
    steps = f"steps {strip.steps[0]:,} to {strip.steps[-1]:,}"
    alt = f"{what.capitalize()} of a {plan.model} on {plan.title} while it learns, {steps}."
    animation(strip.frames, alt=alt).save(folder / "training.webp")
    print(f"{folder}: samples.png, losses.png, training.webp, history.json")


def _save_grid(path: Path, images: Tensor, columns: int | None) -> None:
    from genlib.plots import image_grid

    write_atomic(path, _png(image_grid(images, columns=columns)))


def _png(figure: object) -> bytes:
    content: bytes = figure.to_png()  # type: ignore[attr-defined]  # the house's figures have it
    return content
