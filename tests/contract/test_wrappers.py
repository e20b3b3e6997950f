"""Every objective counts what a host wraps around a site, or refuses it by name."""

from functools import cache

import numpy as np
import pytest
from scipy.special import logsumexp, softmax
from scipy.stats import norm
from wrappers import CENTRES, KEPT, LABELS, LOGITS, WRAPPERS, Wrapper, X

NUM_DRAWS = 20_000
DISCRETE_KL, STL = "discrete KL", "sticking the landing"
IWAE = "discrete IWAE of two samples"
ENGINES = {
    "Trace_ELBO": ("relaxed", lambda host: host.TRACE),
    STL: ("relaxed", lambda host: host.igr.TraceSTL_ELBO),
    DISCRETE_KL: ("mixed", lambda host: host.igr.TraceDiscreteKL_ELBO),
    IWAE: ("weighted", lambda host: _weighted(host)),
    "Trace_ELBO, discretized": ("discrete", lambda host: host.TRACE),
    "RELAX": ("discrete", lambda host: host.igr.TraceRELAX_ELBO),
    "unordered set": ("discrete", lambda host: _set_of_two(host)),
}
BOTH_MASKS = "mask and law.mask"
FLAGGED = {
    "to_event of the guide",
    "law.mask of a foreign prior",
    "law.mask of the guide",
    "law.mask of the model",
    "other law.mask",
    "mask of the guide",
    "mask of the model",
    "other mask",
    BOTH_MASKS,
    "mask(False) of the model",
    "scale of the guide",
    "scale of the model",
    "obs_mask of the model",
}
# Wrappers of the same shapes, for engines whose operations jax is slow to compile.
FEW = {
    "none",
    "law.mask of the guide",
    "mask of the model",
    "mask(False)",
    "scale of the guide",
    "obs_mask",
}
every_wrapper = pytest.mark.parametrize("name", WRAPPERS)


def _set_of_two(host):
    return lambda **options: host.igr.TraceUnorderedSet_ELBO(2, **options)


def _weighted(host):
    return lambda **options: host.igr.TraceDiscreteIWAE_ELBO(2, **options)


def sticks(law):
    """The shares of categories, by the distribution function of the Gaussians."""
    stick = norm.cdf(np.asarray(law.loc) / np.asarray(law.scale))
    stick = np.concatenate([stick, np.ones_like(stick[..., :1])], -1)
    rest = np.cumprod(1 - stick, -1)
    return stick * np.concatenate([np.ones_like(rest[..., :1]), rest[..., :-1]], -1)


def probs(host, law):
    if isinstance(law, host.igr.IGR):
        return np.asarray(law.probs)
    if isinstance(law, host.igr.IGRStickBreaking):
        return np.broadcast_to(sticks(law), (2, 3))
    return softmax(LOGITS, -1)


@cache
def unwrapped(host, parameters):
    """Samples of the guide; of model and guide log densities there, and probabilities.

    And what the model says of the labels.
    """
    pair = [Wrapper(parameters=parameters).base(host, side) for side in (True, False)]
    z = host.draw(pair[1].expand((2,)), NUM_DRAWS)
    densities = [np.asarray(law.log_prob(z)) for law in pair]
    of_labels = np.asarray(pair[0].log_prob(host.array(LABELS)))
    return np.asarray(z), densities, [probs(host, law) for law in pair], of_labels


@cache
def elbos(host, name):
    """Samples of the ELBO of the relaxed pair, of the discrete one, and of both."""
    wrapper = WRAPPERS[name]
    z, (log_p, log_q), (p_k, q_k), of_labels = unwrapped(host, wrapper.parameters)
    in_model, in_guide = (np.broadcast_to(w, 2) for w in wrapper.weights)
    relaxed = in_model * log_p - in_guide * log_q
    discrete = in_model[:, None] * np.log(p_k) - in_guide[:, None] * np.log(q_k)
    known = KEPT & wrapper.known
    constant = (known * of_labels).sum()
    likelihood = norm.logpdf(X, np.where(known[:, None], LABELS, z) @ CENTRES)
    by_category = norm.logpdf(
        X[:, None], np.where(known[:, None], LABELS @ CENTRES[:, None], CENTRES)
    )
    w, prior = wrapper.likelihood, (q_k * discrete).sum()
    weights = w * likelihood + (z * discrete).sum(-1)
    joint = wrapper.event or not wrapper.plates[0]
    weights = weights.sum(-1, keepdims=True) if joint else weights
    pairs = weights.reshape(2, NUM_DRAWS // 2, -1)
    of_two = w * (logsumexp(pairs / w, 0) - np.log(2))
    return {
        "relaxed": w * likelihood.sum(-1) + relaxed.sum(-1) + constant,
        "mixed": w * likelihood.sum(-1) + prior + constant,
        "weighted": of_two.sum(-1) + constant,
        "discrete": np.array([w * (q_k * by_category).sum() + prior + constant]),
    }


def assert_same_mean(losses, elbo):
    error = np.hypot(_standard_error(losses), _standard_error(elbo))
    np.testing.assert_allclose(losses.mean(), -elbo.mean(), atol=5 * error + 1e-5)


def _standard_error(x):
    return x.std(ddof=1) / len(x) ** 0.5 if len(x) > 1 else 0.0


def losses(host, engine, wrapper):
    pair = [wrapper.program(host, is_model) for is_model in (True, False)]
    if "discretized" in engine:
        pair = [host.igr.discretize(program) for program in pair]
    make = ENGINES[engine][1](host)
    options = {"nesting": wrapper.nesting, "vectorized": wrapper.vectorized}
    return host.losses(make, *pair, **options)


def refusal(engine, name):
    """What an engine has to say of a wrapper, None if it counts it."""
    wrapper = WRAPPERS[name]
    if name == "to_event of the guide":  # by the host
        return "event_dims disagree at site 'z'"
    if engine in (DISCRETE_KL, IWAE) and wrapper.is_one_sided:
        side = "guide" if "guide" in name else "model"
        return f"site '{wrapper.site}' has a mask in the {side} only"
    differ = not np.array_equal(*np.broadcast_arrays(*wrapper.weights))
    aspect = "scale" if "scale" in name else "mask"
    if differ and (engine == STL or (engine == IWAE and aspect == "mask")):
        return f"site '{wrapper.site}' has another {aspect} in the model"
    return None


@every_wrapper
def test_an_objective_counts_a_wrapper_or_names_site_and_wrapper(host, name):
    wrapper = WRAPPERS[name]
    expected = elbos(host, name)
    for engine, (kind, _) in ENGINES.items():
        if engine in host.DEAR and name not in FEW:
            continue
        said = refusal(engine, name)
        if said is None:
            assert_same_mean(losses(host, engine, wrapper), expected[kind])
        else:
            with pytest.raises(ValueError, match=said):
                losses(host, engine, wrapper)


@every_wrapper
def test_where_the_check_passes_the_mean_field_loss_is_the_elbo(host, name):
    wrapper = WRAPPERS[name]
    model, guide = (wrapper.program(host, is_model) for is_model in (True, False))
    if name in FLAGGED and not (name == BOTH_MASKS and host.MASKS_ARE_WRAPPERS):
        with pytest.raises(AssertionError, match=f"site '{wrapper.site}'"):
            host.igr.assert_analytic_kl(model, guide)
        return
    host.igr.assert_analytic_kl(model, guide)
    options = {"nesting": wrapper.nesting, "vectorized": wrapper.vectorized}
    found = host.losses(host.MEAN_FIELD, model, guide, **options)
    assert_same_mean(found, elbos(host, name)["relaxed"])
