"""Importance weights and log-likelihoods of the discrete model, datum by datum."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.scipy.special import logsumexp
from numpyro.handlers import substitute

from numpyro_igr._numerics.checks import check_size
from numpyro_igr.handlers import discretize
from numpyro_igr.handlers._programs import check_program
from numpyro_igr.infer._data_plates import Plates
from numpyro_igr.infer._log_likelihood import LogLikelihood
from numpyro_igr.infer._plates import check_plate
from numpyro_igr.infer._samples import Programs, weigh


def log_weights(
    key: Array,
    model: Callable,
    guide: Callable,
    *args: Any,
    num_samples: int = 100,
    params: dict[str, Any] | None = None,
    chunk_size: int = 10,
    plate: Plates = None,
    **kwargs: Any,
) -> Array:
    r"""Log importance weights of the discrete model, of each datum.

    .. math::
        \log w_s = \log p(x, z_s) - \log q(z_s), \qquad z_s \sim q

    Model and guide are made discrete first, by :func:`discretize`: relaxed sites become
    one-hot, and other sites contribute their densities. Masked elements contribute
    nothing. Scales are ignored, both ``scale`` and those of subsampled plates, as each
    weight is that of one datum. All samples share one subsample of the data. A latent
    site that the guide lacks is drawn from the model; what the guide draws where the
    model has an observation does not count. In NumPyro evaluate many batches within
    jit: outside of it each call compiles the programs anew.

    Shape:
        ``(num_samples,) + data``, where ``data`` are the sizes of the plates that
        ``plate`` names.
    Units:
        Nats.

    Args:
        key: the random key.
        model: the model, relaxed or discrete.
        guide: the guide, relaxed or discrete.
        args: what both are called with.
        num_samples: S, the number of samples of the guide.
        params: of model and guide, as SVI returns them; else initial values.
        chunk_size: how many samples are drawn at once, which limits memory. In Pyro
            they are in a dimension to the left of all plates; use 1 for programs that
            do not allow for it.
        plate: the name of the plate whose elements are the data, or several names;
            ``()`` for one weight of all data. By default the plate around all sites, or
            one weight of all data in a program without plates.
        kwargs: what both are called with, but for the names above.

    Raises:
        TypeError: if ``plate`` is neither a name nor a collection of names, or
            ``model`` or ``guide`` no program.
        ValueError: if a number is not positive; if a site lies outside of the data
            plate, or several plates are around all sites and none is named; if a plate
            within a datum is subsampled; if the guide has a latent site that the model
            lacks, one that is one-hot in guide or model only, an observation of the
            model's, or another mask (NaN if jit traces it); at a relaxed site that
            cannot be discretized or that observes labels, or a mean of a one-hot
            variable; at dropout or hidden draws; in Pyro, if a program mixes samples.

    Example:
        >>> import jax, jax.numpy as jnp, numpyro, numpyro.distributions as dist
        >>> from numpyro_igr import IGRStickBreaking, log_weights
        >>> x = jnp.array([0.0, 1.0, 1.0])
        >>> def model():
        ...     with numpyro.plate("data", 3):
        ...         prior = IGRStickBreaking.from_probs(0.5, jnp.array([0.5, 0.5]))
        ...         z = numpyro.sample("z", prior)
        ...         likelihood = dist.Bernoulli(z @ jnp.array([0.2, 0.8]))
        ...         numpyro.sample("x", likelihood, obs=x)
        >>> def guide():
        ...     with numpyro.plate("data", 3):
        ...         probs = jnp.where(x[:, None] > 0, jnp.array([0.2, 0.8]), 0.5)
        ...         numpyro.sample("z", IGRStickBreaking.from_probs(0.5, probs))
        >>> key = jax.random.key(0)
        >>> log_weights(key, model, guide, num_samples=10).shape
        (10, 3)
    """
    _check_key(key)
    check_size(num_samples=num_samples, chunk_size=chunk_size)
    check_plate(plate)
    check_program(model=model, guide=guide)
    at = partial(substitute, data={} if params is None else params)
    programs = Programs(at(discretize(model)), at(discretize(guide)), args, kwargs)
    return weigh(key, programs, num_samples, chunk_size, plate)


def log_likelihood(
    key: Array,
    model: Callable,
    guide: Callable,
    *args: Any,
    num_samples: int = 100,
    params: dict[str, Any] | None = None,
    chunk_size: int = 10,
    plate: Plates = None,
    **kwargs: Any,
) -> LogLikelihood:
    r"""The log-likelihood of the discrete model, of each datum, by importance sampling.

    .. math::
        \log \hat p(x) = \log \frac{1}{S} \sum_{s=1}^S w_s, \qquad
        \text{s.e.} = \sqrt{\frac{1}{S (S - 1)} \sum_s (w_s / \hat p(x) - 1)^2}

    with the weights of :func:`log_weights`. Model and guide may be the relaxed ones, as
    trained. In expectation the estimate is a lower bound (IWAE), which rises with S; if
    the guide is the posterior, it is exact.

    Shape:
        As the fields of :class:`LogLikelihood` say.
    Units:
        Nats.

    Args:
        key: the random key.
        model: the model, relaxed or discrete.
        guide: the guide, relaxed or discrete.
        args: what both are called with.
        num_samples: S, the number of samples of the guide, at least 2.
        params: of model and guide, as SVI returns them; else initial values.
        chunk_size: as in :func:`log_weights`.
        plate: as in :func:`log_weights`.
        kwargs: what both are called with, but for the names above.

    Raises:
        ValueError: if ``num_samples`` is less than 2; as :func:`log_weights`.

    Source:
        Burda, Grosse and Salakhutdinov (2016).

    Example:
        >>> import jax, jax.numpy as jnp, numpyro, numpyro.distributions as dist
        >>> from numpyro_igr import OneHotCategorical, log_likelihood
        >>> def model():
        ...     with numpyro.plate("data", 3):
        ...         z = numpyro.sample("z", OneHotCategorical(jnp.array([0.5, 0.5])))
        ...         x = dist.Bernoulli(z @ jnp.array([0.2, 0.8]))
        ...         numpyro.sample("x", x, obs=jnp.ones(3))
        >>> def guide():
        ...     with numpyro.plate("data", 3):
        ...         numpyro.sample("z", OneHotCategorical(jnp.array([0.2, 0.8])))
        >>> found = log_likelihood(jax.random.key(0), model, guide, num_samples=10)
        >>> jnp.exp(found.values).round(4)
        Array([0.5, 0.5, 0.5], dtype=float32)
    """
    check_size(2, num_samples=num_samples)
    options = {"num_samples": num_samples, "chunk_size": chunk_size, "plate": plate}
    log_w = log_weights(key, model, guide, *args, params=params, **options, **kwargs)
    values = logsumexp(log_w, 0) - math.log(num_samples)
    relative = jnp.exp(log_w - values)
    errors = jnp.sqrt(relative.var(0, ddof=1) / num_samples)
    sizes = relative.sum(0) ** 2 / (relative**2).sum(0)
    mean_error = jnp.sqrt((errors**2).sum()) / errors.size
    return LogLikelihood(values, errors, sizes, values.mean(), mean_error)


def _check_key(key: Array) -> None:
    if not isinstance(key, Array | np.ndarray):
        raise TypeError(
            "expected a random key as the first argument, before model and guide, such "
            f"as jax.random.key(0); got {key!r}"
        )
