"""A small convolutional classifier: the referee that says whether a picture shows anything."""

from __future__ import annotations

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
