"""The ELBO of a small discrete model, exactly: every code is summed over."""

from collections.abc import Callable
from itertools import product
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from numpyro.handlers import seed
from numpyro.infer.elbo import ELBO
from numpyro.infer.util import compute_log_probs


def all_codes(num_variables: int, num_categories: int) -> Array:
    """Every one-hot code, with shape `(codes, variables, categories)`."""
    codes = list(product(range(num_categories), repeat=num_variables))
    return jnp.eye(num_categories)[np.array(codes)]


class EnumeratedELBO(ELBO):
    r"""The ELBO of a discrete model of images, summed over the values of site "code".

    .. math:: \sum_z q(z | x) (\log p(x, z) - \log q(z | x))

    It and its gradient are exact.

    Args:
        codes: All the values, with shape `(codes, variables, categories)`.
    """

    can_infer_discrete = True

    def __init__(self, codes: Array) -> None:
        super().__init__(num_particles=len(codes))
        self.codes = codes

    def loss(
        self,
        rng_key: Array,
        param_map: dict[str, Any],
        model: Callable,
        guide: Callable,
        images: Array,
        *args: Any,
    ) -> Array:
        def term(code: Array) -> Array:
            codes = jnp.broadcast_to(code, (len(images), *code.shape))
            params = param_map | {"code": codes}
            (joint, _), (drawn, sites) = (
                compute_log_probs(
                    seed(fn, rng_key), (images, *args), {}, params, sum_log_prob=False
                )
                for fn in (model, guide)
            )
            probs = jnp.exp(sites["code"]["fn"].log_prob(codes))
            return (probs * (sum(joint.values()) - drawn["code"])).sum()

        return -jax.vmap(term)(self.codes).sum()
