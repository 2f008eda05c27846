"""`train` and `resume`."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import torch

import genlib
from genlib import training
from genlib.command_line.built import Built
from genlib.command_line.models import MODELS, pick_network
from genlib.command_line.pictures import inputs, leave_behind, paint
from genlib.command_line.runs import Plan, RunError, pick
from genlib.data import BatchStream, ImageSet
from genlib.training import Processes

FRAMES, TILES = 24, 16  # of the animation; they travel in every checkpoint
CHANGES = ("data", "steps", "batch_size", "precision", "device", "save_every", "log_every")


def start(args: Namespace, together: Processes) -> int:
    """`train MODEL`: a new run in a folder of its own."""
    folder = Path(args.out)
    taken = (folder / "run.json").exists() or any(folder.glob("checkpoints/step-*"))
    if together.agree(taken):
        raise RunError(
            f"{folder} holds a run already: continue it with `python -m genlib resume {folder}`, "
            "or name another folder with --out"
        )
    entry = MODELS[args.model]
    plan = Plan(
        model=args.model, data=args.data, size=args.size or 64, grey=args.grey, limit=args.limit,
        steps=args.steps, batch_size=args.batch_size or entry.batch_size, seed=args.seed,
        precision=args.precision, channels_last=args.channels_last, device=args.device,
        save_every=args.save_every, log_every=args.log_every,
        options={**entry.defaults, **args.options},
    )  # fmt: skip
    if "width" in args.options and plan.options.get("network") == "dense":
        raise RunError("--width is of convolutions: leave it out, or take --network conv")
    return _run(folder, plan, args, together)


def resume(args: Namespace, together: Processes) -> int:
    """`resume RUN`: continue where the newest good checkpoint stands."""
    folder = Path(args.run)
    plan = Plan.read(folder)
    changes: dict[str, Any] = {
        name: getattr(args, name) for name in CHANGES if getattr(args, name) is not None
    }
    options = {**plan.options, **args.options}
    return _run(folder, replace(plan, **changes, options=options), args, together)


def _run(folder: Path, plan: Plan, args: Namespace, together: Processes) -> int:
    device = pick(plan.device)
    images, test = (images.to(device) for images in plan.sets())
    plan = _settle(plan, images, device)
    built = plan.build(device)
    try:
        stream = BatchStream(images, plan.batch_size, seed=plan.seed, part=together.part)
    except ValueError as error:
        raise RunError(str(error)) from error
    tensorboard = args.tensorboard and together.first
    on_log = [training.to_tensorboard(folder / "tensorboard")] if tensorboard else []
    fixed = inputs(built, TILES, plan.seed, test)
    at = {round(plan.steps * (i / (FRAMES - 1)) ** 2) for i in range(FRAMES)}  # dense at first
    strip = training.SampleStrip(lambda: paint(built, fixed), sorted(at))
    if together.first and not (folder / "run.json").exists():
        plan.write(folder)
    waiting = [plan]

    def accept(step: int) -> None:
        """A step was made, so the engine has accepted the settings: they hold from now on."""
        for accepted in waiting:
            accepted.write(folder)
        waiting.clear()

    print(_headline(plan, images, built, device, together))
    history = training.train(
        built.players, stream, steps=plan.steps, seed=plan.seed, watch=[strip.look, accept],
        on_log=on_log, log_every=plan.log_every, progress=not args.quiet,
        precision=cast(training.Precision, plan.precision), channels_last=plan.channels_last,
        checkpoints=training.Checkpoints(
            folder / "checkpoints", every_seconds=plan.save_every, best=built.best,
            allow_changes=getattr(args, "allow_changes", False),
        ),
    )  # fmt: skip
    if together.first:
        if waiting:
            print("All its steps are made; `--steps N` with a larger number of them goes on.")
        leave_behind(folder, plan, built, history, strip, test)
    if history.interrupted:
        print(f"Continue with: python -m genlib resume {folder}")
    return 130 if history.interrupted else 0


def _settle(plan: Plan, images: ImageSet, device: torch.device) -> Plan:
    """The plan with everything in it that depends on data and device."""
    options = dict(plan.options)
    if options.get("network") == "auto":
        options["network"] = pick_network(images.shape)
    if options.get("compile") == "cuda-graphs" and device.type != "cuda":
        raise RunError("--cuda-graphs needs a GPU, and this run is on the CPU: leave it out")
    labelled = MODELS[plan.model].labelled
    if labelled and images.labels is None:
        raise RunError(
            f"a {plan.model} needs labels, and {images.title} has none; take --data mnist, "
            "fashion_mnist or digits, or train a vae"
        )
    return replace(
        plan, options=options, title=images.title, shape=images.shape, genlib=genlib.__version__,
        classes=images.classes if labelled else (),
        precision=training.pick_precision(device) if plan.precision == "auto" else plan.precision,
    )  # fmt: skip


def _headline(
    plan: Plan, images: ImageSet, built: Built, device: torch.device, together: Processes
) -> str:
    weights = sum(p.numel() for player in built.players for p in player.parameters)
    shared = f", {together.count} processes" if together.count > 1 else ""
    network = f", {plan.options['network']}" if "network" in plan.options else ""
    return (
        f"{images.describe()}\n"
        f"{plan.model}{network}, {weights:,} weights; {plan.steps:,} steps of {plan.batch_size} "
        f"pictures; {device}, {plan.precision}{shared}"
    )
