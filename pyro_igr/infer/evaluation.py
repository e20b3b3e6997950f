"""Importance weights and log-likelihoods of the discrete model, datum by datum."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from pyro_igr._numerics.checks import check_size
from pyro_igr.handlers import discretize
from pyro_igr.handlers._programs import check_program
from pyro_igr.infer._data_plates import Plates
from pyro_igr.infer._log_likelihood import LogLikelihood
from pyro_igr.infer._plates import check_plate
from pyro_igr.infer._samples import Programs, weigh


@torch.no_grad()
def log_weights(
    model: Callable,
    guide: Callable,
    *args: Any,
    num_samples: int = 100,
    chunk_size: int = 10,
    plate: Plates = None,
    **kwargs: Any,
) -> Tensor:
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
        model: the model, relaxed or discrete.
        guide: the guide, relaxed or discrete.
        args: what both are called with.
        num_samples: S, the number of samples of the guide.
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
        >>> import torch, pyro, pyro.distributions as dist
        >>> from pyro_igr import IGRStickBreaking, log_weights
        >>> x = torch.tensor([0.0, 1.0, 1.0])
        >>> def model():
        ...     with pyro.plate("data", 3):
        ...         prior = IGRStickBreaking.from_probs(0.5, torch.tensor([0.5, 0.5]))
        ...         z = pyro.sample("z", prior)
        ...         likelihood = dist.Bernoulli(z @ torch.tensor([0.2, 0.8]))
        ...         pyro.sample("x", likelihood, obs=x)
        >>> def guide():
        ...     with pyro.plate("data", 3):
        ...         probs = torch.where(x[:, None] > 0, torch.tensor([0.2, 0.8]), 0.5)
        ...         pyro.sample("z", IGRStickBreaking.from_probs(0.5, probs))
        >>> log_weights(model, guide, num_samples=10).shape
        torch.Size([10, 3])
    """
    check_size(num_samples=num_samples, chunk_size=chunk_size)
    check_plate(plate)
    check_program(model=model, guide=guide)
    programs = Programs(discretize(model), discretize(guide), args, kwargs)
    return weigh(programs, num_samples, chunk_size, plate)


def log_likelihood(
    model: Callable,
    guide: Callable,
    *args: Any,
    num_samples: int = 100,
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
        model: the model, relaxed or discrete.
        guide: the guide, relaxed or discrete.
        args: what both are called with.
        num_samples: S, the number of samples of the guide, at least 2.
        chunk_size: as in :func:`log_weights`.
        plate: as in :func:`log_weights`.
        kwargs: what both are called with, but for the names above.

    Raises:
        ValueError: if ``num_samples`` is less than 2; as :func:`log_weights`.

    Source:
        Burda, Grosse and Salakhutdinov (2016).

    Example:
        >>> import torch, pyro, pyro.distributions as dist
        >>> from pyro_igr import log_likelihood
        >>> def model():
        ...     with pyro.plate("data", 3):
        ...         prior = dist.OneHotCategorical(torch.tensor([0.5, 0.5]))
        ...         z = pyro.sample("z", prior)
        ...         x = dist.Bernoulli(z @ torch.tensor([0.2, 0.8]))
        ...         pyro.sample("x", x, obs=torch.ones(3))
        >>> def guide():
        ...     with pyro.plate("data", 3):
        ...         pyro.sample("z", dist.OneHotCategorical(torch.tensor([0.2, 0.8])))
        >>> log_likelihood(model, guide, num_samples=10).values.exp()
        tensor([0.5000, 0.5000, 0.5000])
    """
    check_size(2, num_samples=num_samples)
    options = {"num_samples": num_samples, "chunk_size": chunk_size, "plate": plate}
    log_w = log_weights(model, guide, *args, **options, **kwargs)
    values = log_w.logsumexp(0) - math.log(num_samples)
    relative = (log_w - values).exp()
    errors = (relative.var(0) / num_samples).sqrt()
    sizes = relative.sum(0) ** 2 / (relative**2).sum(0)
    mean_error = (errors**2).sum().sqrt() / errors.numel()
    return LogLikelihood(values, errors, sizes, values.mean(), mean_error)
