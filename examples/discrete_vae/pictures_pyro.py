"""Figures of what the codes of a trained discrete VAE mean."""

from pathlib import Path

import torch
from numpy.typing import NDArray
from pyro import poutine
from pyro.distributions import Distribution
from pyro.infer import SVI
from torch import Tensor

from examples.discrete_vae.code_usage import most_informative, traverse
from examples.harness.evaluation_pyro import code_probs
from examples.images.figures import save_code_probs, save_image_rows, save_traversal

NUM_COLUMNS, NUM_ROWS, NUM_VARIABLES = 12, 6, 4


def save_pictures(
    folder: Path, shape: tuple[int, int], svi: SVI, prior: Distribution, images: Tensor
) -> None:
    """Draw reconstructions, samples, posterior probabilities and a traversal.

    Args:
        folder: Where to, created if need be.
        shape: The height and the width of an image.
        svi: The discrete model and guide.
        prior: The prior of the codes.
        images: The test images.
    """
    rows = draw(svi, prior, images[:NUM_COLUMNS])
    save_image_rows(folder / "images.png", rows, shape)
    probs = code_probs(svi, prior, images).numpy(force=True)
    variables = most_informative(probs, NUM_VARIABLES)
    few, probs = images[:NUM_ROWS], probs[:NUM_ROWS]
    pixels = few.numpy(force=True)
    save_code_probs(folder / "probabilities.png", pixels, probs, variables, shape)
    codes = torch.from_numpy(traverse(probs, variables[0])).to(images.device)
    decoded = [
        decode(svi, prior, image, code).numpy(force=True)
        for image, code in zip(few, codes, strict=True)
    ]
    save_traversal(folder / "traversal.png", pixels, decoded, shape)


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
def decode(svi: SVI, prior: Distribution, image: Tensor, codes: Tensor) -> Tensor:
    """The means of the pixels that some codes decode to, in place of the image's."""
    model = poutine.condition(svi.model, {"code": codes})
    return model(image.expand(len(codes), -1), prior)
