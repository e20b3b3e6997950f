"""What a trained discrete VAE says of held-out images, in Pyro."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from pyro import poutine
from pyro.distributions import Distribution
from pyro.infer import SVI
from torch import Tensor
from tqdm import tqdm

from examples.harness.training_pyro import IMAGES_AT_ONCE
from pyro_igr import log_weights

CODES_AT_ONCE = 25_000


def weigh(
    svi: SVI, prior: Distribution, images: Tensor, num_samples: int
) -> NDArray[np.floating]:
    """Log importance weights of codes, `(images, samples)`, with a progress bar."""
    found = []
    with tqdm(total=len(images), unit=" test images", disable=None) as progress:
        for chunk in images.split(IMAGES_AT_ONCE):
            of = svi.model, svi.guide, chunk, prior
            at_once = max(1, min(num_samples, CODES_AT_ONCE // len(chunk)))
            numbers = {"num_samples": num_samples, "chunk_size": at_once}
            found.append(log_weights(*of, **numbers).T.numpy(force=True))
            progress.update(len(chunk))
    return np.concatenate(found)


@torch.no_grad()
def code_probs(guide: Callable, prior: Distribution, images: Tensor) -> Tensor:
    """The posterior probabilities of the categories, given each image."""
    code = poutine.trace(guide).get_trace(images, prior).nodes["code"]
    return code["fn"].base_dist.probs


@torch.no_grad()
def draw(svi: SVI, prior: Distribution, images: Tensor) -> dict[str, NDArray]:
    """The images, what their codes decode to, and as many codes from the prior."""
    codes = poutine.trace(svi.guide).get_trace(images, prior)
    rows = {
        "test images": images,
        "reconstructions": poutine.replay(svi.model, codes)(images, prior),
        "samples": svi.model(images, prior),
    }
    return {label: row.numpy(force=True) for label, row in rows.items()}


@torch.no_grad()
def decode(
    svi: SVI, prior: Distribution, images: Tensor, codes: NDArray[np.float32]
) -> NDArray[np.floating]:
    """The means of the pixels that some codes decode to, in place of each image's."""
    decoded = []
    for image, code in zip(images, torch.from_numpy(codes).to(images), strict=True):
        model = poutine.condition(svi.model, {"code": code})
        decoded.append(model(image.expand(len(code), -1), prior).numpy(force=True))
    return np.stack(decoded)
