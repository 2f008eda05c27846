"""Measuring: a value per image, a mean with its interval, what a classifier sees."""

from genlib.metrics.evaluate import accuracy, confidence, per_image
from genlib.metrics.intervals import Interval, interval
from genlib.metrics.referees import Referees, appoint, nearest_distance

__all__ = [
    "Interval",
    "Referees",
    "accuracy",
    "appoint",
    "confidence",
    "interval",
    "nearest_distance",
    "per_image",
]
