"""What can be typed after `python -m genlib`: one line and the remedy for each mistake."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
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
# A model's own options: name, what kind of value, what it is. Defaults are the model's.
OWN = (
    ("network", ("dense", "conv"), "kind of layers; auto: conv for colour or over 32 pixels"),
    ("latent", "whole", "length of the code or noise z"),
    ("width", "whole", "channels after the first convolution"),
    ("learning_rate", "positive", "of every player"),
    ("beta", "zero", "weight of the KL term"),
    ("noise", "positive", "standard deviation of the noise added to pictures in [0, 1]"),
    ("penalty_weight", "zero", "λ, weight of the gradient penalty"),
    ("critic_moves", "whole", "moves of the critic for one of the generator"),
    ("gamma", "zero", "γ, weight of likeness against the decoder's GAN loss"),
    ("ema", "share", "average the weights with this decay, for example 0.999"),
)  # fmt: skip


class Parser(argparse.ArgumentParser):
    """Prints one line for a mistake, and takes no abbreviations, which would hide typing errors."""

    def __init__(self, **settings: Any) -> None:
        layout = argparse.RawDescriptionHelpFormatter
        super().__init__(allow_abbrev=False, formatter_class=layout, **settings)

    def error(self, message: str) -> NoReturn:
        if os.environ.get("RANK", "0") == "0":  # once, however many processes there are
            print(f"{self.prog}: {message}. See {self.prog} --help", file=sys.stderr)
        raise SystemExit(2)

    def refuse_unknown(self, rest: Sequence[str]) -> None:
        if rest:
            known = [name for action in self._actions for name in action.option_strings]
            close = get_close_matches(rest[0].partition("=")[0], known, n=1)
            hint = f"; did you mean {close[0]}?" if close else "; leave it out"
            self.error(f"{rest[0]} is no argument of this command{hint}".removesuffix("."))


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command and its arguments, checked; a mistake ends the program with status 2."""
    parser, commands = build()
    words = list(sys.argv[1:] if argv is None else argv)
    if not words:
        parser.print_help()
        raise SystemExit(0)
    args, rest = parser.parse_known_args(words)
    command = commands[args.command]
    command.refuse_unknown(rest)
    _gather_options(command, args)
    if getattr(args, "data", None) is not None:
        try:
            args.data = data.find(args.data)
        except ValueError as error:
            command.error(str(error))
    if args.command == "train" and args.data in data.SETS and (args.size or args.grey):
        wrong = "--size" if args.size else "--grey"
        command.error(f"{wrong} is for pictures of your own; {args.data} is as it is, so omit it")
    return args


def _gather_options(command: Parser, args: argparse.Namespace) -> None:
    """Put the given options of the model itself into `args.options`, if it is one that has them."""
    args.options = {
        name: getattr(args, name) for name, _, _ in OWN if getattr(args, name, None) is not None
    }
    if args.command != "train":
        return
    if args.compile or args.cuda_graphs:
        args.options["compile"] = "cuda-graphs" if args.cuda_graphs else "default"
    for name in args.options:
        if name not in MODELS[args.model].defaults:
            flag = "--" + name.replace("_", "-")
            owners = [model for model, entry in MODELS.items() if name in entry.defaults]
            command.error(f"{args.model} has no {flag} (it is of {', '.join(owners)}): omit it")


def build() -> tuple[Parser, dict[str, Parser]]:
    """The parser, and that of each command."""
    parser = Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} COMMAND ...",
        description="Train the models of the course, look at them, measure them, export them.",
        epilog=EXAMPLES,
    )
    parser.add_argument("--version", action="version", version=f"genlib {__version__}")
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True, prog=PROGRAM
    )

    def command(name: str, words: str, what: str = "RUN", **settings: Any) -> Parser:
        made: Parser = commands.add_parser(
            name,
            usage=f"{PROGRAM} {name} {what} [options]",
            help=words,
            description=words[0].upper() + words[1:] + ".",
            **settings,
        )
        return made

    train = command(
        "train", "train a model, in a folder of its own", "MODEL --data DATA --out RUN",
        epilog=_model_table(),
    )  # fmt: skip
    resume = command("resume", "continue a run that was stopped, exactly where it was saved")
    sample = command("sample", "draw a grid of pictures from a run")
    evaluate = command("evaluate", "measure a run: a table, and evaluation.json")
    export = command("export", "write a run's networks as one file for other programs")
    _train_arguments(train)
    for each in (resume, sample, evaluate, export):
        each.add_argument("run", metavar="RUN", help="the folder that train made (its --out)")
    _resume_arguments(resume)
    for each in (sample, evaluate, export):
        _add(each, "--best", action="store_true", help="the best checkpoint, not the newest")
    for each, n in ((sample, 64), (evaluate, 1_000)):
        _add(each, "--n", type=whole, default=n, help="how many samples")
        _add(each, "--seed", type=int, default=0, help="of the samples")
        _data(each)
        _device(each, "auto")
    _add(sample, "--out", metavar="PNG", help="the picture's file (default: RUN/sample.png)")
    _add(export, "--onnx", action="store_true", help="ONNX of what paints; else safetensors")
    _add(export, "--out", metavar="FILE", help="default: RUN/MODEL.onnx or RUN/MODEL.safetensors")
    names = ("train", "resume", "sample", "evaluate", "export")
    return parser, dict(zip(names, (train, resume, sample, evaluate, export), strict=True))


