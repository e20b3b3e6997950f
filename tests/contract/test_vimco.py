"""TraceVIMCO_ELBO: the gradient of the importance-weighted bound, enumerated."""

from contextlib import nullcontext
from functools import partial

import numpy as np
import pytest

COPIES, SIZE, SCALE = 300, 3, 0.5
START = {
    "guide": np.array([0.5, -1.0, 0.3]),
    "prior": np.array([-0.3, 0.4, 0.1]),
    "decoder": np.array([-1.0, 0.4, 1.5]),
}
SETS = np.indices((3,) * SIZE).reshape(SIZE, -1)


MASK = np.arange(COPIES) % 3 > 0


def pair(host, scale=SCALE, of_guide=SCALE, mask=MASK):
    """A model and a guide of copies of a variable, some of which do not count."""
    mask, of_guide_too = host.mask(mask), host.mask(MASK)  # outside, known under jit

    def param(name):
        return host.param(name, host.array(START[name]))

    def model():
        scaled = nullcontext() if scale is None else host.scale(scale)
        with host.plate("copies", COPIES), scaled, mask:
            z = host.sample("z", host.one_hot(logits=param("prior")))
            x = host.dist.Normal(z @ param("decoder"), 1.0)
            host.sample("x", x, obs=host.array(np.full(COPIES, 2.0)))

    def guide():
        with host.plate("copies", COPIES), host.scale(of_guide), of_guide_too:
            logits = param("guide")
            host.sample("z", host.gumbel(host.array(0.5), logits))

    return model, guide


def enumerated(host):
    """The loss and its gradients, over all that three draws can be."""

    def loss(p):
        log_x = -((2.0 - p["decoder"]) ** 2) / 2 - np.log(2 * np.pi) / 2
        log_q = host.log_softmax(p["guide"])
        log_w = log_x + host.log_softmax(p["prior"]) - log_q
        probs = host.exp(log_q[SETS].sum(0))
        bounds = host.log(host.exp(log_w[SETS]).sum(0) / SIZE)
        return -SCALE * MASK.sum() * (probs * bounds).sum()

    return host.exact(loss, START)


def test_its_mean_is_the_enumerated_bound_and_its_gradient(host):
    engine = host.igr.TraceVIMCO_ELBO(SIZE, num_particles=2)
    found = host.estimates(engine, *pair(host), START, 50)
    for name, expected in enumerated(host).items():
        error = found[name].std(0) / 50**0.5
        assert (abs(found[name].mean(0) - expected) < 4 * error).all(), name
        assert np.abs(expected).max() > 40 * error.max(), name


def of_each_set():
    """The loss of every set, and its gradient in the guide (eq. 7 to 9)."""
    log_q, log_prior = (
        x - np.logaddexp.reduce(x) for x in (START["guide"], START["prior"])
    )
    log_x = -((2.0 - START["decoder"]) ** 2) / 2 - np.log(2 * np.pi) / 2
    log_w = (log_x + log_prior - log_q)[SETS]
    without = [np.delete(log_w, s, 0) for s in range(SIZE)]
    baselines = [np.logaddexp.reduce([*x, x.mean(0)], 0) for x in without]
    bound = np.logaddexp.reduce(log_w, 0)
    scores = np.eye(3)[SETS] - np.exp(log_q)
    weights = bound - baselines - np.exp(log_w - bound)
    slopes = (weights[..., None] * scores).sum(0)
    return -SCALE * np.column_stack([bound - np.log(SIZE), slopes])


def test_every_sample_has_a_baseline_from_the_others(host):
    def model():
        with host.scale(SCALE):
            z = host.sample("z", host.one_hot(logits=host.array(START["prior"])))
            x = host.dist.Normal(z @ host.array(START["decoder"]), 1.0)
            host.sample("x", x, obs=host.array(2.0))

    def guide():
        with host.scale(SCALE):
            logits = host.param("guide", host.array(START["guide"]))
            host.sample("z", host.one_hot(logits=logits))

    engine, start = host.igr.TraceVIMCO_ELBO(SIZE), {"guide": START["guide"]}
    found = host.estimates(engine, model, guide, start, 30)
    rows = np.column_stack([found["loss"], found["guide"]])
    distances = abs(rows[:, None] - of_each_set()).max(-1)
    assert distances.min(1).max() < 1e-6
    assert len({*distances.argmin(1)}) > 5


