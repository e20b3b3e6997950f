"""The terms of an ELBO at given one-hot values."""

from collections.abc import Callable, Set

from jax import Array, lax, random
from numpyro.handlers import substitute

from numpyro_igr._host import Messenger
from numpyro_igr.distributions.recovering import innermost
from numpyro_igr.infer._joint_values import joint_log_probs
from numpyro_igr.infer._sites import check_reparameterized, is_one_hot, one_hot_sites
from numpyro_igr.infer.unordered_set._draws import DrawMessenger

Trace = dict[str, dict]


def terms(
    model_trace: Trace, guide_trace: Trace, *, with_score: bool = False
) -> dict[tuple[str, str], Array]:
    """What adds up to the ELBO, without the score of one-hot sites.

    Args:
        model_trace: of the model.
        guide_trace: of the guide.
        with_score: whether they have the score of one-hot sites all the same.
    """
    found = {}
    for name, site in model_trace.items():
        if site["type"] == "sample":
            found["model", name] = site["log_prob"]
    for name, site in guide_trace.items():
        if site["type"] == "sample":
            check_reparameterized(site)
            log_q = site["log_prob"]
            is_fixed = is_one_hot(site) and not with_score
            log_q = lax.stop_gradient(log_q) if is_fixed else log_q
            found["guide", name] = -log_q
    return found


def with_noise(run: Callable, key: Array, names: Set[str]) -> Callable:
    """The same of a handler, with draws at some sites by a key of their own.

    Args:
        run: of a handler, to traces of model and guide.
        key: the random key.
        names: of those sites.
    """
    return lambda handler: run(lambda fn: handler(_NoiseMessenger(fn, key, names)))


def draw(run: Callable, key: Array) -> dict[str, Array]:
    """Values of the one-hot sites, with their key.

    Args:
        run: of a handler, to traces of model and guide.
        key: the random key.
    """
    _, trace = run(DrawMessenger(key))
    return {name: site["value"] for name, site in one_hot_sites(trace).items()}


def evaluate(
    run: Callable, values: dict[str, Array], *, with_score: bool = False
) -> dict[str, dict]:
    """What adds up to the ELBO at one-hot values; and those sites.

    Args:
        run: of a handler, to traces of model and guide.
        values: of the one-hot sites.
        with_score: whether the terms have that of these sites.
    """
    model_trace, guide_trace = run(substitute(data=values))
    one_hot = one_hot_sites(guide_trace).items()
    log_q = {name: joint_log_probs(site) for name, site in one_hot}
    logits = {name: innermost(site["fn"]).logits for name, site in one_hot}
    found = terms(model_trace, guide_trace, with_score=with_score)
    return {"terms": found, "log_q": log_q, "logits": logits}


def dependents(traces: tuple[Trace, Trace], causes: dict) -> list[dict]:
    """The sites whose terms depend on one-hot values.

    Args:
        traces: of the model and the guide.
        causes: of their terms.
    """
    by_name = dict(zip(("model", "guide"), traces, strict=True))
    return [by_name[key][name] for (key, name), found in causes.items() if found]


class _NoiseMessenger(Messenger):
    """Draws sites by a key that is another for each sample, in place of their own."""

    def __init__(self, fn: Callable, key: Array, names: Set[str]) -> None:
        super().__init__(fn)
        self.key, self.names = key, names

    def process_message(self, msg: dict) -> None:
        if msg["type"] == "sample" and msg["name"] in self.names:
            self.key, msg["kwargs"]["rng_key"] = random.split(self.key)
