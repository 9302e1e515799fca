"""Draws that the synthesis makes again and again: over orders of magnitude, and one of several by weight."""

from collections.abc import Mapping
from typing import TypeVar

import numpy as np

Choice = TypeVar("Choice")


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A number between `low` and `high`, both above 0, every order of magnitude as likely as the next."""
    return float(low * (max(high, low) / low) ** rng.random())


def choose(rng: np.random.Generator, weights: Mapping[Choice, float]) -> Choice:
    """One of the keys, each as often as its weight says; the weights need not sum to 1."""
    left = rng.random() * sum(weights.values())
    for choice, weight in weights.items():
        left -= weight
        if left < 0:
            return choice
    return choice