@pytest.mark.parametrize("scale", [0.25, None])
def test_scales_that_differ_are_refused_by_site(host, scale):
    with pytest.raises(ValueError, match="differs at site '.'"):
        host.attempt(host.igr.TraceVIMCO_ELBO(SIZE), *pair(host, scale), START)


def test_an_array_of_scales_is_refused_by_site(host):
    scale = host.array(np.full(COPIES, SCALE))
    with pytest.raises(ValueError, match="differs at site 'z'"):
        host.attempt(host.igr.TraceVIMCO_ELBO(SIZE), *pair(host, scale, scale), START)


@pytest.mark.parametrize("mask", [True, False, ~MASK], ids=["none", "all", "others"])
def test_masks_that_differ_are_refused_by_site(host, mask):
    """A prior that does not count, for one, would leave weights that are too high."""
    programs = pair(host, mask=mask)
    with pytest.raises(ValueError, match="'z' has another mask in the model than in"):
        host.attempt(host.igr.TraceVIMCO_ELBO(SIZE), *programs, START)


@pytest.mark.filterwarnings("ignore:Found non-auxiliary vars in guide:UserWarning")
def test_a_guide_of_an_observation_is_refused_by_site(host):
    """Its weights would lack a density of what it draws."""

    def model():
        host.sample("z", host.one_hot(host.array([0.5, 0.5])), obs=host.array([0, 1.0]))

    def guide():
        host.sample("z", host.one_hot(host.array([0.5, 0.5])))

    with pytest.raises(ValueError, match="'z' has .*, or counts in only one of both"):
        host.attempt(host.igr.TraceVIMCO_ELBO(SIZE), model, guide)


def test_a_sample_without_others_is_refused(host):
    with pytest.raises(ValueError, match="num_samples to be at least 2"):
        host.igr.TraceVIMCO_ELBO(1)


LOCS, X = np.array([-1.0, 1.0]), 1.0


def mixture(host, *, dependent):
    """A category, a number around its mean, and a guide that is the prior."""

    def number(z):
        return host.sample("u", host.dist.Normal(z @ host.array(LOCS), host.array(1.0)))

    def category():
        return host.sample("z", host.one_hot(host.array([0.5, 0.5])))

    def model():
        u = number(category())
        host.sample("x", host.dist.Normal(u, 0.5), obs=host.array(X))

    def guide():
        z = category()
        number(z if dependent else host.array([0.5, 0.5]))

    return model, guide


@pytest.mark.parametrize("dependent", [True, False])
def test_numbers_that_depend_on_a_category_are_drawn_with_each(host, dependent):
    """The bound tends to the evidence, or to that given the one number."""
    make = partial(host.igr.TraceVIMCO_ELBO, 200)
    losses = host.losses(make, *mixture(host, dependent=dependent))
    error = 0.01 + 4 * losses.std() / len(losses) ** 0.5
    expected, other = (limit(dependent=x) for x in (dependent, not dependent))
    assert abs(losses.mean() - expected) < error < abs(expected - other) / 2


def limit(*, dependent):
    var = 1.25
    if dependent:
        log_x = -((X - LOCS) ** 2) / (2 * var) - np.log(2 * np.pi * var) / 2
        return -np.logaddexp(*log_x) + np.log(2)
    u = np.linspace(-9, 9, 20_001)
    log_u = [-((u - loc) ** 2) / 2 - np.log(2 * np.pi) / 2 for loc in LOCS]
    log_x = -((X - u) ** 2) / 0.5 - np.log(2 * np.pi / 4) / 2
    log_q = -(u**2) / 2 - np.log(2 * np.pi) / 2
    log_w = np.logaddexp(*log_u) - np.log(2) + log_x - log_q
    return -(np.exp(log_q) * log_w).sum() * (u[1] - u[0])
