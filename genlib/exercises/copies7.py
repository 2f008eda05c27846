"""Exercise 7.4: sets of feature vectors with and without copies of a training set."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genlib.exercises.calling import call
from genlib.exercises.report import Finding
from genlib.exercises.trial import Stop
from genlib.seeds import make_generator

SAMPLES, FEATURES, CLUSTERS = 1_000, 6, 8


@dataclass(frozen=True)
class Case:
    """Sets of one kind, and what is to be said of them.

    Attributes:
        what: the sets, in words.
        cause: what a wrong answer on them points to.
        copied: share of the samples that are copies of training vectors.
        held_copied: share that are copies of held-out vectors.
        noise: standard deviation of what is added to a copy; its neighbours are about 1 away.
        spread: width of the other samples, as a share of the law's; below 1 they are averages.
        clusters: how many of the law's clusters the other samples come from.
        train: number of training vectors.
        held_out: number of vectors held out.
        unit: what all vectors are multiplied by.
        sets: how many are made.
        allowed: how many of them may get the wrong answer: samples that share a neighbour make
            chance larger than a binomial law says.
    """

    what: str
    cause: str
    copied: float = 0.0
    held_copied: float = 0.0
    noise: float = 0.0
    spread: float = 1.0
    clusters: int = CLUSTERS
    train: int = 500
    held_out: int = 500
    unit: float = 1.0
    sets: int = 2
    allowed: int = 0

    def findings(self, fn: Any) -> Finding:
        """What `fn` says of the sets of this kind."""
        said = [_asked(fn, *self.make(i)) for i in range(self.sets)]
        wrong = sum(answer != (self.copied > 0) for answer in said)
        how = "missed" if self.copied else "a false alarm"
        ok = wrong <= self.allowed
        seen = f"{self.what}: {wrong} of {self.sets} {how}"
        return Finding(ok, seen, "" if ok else self.cause)

    def make(self, i: int) -> tuple[Tensor, Tensor, Tensor]:
        """Samples `[1000, 6]`, training and held-out vectors, of the i-th set."""
        source = make_generator(0, "exercise 7", self.what, i)
        train, held_out = _law(source, self.train), _law(source, self.held_out)
        parts = [
            _copies(source, train, round(self.copied * SAMPLES), self.noise),
            _copies(source, held_out, round(self.held_copied * SAMPLES), self.noise),
        ]
        rest = SAMPLES - sum(map(len, parts))
        samples = torch.cat([*parts, _law(source, rest, self.clusters, self.spread)])
        samples = samples[torch.randperm(SAMPLES, generator=source)]
        return self.unit * samples, self.unit * train, self.unit * held_out


_UNIT = (
    "The unit of the features has changed, and with it your answer: no distance is near or far by "
    "itself. Compare distances with one another."
)
CASES = (
    Case(
        "nothing but copies", "Every sample is a training vector, and at distance 0 of it.",
        copied=1.0,
    ),
    Case(
        "fresh samples of the law of the data",
        "Among new samples some lie nearer to a training vector than to any held-out one, by "
        "chance alone: about half. Ask how large a share chance gives, with its standard "
        "deviation, and say yes only far beyond it (three of them, say).",
        sets=20, allowed=1,
    ),
    Case(
        "a fifth copies", "Four samples of five are no copies: look at those that lie nearest to "
        "anything, not at the average sample.", copied=0.2,
    ),
    Case(
        "a fifth copies with a little noise", "A copy need not be exact: distance 0, or nearly 0, "
        "is too much to ask. Which set does a sample lie nearer to?", copied=0.2, noise=0.08,
    ),
    Case("a fifth copies, in a large unit", _UNIT, copied=0.2, noise=0.08, unit=1e3),
    Case("fresh samples, in a small unit", _UNIT, unit=1e-3),
    Case(
        "fresh samples, beside three times as many training vectors as held-out ones",
        "Three of four real vectors are training vectors here, so by chance alone three of four "
        "samples lie nearest to one. Compare with that share, or take as many of both.",
        train=900, held_out=300, sets=5, allowed=1,
    ),
    Case(
        "fresh samples, beside three times as many held-out vectors as training ones",
        "One of four real vectors is a training vector here: compare with that share, or take as "
        "many of both.", train=300, held_out=900, sets=5, allowed=1,
    ),
    Case(
        "a fifth copies, beside three times as many held-out vectors as training ones",
        "One of four real vectors is a training vector here: a share below a half can be far above "
        "chance.", train=300, held_out=900, copied=0.2,
    ),
    Case(
        "averages of each cluster, and no copies",
        "A model that makes averages lies nearer to training vectors than new real vectors do, and "
        "nearer to held-out vectors too: that is blur, no copying. Compare each sample's distance "
        "to the training set with its own distance to the held-out set.",
        spread=0.3, sets=4, allowed=1,
    ),
    Case(
        "samples of two clusters only, and no copies",
        "What is left out is no copying: the model is near to some of the data, held out or not.",
        clusters=2, sets=4, allowed=1,
    ),
    Case(
        "a fifth copies of held-out vectors",
        "These are near to vectors that the model has not seen in training: no copies of the "
        "training set. Ask in one direction only.", held_copied=0.2,
    ),
    Case(
        "averages with a fifth copies", "Most samples are near to everything, but copies are "
        "nearer: sort by the distance to the nearest real vector, training or held out.",
        copied=0.2, spread=0.3,
    ),
    Case(
        "one sample in twenty a copy", "So few are lost among all samples: look at the tenth that "
        "lies nearest to any real vector, where copies are, and ask which set is nearest there.",
        copied=0.05, sets=4, allowed=1,
    ),
)  # fmt: skip
TURNED = (
    "It says yes of copies of the held-out vectors: the arguments are samples, train, held_out, in "
    "this order."
)


ANSWERS = "It says yes of clean sets and no of copies: `True` is to mean that there are copies."


def turned_round(fn: Any) -> str:
    """What `fn` takes for what, if it finds copies of the held-out vectors; empty if it does not.

    It has missed those of the training vectors already.
    """
    if not _asked(fn, *Case("held-out vectors", "", held_copied=1.0).make(0)):
        return ""
    fresh = _asked(fn, *Case("fresh samples of the law of the data", "").make(0))
    return ANSWERS if fresh else TURNED


def _asked(fn: Any, *inputs: Tensor) -> bool:
    @functools.wraps(fn)
    def wrapped(*given: Tensor) -> Any:
        value = fn(*given)
        if isinstance(value, Tensor) and value.numel() == 1 and value.dtype == torch.bool:
            value = bool(value)
        if isinstance(value, (bool, np.bool_)):
            return torch.tensor(float(value))
        if value is None or value is ...:
            return value
        what = (
            f"a tensor of {value.numel()} numbers"
            if isinstance(value, Tensor)
            else (type(value).__name__)
        )
        cause = (
            "Return True or False: decide, for example by a threshold of three standard deviations."
        )
        raise Stop(Finding(False, f"it returned {what}, no yes or no", cause))

    hint = "Sets of vectors `[n, 6]` in, True or False out."
    errors = {
        "Boolean value of Tensor": "A comparison of tensors gives many truths: `.any()`, `.all()` "
        "or a share makes one of them.",
    }
    return bool(call(wrapped, *inputs, hint=hint, errors=errors))


def _law(source: torch.Generator, n: int, clusters: int = CLUSTERS, spread: float = 1.0) -> Tensor:
    """n vectors `[n, 6]` of the first `clusters` of the law's clusters, narrowed by `spread`."""
    fixed = make_generator(0, "exercise 7", "law")
    centres = 2.5 * torch.randn(CLUSTERS, FEATURES, generator=fixed, dtype=torch.float64)
    widths = 0.5 + torch.rand(CLUSTERS, FEATURES, generator=fixed, dtype=torch.float64)
    which = torch.randint(clusters, (n,), generator=source)
    noise = torch.randn(n, FEATURES, generator=source, dtype=torch.float64)
    return centres[which] + spread * widths[which] * noise


def _copies(source: torch.Generator, vectors: Tensor, n: int, noise: float) -> Tensor:
    chosen = vectors[torch.randint(len(vectors), (n,), generator=source)]
    return chosen + noise * torch.randn(chosen.shape, generator=source, dtype=torch.float64)
