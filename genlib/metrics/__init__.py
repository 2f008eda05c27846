"""Measuring: a value per image, a mean with its interval, what a classifier sees."""

from genlib.metrics.evaluate import accuracy, confidence, per_image
from genlib.metrics.intervals import Interval, interval
from genlib.metrics.likelihood import active_units, log_likelihood
from genlib.metrics.modes import ModeReport, mode_counts, mode_report, reverse_kl
from genlib.metrics.referees import Referees, appoint, nearest_distance

__all__ = [
    "Interval",
    "ModeReport",
    "Referees",
    "accuracy",
    "active_units",
    "appoint",
    "confidence",
    "interval",
    "log_likelihood",
    "mode_counts",
    "mode_report",
    "nearest_distance",
    "per_image",
    "reverse_kl",
]
