"""Friendly checks of the exercises: each takes your function and says what is wrong, and why."""

from genlib.exercises.chapter1 import (
    check_denoising_loss,
    check_pca,
    check_squared_error,
    check_tied_decoder,
)
from genlib.exercises.chapter2 import (
    check_estimator,
    check_js,
    check_kl,
    check_kl_to_prior,
)
from genlib.exercises.report import Finding, Report

__all__ = [
    "Finding",
    "Report",
    "check_denoising_loss",
    "check_estimator",
    "check_js",
    "check_kl",
    "check_kl_to_prior",
    "check_pca",
    "check_squared_error",
    "check_tied_decoder",
]
