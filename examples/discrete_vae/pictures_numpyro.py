"""Figures of what the codes of a trained discrete VAE mean."""

from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro import handlers
from numpyro.distributions import Distribution
from numpyro.infer import SVI

from examples.discrete_vae.code_usage import most_informative, traverse
from examples.harness.evaluation_numpyro import code_probs
from examples.images.figures import save_code_probs, save_image_rows, save_traversal

NUM_COLUMNS, NUM_ROWS, NUM_VARIABLES = 12, 6, 4


def save_pictures(
    folder: Path,
    shape: tuple[int, int],
    svi: SVI,
    prior: Distribution,
    images: Array,
    params: dict[str, Any],
    key: Array,
) -> None:
    """Draw reconstructions, samples, posterior probabilities and a traversal.

    Args:
        folder: Where to, created if need be.
        shape: The height and the width of an image.
        svi: The discrete model and guide.
        prior: The prior of the codes.
        images: The test images.
        params: The trained parameters.
        key: The source of the noise.
    """
    rows = draw(svi, prior, images[:NUM_COLUMNS], params, key)
    rows = {label: np.asarray(row) for label, row in rows.items()}
    save_image_rows(folder / "images.png", rows, shape)
    probs = np.asarray(code_probs(svi, prior, images, params, key))
    variables = most_informative(probs, NUM_VARIABLES)
    few, probs = images[:NUM_ROWS], probs[:NUM_ROWS]
    pixels = np.asarray(few)
    save_code_probs(folder / "probabilities.png", pixels, probs, variables, shape)
    codes = jnp.asarray(traverse(probs, variables[0]))
    decoded = np.asarray(decode(svi, prior, few, codes, params))
    save_traversal(folder / "traversal.png", pixels, decoded, shape)


@partial(jax.jit, static_argnames="svi")
def draw(
    svi: SVI, prior: Distribution, images: Array, params: dict[str, Any], key: Array
) -> dict[str, Array]:
    """The images, what their codes decode to, and as many codes from the prior."""
    with handlers.substitute(data=params), handlers.seed(rng_seed=key):
        codes = handlers.trace(svi.guide).get_trace(images, prior)
        return {
            "test images": images,
            "reconstructions": handlers.replay(svi.model, codes)(images, prior),
            "samples": svi.model(images, prior),
        }


@partial(jax.jit, static_argnames="svi")
def decode(
    svi: SVI, prior: Distribution, images: Array, codes: Array, params: dict[str, Any]
) -> Array:
    """The means of the pixels that some codes decode to, in place of each image's."""

    def decode_for(image: Array, codes: Array) -> Array:
        images = jnp.broadcast_to(image, (len(codes), *image.shape))
        with handlers.substitute(data=params | {"code": codes}):
            return svi.model(images, prior)

    return jax.vmap(decode_for)(images, codes)
