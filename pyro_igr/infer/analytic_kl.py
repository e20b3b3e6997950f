"""A check that every latent site of an ELBO has a closed-form KL."""

from collections.abc import Callable
from typing import Any

import torch
from pyro.poutine import replay, trace
from pyro.poutine.util import prune_subsample_sites
from torch.distributions import kl_divergence


def assert_analytic_kl(model: Callable, guide: Callable, *args: Any) -> None:
    """Raises if ``TraceMeanField_ELBO`` would estimate a KL term by Monte Carlo.

    That ELBO falls back to sampling without a word: for a pair of laws without a
    registered KL, an event dimension or a mask on one side only, an auxiliary site.
    This runs the guide and the model once, as the ELBO does, and checks every latent
    site. The random state is left as it was; parameters are initialized.

    Args:
        model: the model, as given to ``SVI``.
        guide: the guide, as given to ``SVI``.
        args: what both are called with.

    Raises:
        AssertionError: naming the first site without a closed form, and the reason.
    """
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        guide_trace = trace(guide).get_trace(*args)
        model_trace = trace(replay(model, trace=guide_trace)).get_trace(*args)
    for name, site in prune_subsample_sites(guide_trace).nodes.items():
        if site["type"] == "sample" and not site["is_observed"]:
            reason = _why_not_analytic(site, model_trace.nodes.get(name))
            if reason:
                raise AssertionError(
                    f"site '{name}' has no analytic KL, its term would be estimated "
                    f"by Monte Carlo: {reason}"
                )


def _why_not_analytic(guide_site: dict, model_site: dict | None) -> str | None:
    if model_site is None:
        return "it is auxiliary, only the guide has it"
    q, p = guide_site["fn"], model_site["fn"]
    try:
        kl_divergence(q, p)
    except NotImplementedError as error:
        return str(error) or f"no KL between {_describe(q)} and {_describe(p)}"
    return None


def _describe(law: Any) -> str:
    """A law by its class and what it wraps: ``Independent of IGR with event_dim 2``."""
    name, inner = type(law).__name__, law
    while type(inner).__name__ in ("Independent", "MaskedDistribution"):
        inner = inner.base_dist
        name += f" of {type(inner).__name__}"
    return f"{name} with event_dim {law.event_dim}"
