"""Real handwritten digits: scikit-learn's 1,797 images of 8 x 8 pixels, in three parts that do not overlap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from sklearn.datasets import load_digits
from torch import Tensor

SHARES = (0.6, 0.2, 0.2)  # train, validation, test


@dataclass(frozen=True)
class Images:
    """Pictures in [-1, 1] and the digit on each."""

    pixels: Float[Tensor, "images 1 8 8"]
    digits: Int[np.ndarray, " images"]


def digits(seed: int) -> dict[str, Images]:
    """Return {"train", "validation", "test"}: 60, 20 and 20 % of the images, in an order drawn from the seed."""
    data = load_digits()
    order = np.random.default_rng([seed, 1]).permutation(len(data.target))
    first, second = (int(round(share * len(order))) for share in (SHARES[0], SHARES[0] + SHARES[1]))
    pixels = torch.tensor(data.images / 8 - 1, dtype=torch.float32)[:, None]  # (images, 1, 8, 8)
    parts = {"train": order[:first], "validation": order[first:second], "test": order[second:]}
    return {name: Images(pixels[places], data.target[places]) for name, places in parts.items()}
