"""Guides refitted to fixed decoders, so that scores depend on the decoder alone.

Importance weighting scores the guide too. Here every guide is fitted to its own decoder
alike, by the inclusive KL from the posterior of the discrete model: the second half of
reweighted wake-sleep (Bornschein & Bengio, 2015).
"""

from functools import partial
from typing import Any

import jax
from jax import Array, random
from numpyro import handlers
from numpyro.distributions import Distribution
from numpyro.infer import SVI
from numpyro.infer.elbo import ELBO
from numpyro.optim import Adam

from examples.harness.training_numpyro import train_epoch

NUM_SAMPLES, RATE = 20, 1e-3


class InclusiveKL(ELBO):
    """The KL of the posterior from the guide, but for what no guide changes.

    Codes of the guide are weighted by the model, each image's on their own; weights and
    codes are constants to the gradient, which is of the guide alone.
    """

    can_infer_discrete = True

    def loss(
        self,
        rng_key: Array,
        param_map: dict[str, Any],
        model: Any,
        guide: Any,
        *args: Any,
    ) -> Array:
        """Minus the mean log-probability that the guide gives to codes so weighted."""
        guide, model = (handlers.substitute(x, data=param_map) for x in (guide, model))

        def draw(key: Array) -> tuple[Array, Array]:
            drawn = handlers.trace(handlers.seed(guide, key)).get_trace(*args)
            joint = handlers.trace(handlers.replay(model, drawn)).get_trace(*args)
            log_q = _log_prob(drawn["code"])
            return _log_prob(joint["code"]) + _log_prob(joint["pixels"]) - log_q, log_q

        log_weights, log_q = jax.vmap(draw)(random.split(rng_key, self.num_particles))
        weights = jax.lax.stop_gradient(jax.nn.softmax(log_weights, 0))
        return -(weights * log_q).sum(0).mean()


def _log_prob(site: dict[str, Any]) -> Array:
    return site["fn"].log_prob(site["value"])


@partial(jax.jit, static_argnames=("discrete", "batch_size", "num_epochs"))
def refit(
    discrete: SVI,
    prior: Distribution,
    images: Array,
    batch_size: int,
    num_epochs: int,
    params: dict[str, Any],
    key: Array,
) -> dict[str, Any]:
    """The parameters after so many epochs in which the decoder keeps its own."""
    loss = InclusiveKL(num_particles=NUM_SAMPLES)
    svi = SVI(discrete.model, discrete.guide, Adam(RATE), loss)
    state = svi.init(key, images[:batch_size], prior, init_params=params)
    keys = random.split(key, num_epochs)

    def train(state: Any, key: Array) -> tuple[Any, None]:
        return train_epoch(svi, prior, images, batch_size, state, key)[0], None

    state, _ = jax.lax.scan(train, state, keys)
    return svi.get_params(state)
