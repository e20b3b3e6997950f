"""Sticking the landing: the guide's parameters detached inside its density."""

from collections.abc import Callable
from functools import partial
from typing import Any, Unpack

import jax
import numpyro
from jax import Array, lax
from numpyro.handlers import block, replay, seed, substitute, trace
from numpyro.infer import Trace_ELBO

from numpyro_igr._host import Messenger
from numpyro_igr._numerics.checks import check_size
from numpyro_igr.handlers._log_odds import LogOddsMessenger
from numpyro_igr.handlers._uses import check_pair
from numpyro_igr.infer._guided_latents import with_guided_latents
from numpyro_igr.infer._last_pair import LastPair
from numpyro_igr.infer._options import TraceOptions
from numpyro_igr.infer.stl._kept_scores import keeps_score


class TraceSTL_ELBO(Trace_ELBO):
    r"""The ELBO without the score of the guide in its gradient: sticking the landing.

    .. math::
        E_{z \sim q_\phi} [\log p(x, z) - \log q_{\bar\phi}(z)], \qquad
        \bar\phi = \text{stop\_gradient}(\phi)

    The term that is left out has mean zero, so the gradient stays unbiased; if the
    guide is the posterior, it is zero for every sample, not only in the mean. The guide
    may be any reparameterized one, with sites that depend on one another: parameters
    are detached in its density, samples are not. The guide runs twice.

    That mean is zero if the support is fixed. Where its bounds depend on parameters, as
    those of a ``Uniform``, at an observation, and at a ``Delta``, which may have a
    density, the term stays in the gradient (in NumPyro also where bounds are other
    arrays). A support that the host takes for fixed, as that of a uniform variable
    through affine maps, must be so.

    ``IGR``, ``ExpIGR``, ``IGRStickBreaking`` ("sticks") and ``InfiniteIGR`` (rho 1, as
    of relaxed counts) are scored in Gaussian coordinates, exactly at any temperature.
    The loss is an ELBO of the relaxed model, which can be far from that of the discrete
    model if the model is nearly deterministic: report ``Trace_ELBO`` of model and guide
    after :func:`discretize`.

    Units:
        The loss is in nats.

    Args:
        num_particles: how many samples the bound averages, 1 by default.
        kwargs: as for the host's ``Trace_ELBO``.

    Raises:
        ValueError: if ``num_particles`` is not positive; at such a site if its scale,
            mask or shape differs in model and guide, so that the loss would depend on
            coordinates (in NumPyro the loss is NaN if jit traces scales or masks); at a
            latent site of the model that the guide lacks, or one that is one-hot, or a
            mean of a one-hot variable, in one of them only; in their first run, if a
            program compares, rounds or indexes with a relaxed value; in Pyro, if it has
            vectorized particles elsewhere than to the left of all plates.

    Source:
        Roeder, Wu and Duvenaud (2017); IGR (Potapczynski et al., 2020), tables 1, 3 and
        4. Gaussian coordinates are ours.

    Example:
        >>> import jax, jax.numpy as jnp, numpyro
        >>> from numpyro_igr import IGR, TraceSTL_ELBO
        >>> def program():
        ...     numpyro.sample("z", IGR(0.5, jnp.zeros(2), jnp.ones(2)))
        >>> loss = TraceSTL_ELBO().loss(jax.random.key(0), {}, program, program)
        >>> print(f"{abs(loss):.1f}")
        0.0
    """

    def __init__(self, num_particles: int = 1, **kwargs: Unpack[TraceOptions]) -> None:
        check_size(num_particles=num_particles)
        super().__init__(num_particles, **kwargs)
        self._last = LastPair()

    def loss_with_mutable_state(
        self,
        rng_key: Array,
        param_map: dict[str, Any],
        model: Callable,
        guide: Callable,
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        if self._last.programs != (model, guide):
            at = partial(substitute, data=param_map)
            check_pair(at(model), at(guide), args, kwargs)
            self._last = LastPair(model, guide)
        model, guide = with_guided_latents(model, guide)
        sites: dict[str, dict] = {}
        guide = LogOddsMessenger(sites, is_model=False)(guide)
        model = LogOddsMessenger(sites, is_model=True)(model)
        return super().loss_with_mutable_state(
            rng_key, param_map, model, _run_twice(guide), *args, **kwargs
        )


def _run_twice(guide: Callable) -> Callable:
    """The guide again with parameters detached, at the samples of a hidden run."""

    def detached(*args: Any, **kwargs: Any) -> Any:
        seeded = seed(guide, numpyro.prng_key())
        with block(expose_types=["param", "mutable"]):
            samples = trace(seeded).get_trace(*args, **kwargs)
        with _KeepScores(samples), _DetachParams(), replay(trace=samples):
            return guide(*args, **kwargs)

    return detached


class _KeepScores(Messenger):
    """Has the distributions of a run with parameters where these are to count."""

    def __init__(self, sites: dict[str, dict]) -> None:
        super().__init__()
        self.sites = sites

    def process_message(self, msg: dict) -> None:
        if msg["type"] == "sample" and keeps_score(self.sites[msg["name"]]):
            msg["fn"] = self.sites[msg["name"]]["fn"]


class _DetachParams(Messenger):
    def postprocess_message(self, msg: dict) -> None:
        if msg["type"] == "param":
            msg["value"] = jax.tree.map(lax.stop_gradient, msg["value"])
