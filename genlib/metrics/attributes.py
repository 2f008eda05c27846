"""Which values of known attributes are among pictures, as a classifier reads them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from genlib.data.images import ImageSet
from genlib.metrics.feature_vectors import unit_batches
from genlib.metrics.histogram import histogram_entropy
from genlib.models.classifier import AttributeClassifier

MISSING = 0.2  # of the share 1/K that a value of K has in the data


@dataclass(frozen=True)
class AttributeReport:
    """How a set of pictures spreads over the values of attributes that are even in the data.

    Attributes:
        n: pictures.
        shares: of each attribute's values, by name.
        entropies: of each attribute's shares, as a share of log K: 1 if all K values are equally
            frequent, 0 if one has everything.
        missing: attribute and value wherever the share is below a fifth of 1/K.
        combinations: how many combinations of the chosen attributes occur.
        possible: how many there are. `expected_combinations` says what n of even data find.
    """

    n: int
    shares: dict[str, dict[str, float]]
    entropies: dict[str, float]
    missing: tuple[tuple[str, str], ...]
    combinations: int
    possible: int

    def to_dict(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


@torch.no_grad()
def read_attributes(
    classifier: AttributeClassifier, images: Tensor | ImageSet, batch_size: int = 500
) -> dict[str, Tensor]:
    """The value of each attribute that the classifier thinks most probable.

    Every picture gets a value, also one that shows no face: a report on what was read says what
    there is, not how good it looks.

    Args:
        classifier: in evaluation mode, as `zoo.load("classifier-faces")` gives it.
        images: N pictures, or `[N, C, H, W]` in [0, 1].
        batch_size: pictures per call.

    Returns:
        int64 `[N]` for each attribute.

    Raises:
        ValueError: there are no pictures, or they are not in [0, 1].
    """
    parts = [
        {name: logits.argmax(dim=1) for name, logits in classifier(x).items()}
        for x in unit_batches(classifier, images, batch_size)
    ]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def attribute_accuracy(classifier: AttributeClassifier, data: ImageSet) -> dict[str, float]:
    """Share of `data`'s images of which the classifier reads each attribute correctly.

    Raises:
        ValueError: `data` lacks an attribute that the classifier reads.
    """
    lacking = sorted(set(classifier.heads) - set(data.attributes))
    if lacking:
        raise ValueError(f"{data.title} does not know {', '.join(lacking)}; take drawn_faces")
    return {
        name: float((values == data.attributes[name]).double().mean())
        for name, values in read_attributes(classifier, data).items()
    }


def attribute_report(
    values: Mapping[str, Tensor],
    names: Mapping[str, Sequence[str]],
    combine: Sequence[str] = ("hair_style", "hair_colour", "glasses", "mouth"),
) -> AttributeReport:
    """Shares, entropies, missing values and combinations.

    The same function serves pictures (`values` from `read_attributes`) and data
    (`faces.attributes`). A share s has the standard error √(s(1 − s)/n). More pictures find more
    combinations: state n, and compare with as many real ones.

    Args:
        values: int64 `[n]` for each attribute.
        names: of each attribute's K values, such as `drawn_faces(1).attribute_values`.
        combine: the attributes whose combinations are counted.

    Raises:
        ValueError: there are no pictures, attributes differ in length or have no names, a value
            has no name, or `combine` holds an attribute that is not there.
    """
    n = _check(values, names, combine)
    shares, entropies = {}, {}
    for name, read in values.items():
        k = len(names[name])
        part = torch.bincount(read, minlength=k).double() / n  # [n] -> [K]
        shares[name] = dict(zip(names[name], part.tolist(), strict=True))
        entropies[name] = max(0.0, histogram_entropy(part) / math.log(k))  # never -0.0
    occurring = torch.stack([values[name] for name in combine], dim=1).unique(dim=0)
    return AttributeReport(
        n=n,
        shares=shares,
        entropies=entropies,
        missing=tuple(
            (name, value)
            for name, own in shares.items()
            for value, share in own.items()
            if share < MISSING / len(own)
        ),
        combinations=len(occurring),
        possible=math.prod(len(names[name]) for name in combine),
    )


def expected_combinations(possible: int, n: int) -> float:
    """How many of M equally probable combinations n independent pictures show on average.

    M (1 − (1 − 1/M)ⁿ): each combination stays away from all n with probability (1 − 1/M)ⁿ.

    Raises:
        ValueError: `possible` is below 1 or n below 0.
    """
    if possible < 1 or n < 0:
        raise ValueError(f"there are {possible} combinations and {n} pictures; give 1 or more")
    return possible * (1 - (1 - 1 / possible) ** n)


def _check(
    values: Mapping[str, Tensor], names: Mapping[str, Sequence[str]], combine: Sequence[str]
) -> int:
    """The number of pictures."""
    unknown = sorted(set(values) - set(names))
    absent = sorted(set(combine) - set(values))
    if unknown or absent or not combine:
        raise ValueError(
            f"no names for {unknown or 'none'}; to combine {list(combine)}, and {absent or 'none'} "
            "of these is not among the values. Give names of all attributes, and combine some."
        )
    lengths = {len(read) for read in values.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"every attribute needs one value for each picture, got {lengths}")
    for name, read in values.items():
        if not 0 <= int(read.min()) <= int(read.max()) < len(names[name]):
            raise ValueError(
                f"{name} has values from {int(read.min())} to {int(read.max())}, but "
                f"{len(names[name])} names"
            )
    return lengths.pop()
