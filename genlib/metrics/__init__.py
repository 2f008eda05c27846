"""Measuring: a value per image, a mean with its interval, what a classifier sees.

The chapters use these; each says in its own words what it can and cannot tell.
"""

from genlib.metrics.attributes import (
    AttributeReport,
    attribute_accuracy,
    attribute_report,
    expected_combinations,
    read_attributes,
)
from genlib.metrics.bootstrapping import BootstrapInterval, bootstrap, bootstrap_of_one
from genlib.metrics.copies import Memorisation, memorisation
from genlib.metrics.evaluate import accuracy, confidence, per_image
from genlib.metrics.feature_vectors import Moments, features, moments
from genlib.metrics.frechet import frechet_between_gaussians, frechet_distance
from genlib.metrics.histogram import (
    class_entropy,
    class_histogram,
    histogram_entropy,
    predicted_classes,
)
from genlib.metrics.inception import inception_fid, inception_moments, inception_network
from genlib.metrics.intervals import Interval, interval
from genlib.metrics.kernel import kernel_distance
from genlib.metrics.laplacian import sharpness
from genlib.metrics.likelihood import active_units, log_likelihood
from genlib.metrics.lipschitz import Steepness, critic_estimate, lipschitz_estimate
from genlib.metrics.manifold_intervals import (
    bootstrap_density_coverage,
    bootstrap_precision_recall,
)
from genlib.metrics.manifolds import (
    DensityCoverage,
    PrecisionRecall,
    density_coverage,
    precision_recall,
)
from genlib.metrics.modes import ModeReport, mode_counts, mode_report, reverse_kl
from genlib.metrics.neighbours import nearest
from genlib.metrics.paths import Smoothness, departure, smoothness
from genlib.metrics.referees import Referees, appoint, nearest_distance

__all__ = [
    "AttributeReport",
    "BootstrapInterval",
    "DensityCoverage",
    "Interval",
    "Memorisation",
    "ModeReport",
    "Moments",
    "PrecisionRecall",
    "Referees",
    "Smoothness",
    "Steepness",
    "accuracy",
    "active_units",
    "appoint",
    "attribute_accuracy",
    "attribute_report",
    "bootstrap",
    "bootstrap_density_coverage",
    "bootstrap_of_one",
    "bootstrap_precision_recall",
    "class_entropy",
    "class_histogram",
    "confidence",
    "critic_estimate",
    "density_coverage",
    "departure",
    "expected_combinations",
    "features",
    "frechet_between_gaussians",
    "frechet_distance",
    "histogram_entropy",
    "inception_fid",
    "inception_moments",
    "inception_network",
    "interval",
    "kernel_distance",
    "lipschitz_estimate",
    "log_likelihood",
    "memorisation",
    "mode_counts",
    "mode_report",
    "moments",
    "nearest",
    "nearest_distance",
    "per_image",
    "precision_recall",
    "predicted_classes",
    "read_attributes",
    "reverse_kl",
    "sharpness",
    "smoothness",
]