def _train_arguments(train: Parser) -> None:
    train.add_argument("model", metavar="MODEL", type=model, help=", ".join(MODELS))
    _data(train, required=True)
    _add(train, "--out", required=True, metavar="RUN", help="folder of the run; made if needed")
    _add(train, "--steps", type=whole, default=10_000, help="how many steps")
    _add(train, "--seed", type=int, default=0, help="of weights, batches and noise")
    _add(train, "--size", type=int, choices=(32, 64), help="own pictures: side in pixels (64)")
    _add(train, "--grey", action="store_true", help="own pictures: make them grey")
    _add(train, "--limit", type=whole, metavar="N", help="train on the first N pictures only")
    own = train.add_argument_group("of the model", "each model has its own of these; see below")
    _add(own, "--batch-size", type=whole, help="pictures per move")
    for name, kind, words in OWN:
        limits = {"choices": kind} if isinstance(kind, tuple) else {"type": KINDS[kind]}
        mark = {} if isinstance(kind, tuple) else {"metavar": name.split("_")[-1].upper()}
        _add(own, f"--{name.replace('_', '-')}", help=words, **limits, **mark)
    speed = train.add_argument_group("speed")
    _device(speed, "auto")
    _precision(speed, "fp32")
    _add(speed, "--channels-last", action="store_true", help="channels innermost in memory")
    _add(speed, "--compile", action="store_true", help="torch.compile; a minute, then faster")
    _add(speed, "--cuda-graphs", action="store_true", help="the same with CUDA graphs")
    look = train.add_argument_group("saving and looking")
    _add(
        look,
        "--save-every",
        type=positive,
        default=60.0,
        metavar="SECONDS",
        help="between checkpoints",
    )
    _looking(look)


def _resume_arguments(resume: Parser) -> None:
    _add(resume, "--steps", type=whole, help="how many steps in all, if other than before")
    _data(resume)
    _add(resume, "--batch-size", type=whole, help="if other than before")
    _add(resume, "--learning-rate", type=positive, help="if other than before")
    _precision(resume, None)
    _device(resume, None)
    _add(resume, "--save-every", type=positive, metavar="SECONDS", help="if other than before")
    _looking(resume)


def _looking(group: Any) -> None:
    words = "go on though settings have changed that make it another run"
    _add(group, "--allow-changes", action="store_true", help=words)
    _add(
        group,
        "--log-every",
        type=whole,
        metavar="STEPS",
        help="per entry of the history; by default 200 entries",
    )
    _add(group, "--tensorboard", action="store_true", help="write RUN/tensorboard too")
    _add(group, "--quiet", action="store_true", help="print errors only")


def _data(group: Any, required: bool = False) -> None:
    words = f"{', '.join(data.SETS)}, or the PATH of a folder or zip of pictures"
    where = words if required else "if the pictures have moved: where they are now"
    _add(group, "--data", required=required, help=where)


def _device(group: Any, default: str | None) -> None:
    _add(group, "--device", type=device, default=default, help="auto, cpu, cuda, or cuda:1 ...")


def _precision(group: Any, default: str | None) -> None:
    choices = ("fp32", "tf32", "bf16", "fp16", "auto")
    _add(group, "--precision", choices=choices, default=default, help="auto: what the device likes")


def _add(group: Any, flag: str, **settings: Any) -> None:
    """An option whose help tells its default."""
    default = settings.get("default")
    if default is not None:
        words = f"{default:,}" if isinstance(default, int) else f"{default}"
        settings["help"] += f" (default: {words})"
    if "action" not in settings and "choices" not in settings:
        settings.setdefault("metavar", flag.removeprefix("--").replace("-", "_").upper())
    group.add_argument(flag, **settings)


def _model_table() -> str:
    lines = ["models and their defaults:"]
    layout = TextWrapper(90, " " * 6, " " * 6, break_on_hyphens=False)
    for name, entry in MODELS.items():
        values = {"batch_size": entry.batch_size, **entry.defaults}
        flags = " ".join(
            f"--{key.replace('_', '-')} {value}"
            for key, value in values.items()
            if value is not None
        )
        lines += [f"  {name}: {entry.summary}", *layout.wrap(flags)]
    return "\n".join(lines)


def model(text: str) -> str:
    """The name of a model, forgiving capitals and underscores."""
    name = text.lower().replace("_", "-")
    if name not in MODELS:
        close = get_close_matches(name, MODELS, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise argparse.ArgumentTypeError(
            f"there is no model {text!r}; {hint}The models are {', '.join(MODELS)}"
        )
    return name


def device(text: str) -> str:
    kind, _, number = text.partition(":")
    if text not in ("auto", "cpu") and not (kind == "cuda" and (number or "0").isdigit()):
        raise argparse.ArgumentTypeError(f"there is no device {text!r}; use auto, cpu or cuda")
    return text


def number(
    kind: Callable[[str], Any], good: Callable[[Any], bool], wanted: str
) -> Callable[[str], Any]:
    """A reader of numbers that says what is wanted."""

    def read(text: str) -> Any:
        try:
            value = kind(text.replace("_", ""))
        except ValueError:
            value = None
        if value is None or not good(value):
            raise argparse.ArgumentTypeError(f"{text} is not {wanted}")
        return value

    return read


whole = number(int, lambda v: v >= 1, "a whole number from 1 on")
positive = number(float, lambda v: 0 < v < float("inf"), "a number above 0")
KINDS = {
    "whole": whole,
    "positive": positive,
    "zero": number(float, lambda v: 0 <= v < float("inf"), "a number from 0 on"),
    "share": number(float, lambda v: 0 <= v < 1, "a decay from 0 to below 1"),
}
