"""Small convolutional classifiers: the referees that say what a picture shows, if anything."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn


class SmallClassifier(nn.Module):
    """Two convolutions, pooled, and two linear layers, for 28×28 images.

    `features(x)` gives the 64 numbers before the last layer; metrics of later chapters live there.
    """

    def __init__(self, classes: int = 10, channels: int = 1, width: int = 16) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),  # [B, width, 14, 14]
            nn.Conv2d(width, 2 * width, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),  # [B, 2·width, 7, 7]
            nn.Flatten(),
            nn.Linear(2 * width * 49, 64),
            nn.ReLU(),
        )
        self.head = nn.Linear(64, classes)

    def features(self, x: Tensor) -> Tensor:
        return self.body(x)  # [B, C, 28, 28] -> [B, 64]

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))  # [B, classes], logits


class AttributeClassifier(nn.Module):
    """Reads several attributes of a 64×64 picture at once, one linear head for each.

    Four convolutions of stride 2 and one linear layer to the 64 numbers that all heads share;
    `features(x)` gives them.

    Args:
        attributes: how many values each attribute has, by name.
        channels: of the pictures.
        width: channels after the first convolution, then twice, four times and four times as many.

    Raises:
        ValueError: there are no attributes, or one has fewer than two values.
    """

    def __init__(self, attributes: Mapping[str, int], channels: int = 3, width: int = 16) -> None:
        super().__init__()
        if not attributes or min(attributes.values()) < 2:
            raise ValueError(
                f"attributes is {dict(attributes)}; give at least one, with two values or more."
            )
        self.body = nn.Sequential(
            *_halving(channels, width),  # [B, C, 64, 64] -> [B, width, 32, 32]
            *_halving(width, 2 * width),
            *_halving(2 * width, 4 * width),
            *_halving(4 * width, 4 * width),  # -> [B, 4·width, 4, 4]
            nn.Flatten(),
            nn.Linear(4 * width * 16, 64),
            nn.ReLU(),
        )
        self.heads = nn.ModuleDict(
            {name: nn.Linear(64, values) for name, values in attributes.items()}
        )

    def features(self, x: Tensor) -> Tensor:
        return self.body(x)  # [B, C, 64, 64] -> [B, 64]

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        seen = self.features(x)
        return {name: head(seen) for name, head in self.heads.items()}  # [B, K] each, logits


def _halving(inside: int, outside: int) -> list[nn.Module]:
    convolution = nn.Conv2d(inside, outside, 4, stride=2, padding=1, bias=False)
    return [convolution, nn.BatchNorm2d(outside), nn.ReLU()]
