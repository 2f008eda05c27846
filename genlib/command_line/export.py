"""`export RUN`: weights as safetensors, or what paints as ONNX."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from genlib.command_line.runs import open_run
from genlib.export import export_onnx, export_weights, onnx_difference
from genlib.training import Processes


def export(args: Namespace, together: Processes) -> int:
    """`export RUN [--onnx]`: one file, with a card of the run in its metadata."""
    run = open_run(Path(args.run), best=args.best, device="cpu")
    name = run.plan.model
    if not args.onnx:
        out = Path(args.out or run.folder / f"{name}.safetensors")
        networks = {player.name: player.best_model for player in run.built.players}
        export_weights(networks, out, run.card())
        print(f"{out}: the weights of {', '.join(networks)} at step {run.step:,}, with a card")
        return 0
    out = Path(args.out or run.folder / f"{name}.onnx")
    classes = run.built.classes
    painter, latent = run.built.painter.eval(), run.built.latent + classes
    export_onnx(painter, latent, out, run.card())
    shape = ", ".join(map(str, run.plan.shape))
    print(f"{out}: z [batch, {latent}] -> images [batch, {shape}] in [0, 1], step {run.step:,}")
    if classes:
        print(f"The last {classes} numbers of z are the label: 1 for the class to draw, else 0.")
    difference = onnx_difference(out, painter, latent)
    if difference is None:
        print("Not compared with PyTorch: pip install onnxruntime for that.")
    else:
        print(f"Largest difference of a pixel from PyTorch, by onnxruntime: {difference:.1e}")
    return 0
