"""What a trained model of images says of held-out ones."""

import numpy as np
import torch
from numpy.typing import NDArray
from pyro import poutine
from pyro.distributions import Distribution
from pyro.infer import SVI
from torch import Tensor
from tqdm import tqdm

IMAGES_AT_ONCE = 250


def evaluate(svi: SVI, prior: Distribution, images: Tensor) -> float:
    """The mean over the images of the objective's bound."""
    batches = images.split(IMAGES_AT_ONCE)
    losses = [len(batch) * svi.evaluate_loss(batch, prior) for batch in batches]
    return -sum(losses) / len(images)


def bounds_with_progress(
    svi: SVI, prior: Distribution, images: Tensor
) -> NDArray[np.floating]:
    """The objective's bound on the log-likelihood of each image, with a progress bar.

    Images are taken one by one, as importance weights must be.
    """
    progress = tqdm(images.split(1), unit=" test images", disable=None)
    return -np.array([svi.evaluate_loss(image, prior) for image in progress])


@torch.no_grad()
def code_probs(svi: SVI, prior: Distribution, images: Tensor) -> Tensor:
    """The posterior probabilities of the categories, given each image."""
    code = poutine.trace(svi.guide).get_trace(images, prior).nodes["code"]
    return code["fn"].base_dist.probs
