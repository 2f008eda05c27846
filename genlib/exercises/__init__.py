"""Friendly checks of the exercises: each takes your function and says what is wrong, and why."""

from genlib.exercises.chapter1 import (
    check_denoising_loss,
    check_pca,
    check_squared_error,
    check_tied_decoder,
)
from genlib.exercises.report import Finding, Report

__all__ = [
    "Finding",
    "Report",
    "check_denoising_loss",
    "check_pca",
    "check_squared_error",
    "check_tied_decoder",
]
