"""A check that every latent site of an ELBO has a closed-form KL."""

from collections.abc import Callable
from typing import Any

from numpyro.distributions.kl import kl_divergence
from numpyro.handlers import replay, seed, trace

from numpyro_igr.handlers._same_size import SameSizeMessenger
from numpyro_igr.handlers._site_weights import agreement
from numpyro_igr.infer._one_hot_sites import lies_between

WRONG = "TraceMeanField_ELBO would count a wrong KL at site '{}': {}"
ESTIMATED = (
    "site '{}' has no analytic KL, its term would be estimated by Monte Carlo: {}"
)
BETWEEN = "its Delta has a value between the categories of a one-hot site"
UNLIKE = "it has another {} in the model than in the guide, and only the latter counts"
TRACED = (
    "TraceMeanField_ELBO may count a wrong KL at site '{}': {}; call "
    "assert_analytic_kl outside of jax.jit and jax.eval_shape"
)


def assert_analytic_kl(
    model: Callable, guide: Callable, *args: Any, **kwargs: Any
) -> None:
    """Raises if ``TraceMeanField_ELBO`` would count a KL term wrongly, or estimate it.

    That ELBO gives no warning of either. It estimates a term by Monte Carlo where no KL
    is registered for a pair of distributions, where only one of the two has an event
    dimension or a mask, and at auxiliary sites. It counts a wrong term where model and
    guide differ in shape, scale or the host's mask, since it uses those of the guide,
    and in Pyro at a Delta with a density, which automatic guides have at constrained
    sites. This function runs guide and model once, as the ELBO does, and checks every
    latent site. It restores the random state; parameters are initialized.

    Args:
        model: the model, as given to ``SVI``.
        guide: the guide, as given to ``SVI``.
        args: what both are called with.
        kwargs: what both are called with.

    Raises:
        AssertionError: with the name of the first site whose term is wrong, or else of
            the first without a closed form, and the reason. In NumPyro also for a site
            whose scale or mask is not known because jax traces the call.
        ValueError: at a site with other categories in the model than in the guide.

    Example:
        >>> import jax.numpy as jnp, numpyro
        >>> from numpyro_igr import IGR, assert_analytic_kl
        >>> def model():
        ...     numpyro.sample("z", IGR(0.5, jnp.zeros(2), jnp.ones(2)))
        >>> def guide():
        ...     numpyro.sample("z", IGR(0.1, jnp.zeros(2), jnp.ones(2)))
        >>> assert_analytic_kl(model, guide)
    """
    guide_trace = trace(seed(guide, 0)).get_trace(*args, **kwargs)
    replayed = SameSizeMessenger(guide_trace)(replay(seed(model, 1), guide_trace))
    model_trace = trace(replayed).get_trace(*args, **kwargs)
    latents = {
        name: site
        for name, site in guide_trace.items()
        if site["type"] == "sample" and not site["is_observed"]
    }
    checks = (WRONG, _why_wrong), (TRACED, _why_unknown), (ESTIMATED, _why_estimated)
    for message, find in checks:
        for name, site in latents.items():
            reason = find(site, model_trace.get(name))
            if reason:
                raise AssertionError(message.format(name, reason))


def _why_wrong(guide_site: dict, model_site: dict | None) -> str | None:
    if model_site is not None and lies_between(guide_site["fn"], model_site):
        return BETWEEN
    if model_site is None or _why_estimated(guide_site, model_site):
        return None
    q, p = guide_site["fn"], model_site["fn"]
    for aspect, same in agreement(guide_site, model_site).items():
        if same is False:
            return UNLIKE.format(aspect)
    shapes = q.batch_shape, getattr(kl_divergence(q, p), "shape", q.batch_shape)
    if q.event_dim != p.event_dim or shapes[0] != shapes[1]:
        return f"the KL between {_describe(q)} and {_describe(p)} has another shape"
    return None


def _why_unknown(guide_site: dict, model_site: dict | None) -> str | None:
    if model_site is None or _why_estimated(guide_site, model_site):
        return None
    for aspect, same in agreement(guide_site, model_site).items():
        if not isinstance(same, bool):
            return f"its {aspect} is known only when the program runs"
    return None


def _why_estimated(guide_site: dict, model_site: dict | None) -> str | None:
    if model_site is None:
        return "it is auxiliary, only the guide has it"
    q, p = guide_site["fn"], model_site["fn"]
    try:
        kl_divergence(q, p)
    except NotImplementedError as error:
        return str(error) or f"no KL between {_describe(q)} and {_describe(p)}"
    return None


def _describe(dist: Any) -> str:
    """Its class and what it wraps: ``Independent of IGR with event_dim 2``."""
    name, inner = type(dist).__name__, dist
    while type(inner).__name__ in ("Independent", "MaskedDistribution"):
        inner = inner.base_dist
        name += f" of {type(inner).__name__}"
    return f"{name} with event_dim {dist.event_dim}"
