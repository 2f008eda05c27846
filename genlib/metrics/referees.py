"""Two referees for made-up pictures: does a classifier recognise them, is anything real near?

Neither suffices alone. A classifier can be sure of nonsense, since it only ever learned to tell
classes apart; and a picture can be near to a real one and still show nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from genlib.data.images import ImageSet
from genlib.metrics.evaluate import confidence
from genlib.metrics.neighbours import nearest


def nearest_distance(pictures: Tensor, data: ImageSet) -> Tensor:
    """Mean squared difference per pixel to the nearest image of `data`.

    Args:
        pictures: `[n, C, H, W]` in [0, 1].
        data: N images of the same shape.

    Returns:
        `[n]`, on the device of `pictures`; the work is done where `data` lies, see `nearest`.
    """
    distance, _ = nearest(pictures, data)
    return (distance.square() / pictures[0].numel()).to(pictures.device, pictures.dtype)


@dataclass(frozen=True)
class Referees:
    """Thresholds that let 95 % of known good pictures pass each referee; made by `appoint`."""

    classifier: nn.Module
    data: ImageSet
    sure_enough: float
    near_enough: float

    def judge(self, pictures: Tensor) -> dict[str, float]:
        """Shares of `pictures` `[n, C, H, W]` that pass the classifier, the neighbour, both."""
        sure = confidence(self.classifier, pictures) >= self.sure_enough
        near = nearest_distance(pictures, self.data) <= self.near_enough
        return {
            "classifier": float(sure.float().mean()),
            "neighbour": float(near.float().mean()),
            "both": float((sure & near).float().mean()),
        }


def appoint(classifier: nn.Module, data: ImageSet, good: Tensor) -> Referees:
    """Set both thresholds by pictures that are known to be good.

    Args:
        classifier: trained on `data`'s classes.
        data: the training images.
        good: `[n, C, H, W]` in [0, 1], for example reconstructions of test images.
    """
    return Referees(
        classifier,
        data,
        sure_enough=float(confidence(classifier, good).quantile(0.05)),
        near_enough=float(nearest_distance(good, data).quantile(0.95)),
    )
