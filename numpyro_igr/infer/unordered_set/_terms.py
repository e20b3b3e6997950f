"""The terms of an ELBO at given one-hot values."""

from jax import Array, lax

from numpyro_igr.infer._sites import check_reparameterized, is_one_hot

Trace = dict[str, dict]


def terms(model_trace: Trace, guide_trace: Trace) -> dict[tuple[str, str], Array]:
    """What adds up to the ELBO, without the score of one-hot sites.

    Args:
        model_trace: of the model.
        guide_trace: of the guide.
    """
    found = {}
    for name, site in model_trace.items():
        if site["type"] == "sample":
            found["model", name] = site["log_prob"]
    for name, site in guide_trace.items():
        if site["type"] == "sample":
            check_reparameterized(site)
            log_q = site["log_prob"]
            log_q = lax.stop_gradient(log_q) if is_one_hot(site) else log_q
            found["guide", name] = -log_q
    return found
