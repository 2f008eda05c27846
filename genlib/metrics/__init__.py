"""Measuring: a value per image, a mean with its interval, what a classifier sees."""

from genlib.metrics.evaluate import accuracy, confidence, per_image
from genlib.metrics.intervals import Interval, interval

__all__ = ["Interval", "accuracy", "confidence", "interval", "per_image"]
