"""What is learned by automatic guides of NumPyro, and what they report."""

import jax
import jax.numpy as jnp
import numpy as np
from backends.numpyro_runs import KEY, starts
from numpyro import handlers, infer
from numpyro.infer.autoguide import AutoDelta, AutoNormal

__all__ = ["AutoDelta", "AutoNormal"]


def locations(guide):
    """Where the means of a guide start, by site."""
    found = jax.jit(lambda: starts(guide))()
    cut = "_auto_loc"
    return {n.removesuffix(cut): np.asarray(x) for n, x in found.items() if cut in n}


def placed(guide, locations):
    """The guide with these means."""
    data = {f"{name}_auto_loc": jnp.asarray(x) for name, x in locations.items()}
    return handlers.substitute(guide, data=data)


def filled(guide, value):
    """The guide, all of whose parameters have this value."""
    data = jax.tree.map(lambda x: jnp.full_like(x, value), starts(guide))
    return handlers.substitute(guide, data=data)


def moved_losses(engine, model, guide, shifts, count):
    """Losses of runs with all parameters shifted by each number: one row each."""
    start, keys = jax.jit(lambda: starts(guide))(), jax.random.split(KEY, count)

    @jax.jit
    def losses(shift):
        params = jax.tree.map(lambda x: x + shift, start)
        return jax.vmap(lambda key: engine.loss(key, params, model, guide))(keys)

    return np.stack([losses(shift) for shift in shifts])


def names(guide):
    """What is learned."""
    return set(starts(guide))


def names_of_means(*sites):
    return {f"{name}_auto_loc" for name in sites}


def median(guide, at=None):
    """What a guide reports, with parameters that were trained or as they start."""
    return guide.median(starts(guide) if at is None else at)


def spread(guide, name):
    """The standard deviation at a site, where it starts."""
    return starts(guide)[f"{name}_auto_scale"]


def quantiles(guide, q, at=None):
    """What a guide reports, with parameters that were trained or as they start."""
    return guide.quantiles(starts(guide) if at is None else at, q)


def posterior(guide, count):
    """Draws from the guide, by name."""
    return guide.sample_posterior(KEY, starts(guide), sample_shape=(count,))


def subsampled(shape):
    """The shape of draws in a plate of which a model sees a half."""
    return shape


def predict(model, guide, count):
    """Draws of latent variables and data."""
    predictive = infer.Predictive(
        model,
        guide=guide,
        params=starts(guide),
        num_samples=count,
        return_sites=["z", "x"],
    )
    return jax.jit(predictive)(KEY)
