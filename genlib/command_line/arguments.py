"""What can be typed after `python -m genlib`: one line and the remedy for each mistake."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from textwrap import TextWrapper
from typing import Any, NoReturn

from genlib import __version__
from genlib.command_line import data
from genlib.command_line.models import MODELS

PROGRAM = "python -m genlib"
EXAMPLES = f"""\
for example:
  {PROGRAM} train vae --data fashion_mnist --out runs/vae
  {PROGRAM} resume runs/vae
  {PROGRAM} sample runs/vae --n 64 --out grid.png
  {PROGRAM} train wgan-gp --data my-photos.zip --size 64 --out runs/photos
  torchrun --nproc-per-node 8 -m genlib train wgan-gp --data drawn_faces --out runs/faces

{PROGRAM} COMMAND --help tells all about a command.
"""


def number(
    kind: Callable[[str], Any], good: Callable[[Any], bool], wanted: str
) -> Callable[[str], Any]:
    """A reader of numbers that says what is wanted."""

    def read(text: str) -> Any:
        try:
            value = kind(text.replace(",", ""))
        except ValueError:
            value = None
        if value is None or not good(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
        return value

    return read


def a_model(text: str) -> str:
    """The name of a model, forgiving capitals and underscores."""
    name = text.lower().replace("_", "-")
    if name not in MODELS:
        close = get_close_matches(name, MODELS, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise argparse.ArgumentTypeError(
            f"there is no model {text!r}; {hint}The models are {', '.join(MODELS)}"
        )
    return name


def a_device(text: str) -> str:
    kind, colon, place = text.partition(":")
    if text not in ("auto", "cpu") and not (kind == "cuda" and (place.isdigit() or not colon)):
        raise argparse.ArgumentTypeError(f"there is no device {text!r}; use auto, cpu or cuda")
    return text


def some_data(text: str) -> str:
    try:
        return data.find(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


whole = number(int, lambda v: v >= 1, "a whole number from 1 on")
seed = number(int, lambda v: v >= 0, "a whole number from 0 on")
positive = number(float, lambda v: 0 < v < float("inf"), "a number above 0")
weight = number(float, lambda v: 0 <= v < float("inf"), "a number from 0 on")
share = number(float, lambda v: 0 <= v < 1, "a number from 0 to below 1")
precisions = ("fp32", "tf32", "bf16", "fp16", "auto")

# name of the option: its kind (True: a switch), and what it is
OPTIONS: dict[str, tuple[Any, str]] = {
    "data": (some_data, f"{', '.join(data.SETS)}, or the PATH of a folder or zip of pictures"),
    "out": (str, "where to write"),
    "steps": (whole, "how many in all, those of earlier sittings included"),
    "seed": (seed, "of everything that is random"),
    "size": ((32, 64), "side of pictures of your own, in pixels; 64 if not given"),
    "grey": (True, "make pictures of your own grey"),
    "limit": (whole, "train on the first N pictures only"),
    "batch_size": (whole, "pictures per move, over all processes"),
    "network": (("auto", "dense", "conv"), "auto: conv for colour or over 32 pixels"),
    "latent": (whole, "length of the code or noise z"),
    "width": (whole, "channels after the first convolution; they double with each"),
    "prior": (("normal", "uniform"), "of the noise z: N(0, 1), or even from -1 to 1"),
    "learning_rate": (positive, "of every player, at its highest"),
    "beta": (weight, "β, weight of the KL term"),
    "kl_warmup": (seed, "steps over which that weight rises from 0"),
    "least_kl": (weight, "nats that each dimension of z has for free (free bits)"),
    "samples": (whole, "k, samples of z per picture"),
    "chunk": (whole, "of these, how many in memory at a time; all if not given"),
    "binarise": (True, "draw pixels as 0 or 1, with their grey value as probability"),
    "noise": (positive, "standard deviation of what is added to pictures in [0, 1]"),
    "r1": (weight, "γ, weight of the R1 penalty on the discriminator; 0 for none"),
    "bound": (positive, "c: after each move the critic's weights are put into [-c, c]"),
    "penalty_weight": (weight, "λ, weight of the gradient penalty"),
    "one_sided": (True, "punish only slopes of the critic above 1"),
    "critic_moves": (whole, "moves of the critic for each of the generator"),
    "gamma": (weight, "γ, weight of likeness against the decoder's GAN loss"),
    "ema": (share, "average the weights with this decay, say 0.999; used for all pictures"),
    "device": (a_device, "auto, cpu, cuda, or cuda:1 and so on"),
    "precision": (precisions, "auto: the fastest that the device has"),
    "channels_last": (True, "images with their channels innermost in memory"),
    "compile": (True, "torch.compile: a minute at first, then faster on a GPU"),
    "cuda_graphs": (True, "the same, with CUDA graphs"),
    "save_every": (positive, "seconds between checkpoints"),
    "log_every": (whole, "steps per entry of the history; by default 200 entries in all"),
    "tensorboard": (True, "write RUN/tensorboard too"),
    "quiet": (True, "print errors only"),
    "allow_changes": (True, "go on though what has changed makes it another run"),
    "n": (whole, "how many samples"),
    "label": (str, "the class to draw, by name or number; else all in turn"),
    "best": (True, "the best checkpoint in place of the newest"),
    "onnx": (True, "what paints, as ONNX; else all weights, as safetensors"),
}  # fmt: skip
UNITS = {
    "batch_size": "N", "limit": "N", "critic_moves": "N", "learning_rate": "RATE",
    "penalty_weight": "WEIGHT", "ema": "DECAY", "save_every": "SECONDS", "log_every": "STEPS",
    "kl_warmup": "STEPS", "least_kl": "NATS", "samples": "K", "chunk": "K",
    "r1": "WEIGHT", "bound": "C",
}  # fmt: skip
OWN = (
    "batch_size", "network", "latent", "width", "learning_rate", "beta", "kl_warmup", "least_kl",
    "samples", "chunk", "binarise", "noise", "r1", "bound", "penalty_weight", "one_sided",
    "critic_moves", "gamma", "prior", "ema",
)  # fmt: skip
SPEED = ("device", "precision", "channels_last", "compile", "cuda_graphs")
LOOKING = ("save_every", "log_every", "tensorboard", "quiet")
CHANGES = ("data", "steps", "batch_size", "learning_rate", "precision", "device")


class Parser(argparse.ArgumentParser):
    """Prints one line for a mistake, and takes no abbreviations, which would hide typing errors."""

    def __init__(self, **settings: Any) -> None:
        layout = argparse.RawDescriptionHelpFormatter
        super().__init__(allow_abbrev=False, formatter_class=layout, **settings)

    def error(self, message: str) -> NoReturn:
        if os.environ.get("RANK", "0") == "0":  # once, however many processes there are
            end = "" if message.endswith("?") else "."
            print(f"{self.prog}: {message}{end} See {self.prog} --help", file=sys.stderr)
        raise SystemExit(2)

    def options(self, names: Iterable[str], title: str = "", **defaults: Any) -> None:
        """Add options of `OPTIONS`, in a group of their own where a title is given."""
        group = self.add_argument_group(title) if title else self
        for name in names:
            kind, words = OPTIONS[name]
            default = defaults.get(name)
            words += "" if default is None else f" (default: {default})"
            # Where RUN is, is known only later: its default is for the reader.
            settings: dict[str, Any] = {"default": None if name == "out" else default}
            if kind is True:
                settings |= {"action": "store_true", "default": False}
            elif isinstance(kind, tuple):
                settings |= {"choices": kind, "type": type(kind[0])}
            else:
                settings |= {"type": kind, "metavar": UNITS.get(name, name.upper())}
            group.add_argument(_flag(name), help=words, **settings)

    def refuse(self, rest: Sequence[str]) -> None:
        """End the program if anything was typed that this command does not know."""
        if rest:
            known = [name for action in self._actions for name in action.option_strings]
            close = get_close_matches(rest[0].partition("=")[0], known, n=1)
            remedy = f"did you mean {close[0]}?" if close else "leave it out"
            self.error(f"{rest[0]!r} is no argument of this command; {remedy}")


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command and its arguments, checked; a mistake ends the program with status 2."""
    parser, commands = build()
    words = list(sys.argv[1:] if argv is None else argv)
    if not words:
        parser.print_help()
        raise SystemExit(0)
    args, rest = parser.parse_known_args(words)
    command = commands[args.command]
    command.refuse(rest)
    # A switch that was not typed is False.
    given = {name: v for name, v in vars(args).items() if v is not None and v is not False}
    args.options = {name: given[name] for name in OWN[1:] if name in given}
    if args.command == "train":
        _check_train(command, args)
    return args


