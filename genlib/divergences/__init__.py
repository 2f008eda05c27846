"""How far one distribution is from another: in nats, or in the units of the points."""

from genlib.divergences.discrete import (
    cross_entropy,
    entropy,
    f_divergence,
    js,
    kl,
    total_variation,
    wasserstein_1d,
)
from genlib.divergences.estimators import k1, k2, k3, mean_and_error
from genlib.divergences.gaussian import (
    kl_diagonal,
    kl_full,
    kl_normal,
    kl_per_dimension,
    kl_to_standard_normal,
)
from genlib.divergences.transport import Transport, optimal_transport, wasserstein_points

__all__ = [
    "Transport",
    "cross_entropy",
    "entropy",
    "f_divergence",
    "js",
    "k1",
    "k2",
    "k3",
    "kl",
    "kl_diagonal",
    "kl_full",
    "kl_normal",
    "kl_per_dimension",
    "kl_to_standard_normal",
    "mean_and_error",
    "optimal_transport",
    "total_variation",
    "wasserstein_1d",
    "wasserstein_points",
]
