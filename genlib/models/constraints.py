"""What a critic is held to: two ways to bound its slope by its weights, and a check."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.utils.parametrizations import spectral_norm

from genlib.models.diversity import MinibatchDiscrimination

Network = TypeVar("Network", bound=nn.Module)


@torch.no_grad()
def clip_weights(critic: Network, bound: float) -> Network:
    """Put every parameter into [−bound, bound], biases too (Arjovsky et al. 2017, algorithm 1).

    That bounds the slope, but by a number that depends on widths and depth: far above 1 for large
    bounds, and so far below for small ones that hardly a gradient is left in the first layers.

    Args:
        critic: any network, changed in place.
        bound: above 0.

    Returns:
        The same network.

    Raises:
        ValueError: `bound` is not above 0.
    """
    if not bound > 0:
        raise ValueError(f"bound is {bound}; weights in [−bound, bound] need one above 0.")
    for parameter in critic.parameters():
        parameter.clamp_(-bound, bound)
    return critic


def spectral_normalised(critic: Network, power_iterations: int = 1) -> Network:
    """Divide the weights of every linear and convolution layer by their largest singular value.

    Miyato et al. 2018, by `torch.nn.utils.parametrizations.spectral_norm`. The singular value is
    followed by power iteration, at each use in training. A dense critic with ReLU, leaky ReLU or
    maxout then has slope at most 1. The weights of a convolution are taken as a matrix
    `[out, in · k · k]`, as there, which does not bound the convolution itself: its slope may reach
    k, as pixels are seen k · k times. Layers that normalise stay as they are, and undo the bound.

    Args:
        critic: a network of plain layers, changed in place. Its optimiser must be made afterwards.
        power_iterations: at each use.

    Returns:
        The same network.
    """
    kinds = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
    for layer in [layer for layer in critic.modules() if isinstance(layer, kinds)]:
        spectral_norm(layer, n_power_iterations=power_iterations)
    return critic


def refuse_meeting(critic: nn.Module) -> None:
    """Let only critics pass that score each image alone, as every gradient penalty needs.

    Raises:
        ValueError: it has batch normalisation or minibatch discrimination.
    """
    if any(isinstance(module, MinibatchDiscrimination) for module in critic.modules()):
        raise ValueError(
            "the critic has minibatch discrimination, which compares the images of a batch: the "
            "gradient penalty of one would depend on the others. Build it with kernels=0."
        )
    if any(isinstance(module, _BatchNorm) for module in critic.modules()):
        raise ValueError(
            "the critic has batch normalisation, which lets the images of a batch meet: the "
            "gradient penalty of one would depend on the others. Take norm='layer' or 'none'."
        )