def _check_train(command: Parser, args: argparse.Namespace) -> None:
    """Refuse options that this model or these data do not have."""
    if args.compile or args.cuda_graphs:
        args.options["compile"] = "cuda-graphs" if args.cuda_graphs else "default"
    for name in args.options:
        if name not in MODELS[args.model].defaults:
            owners = [model for model, entry in MODELS.items() if name in entry.defaults]
            flag = _flag(name)
            command.error(f"{args.model} has no {flag}, only {', '.join(owners)}: leave it out")
    if args.data in data.SETS and (args.size or args.grey):
        flag = "--size" if args.size else "--grey"
        command.error(f"{flag} is for pictures of your own, not {args.data}: leave it out")


def build() -> tuple[Parser, dict[str, Parser]]:
    """The parser, and that of each command."""
    parser = Parser(
        prog=PROGRAM, usage=f"{PROGRAM} COMMAND ...", epilog=EXAMPLES,
        description="Train the models of the course, look at them, measure them, export them.",
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"genlib {__version__}")
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True, prog=PROGRAM
    )

    def command(name: str, words: str, needed: str = "RUN", epilog: str = "") -> Parser:
        made: Parser = commands.add_parser(
            name, help=words, description=f"{words[0].upper()}{words[1:]}.", epilog=epilog,
            usage=f"{PROGRAM} {name} {needed} [options]",
        )  # fmt: skip
        if needed == "RUN":
            made.add_argument("run", metavar="RUN", help="the folder that `train --out` made")
        return made

    words = "train a model, in a folder of its own"
    train = command("train", words, "MODEL --data DATA --out RUN", _model_table())
    train.add_argument("model", metavar="MODEL", type=a_model, help=", ".join(MODELS))
    train.add_argument("--data", type=some_data, required=True, help=OPTIONS["data"][1])
    train.add_argument("--out", metavar="RUN", required=True, help="the run's folder, a new one")
    train.options(("steps", "seed", "size", "grey", "limit"), steps=10_000, seed=0)
    train.options(OWN, "of the model; which it has, and their defaults, are below")
    train.options(SPEED, "speed", device="auto", precision="fp32")
    train.options(LOOKING, "saving and looking", save_every=60)

    resume = command("resume", "continue a run exactly where it was saved")
    resume.options(CHANGES, "to be given if other than before")
    resume.options(("allow_changes", *LOOKING), "saving and looking")
    sample = command("sample", "draw a grid of pictures from a run")
    sample.options(("out", "n", "label", "seed", "best", "data", "device"), n=64, seed=0,
                   device="auto", out="RUN/sample.png")  # fmt: skip
    evaluate = command("evaluate", "measure a run: a table, and RUN/evaluation.json")
    evaluate.options(("n", "seed", "best", "data", "device"), n=1000, seed=0, device="auto")
    export = command("export", "write a run's networks as one file for other programs")
    export.options(("onnx", "out", "best"), out="RUN/MODEL.onnx or RUN/MODEL.safetensors")
    made = (train, resume, sample, evaluate, export)
    return parser, {each.prog.split()[-1]: each for each in made}


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _model_table() -> str:
    layout = TextWrapper(90, initial_indent=" " * 6, subsequent_indent=" " * 6)
    layout.break_on_hyphens = False
    lines = ["models and the defaults of their options:"]
    for name, entry in MODELS.items():
        values = {"batch_size": entry.batch_size, **entry.defaults}
        # A space that is no break keeps an option and its value on one line.
        flags = [
            _flag(key) if value is False else f"{_flag(key)}\xa0{value}"
            for key, value in values.items()
            if value is not None
        ]
        lines += [f"  {name}: {entry.summary}", *layout.wrap(" ".join(flags))]
    return "\n".join(lines).replace("\xa0", " ")
