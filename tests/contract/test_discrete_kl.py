"""TraceDiscreteKL_ELBO: the exact KL, in plates, and the scale that degenerates."""

import numpy as np
import pytest
from scipy.stats import norm

N, K, TAU = 6, 4, 0.5
PARAMETERS = np.linspace(-1, 1, N * K, dtype=np.float32).reshape(N, K)
UNEVEN = np.linspace(0, 1, K, dtype=np.float32)
MASK = np.array([True, False, True])
FAMILIES = {
    "igr": "IGR",
    "sticks": "IGRStickBreaking",
    "straight": "IGRStraightThrough",
}


@pytest.fixture(autouse=True)
def single_precision(host):
    with host.single_precision():
        yield


def member(host, name, x):
    """The distribution of a guide; its parameters have an entry for each category."""
    if name in FAMILIES:
        return getattr(host.igr, FAMILIES[name])(TAU, x[..., 1:], 0.7)
    tau = host.array(np.float32(TAU))
    if name == "reinmax":
        return host.igr.OneHotCategoricalReinMax(tau, logits=x)
    make = host.gumbel if name == "gumbel" else host.gumbel_straight_through
    return make(tau, x)


def uniform(host, size=K):
    return host.one_hot(logits=host.array(np.zeros(size, np.float32)))


def pair(host, make, prior):
    def data():
        return host.plate("data", N, subsample_size=3)

    def model():
        with data(), host.scale(0.5):
            z = host.sample("z", prior)
            with host.mask(MASK):
                host.sample("c", prior)
            ones = host.array(np.ones(3, np.float32))
            host.sample("x", host.dist.Normal(z.sum(-1), 1.0), obs=ones)

    def guide():
        with data() as i, host.scale(0.5):
            law = make(host.array(PARAMETERS)[i])
            host.sample("z", law)
            with host.mask(MASK):
                host.sample("c", law)

    return model, guide


GUIDES = [*FAMILIES, "gumbel", "gumbel_straight_through", "reinmax"]
CASES = [*((name, "one_hot") for name in GUIDES)]
CASES += [(name, "same_family") for name in ("sticks", "gumbel", "reinmax")]


@pytest.mark.parametrize(("name", "prior"), CASES)
def test_the_loss_is_the_likelihood_minus_the_exact_discrete_kl(
    backend, host, name, prior
):
    uneven = host.array(UNEVEN)
    one_hot = prior == "one_hot"
    prior = host.one_hot(logits=uneven) if one_hot else member(host, name, uneven)
    model, guide = pair(host, lambda x: member(host, name, x), prior)
    loss = host.loss_once(host.igr.TraceDiscreteKL_ELBO(), model, guide)
    i = host.indices(guide, "data")
    q = np.asarray(member(host, name, host.array(PARAMETERS)).probs)
    p = np.asarray(prior.probs)
    kl = (q * (np.log(q) - np.log(p))).sum(-1)
    expected = kl[i].sum() + kl[i[MASK]].sum() - 3 * norm.logpdf(0)
    assert loss == pytest.approx(0.5 * N / 3 * expected, rel=1e-5)


WEIGHED = {
    "scale": (lambda host: host.scale(2.0), 2),
    "mask": (lambda host: host.mask(False), 0),
}


@pytest.mark.parametrize(("enter", "factor"), WEIGHED.values(), ids=WEIGHED)
def test_a_continuous_prior_weighed_otherwise_counts_by_densities(host, enter, factor):
    """The host's KL would have the weight of the guide."""
    zero, q = host.array(np.float32(0)), norm(0.5, 0.8)

    def model():
        with enter(host):
            host.sample("u", host.dist.Normal(zero, 1.0))

    def guide():
        host.sample("u", host.dist.Normal(zero + 0.5, 0.8))

    losses = host.losses(host.igr.TraceDiscreteKL_ELBO, model, guide, nesting=0)
    error = losses.std(ddof=1) / len(losses) ** 0.5
    mean_log_prior = -(0.5**2 + 0.8**2 + np.log(2 * np.pi)) / 2
    expected = -q.entropy() - factor * mean_log_prior
    assert abs(losses.mean() - expected) < 5 * error < 0.5


def test_samples_in_the_likelihood_stay_relaxed(host):
    seen = []

    def model():
        seen.append(host.sample("z", uniform(host)))

    def guide():
        host.sample("z", member(host, "sticks", host.array(UNEVEN)))

    host.loss(host.igr.TraceDiscreteKL_ELBO(), model, guide)
    assert ((seen[-1] > 0) & (seen[-1] < 1)).all()


def test_a_site_without_a_discrete_distribution_is_as_in_the_mean_field_engine(host):
    zeros, one = host.array(np.zeros(K, np.float32)), host.array(np.float32(1))

    def program(loc, scale):
        host.sample("z", host.dist.Normal(loc, scale))
        host.sample("c", member(host, "gumbel", zeros))

    programs = (lambda: program(0 * one, one)), (lambda: program(one, 2 * one))
    loss = host.loss_once(host.igr.TraceDiscreteKL_ELBO(), *programs)
    assert loss == pytest.approx((4 + 1 - 1) / 2 - np.log(2))


REFUSED = {
    "prior": (
        "igr",
        lambda host: host.dist.Dirichlet(host.array(np.ones(K, np.float32))),
        "one-hot distribution at site 'z' .* got Dirichlet",
    ),
    "logarithm": (
        "exp_igr",
        lambda host: member(host, "igr", host.array(UNEVEN)),
        "value of site 'z' .* got ExpIGR and IGR",
    ),
    "categories": (
        "igr",
        lambda host: uniform(host, K + 1),
        f"{K} categories .* 'z' .* got {K + 1}",
    ),
}


@pytest.mark.parametrize(("name", "prior", "match"), REFUSED.values(), ids=REFUSED)
def test_sites_that_do_not_fit_are_one_clear_error(host, name, prior, match):
    def make(x):
        if name == "exp_igr":
            return host.igr.ExpIGR(TAU, x[..., 1:], 0.7)
        return member(host, name, x)

    engine = host.igr.TraceDiscreteKL_ELBO()
    with pytest.raises(ValueError, match=match):
        host.attempt(engine, *pair(host, make, prior(host)))


@pytest.mark.parametrize(
    ("objective", "args"),
    [("TraceDiscreteKL_ELBO", ()), ("TraceDiscreteIWAE_ELBO", (2,))],
)
@pytest.mark.parametrize("guide", ["AutoNormal", "AutoIGR"])
def test_a_continuous_guide_of_a_relaxed_site_is_refused(
    host, guides, guide, objective, args
):
    def model():
        host.sample("z", host.gumbel(TAU, host.array(UNEVEN)))

    auto = host.igr.AutoIGR if guide == "AutoIGR" else guides.AutoNormal
    given = (model, TAU) if guide == "AutoIGR" else (model,)
    engine = getattr(host.igr, objective)(*args)
    with pytest.raises(ValueError, match="site 'z' is one-hot .* continuous in the gu"):
        host.attempt(engine, model, auto(*given))


def test_a_site_of_the_guide_without_a_pathwise_gradient_is_refused(host):
    engine = host.igr.TraceDiscreteKL_ELBO()
    match = "reparameterized distribution at site 'z' .* got OneHotCategorical"
    with pytest.raises(ValueError, match=match):
        host.attempt(
            engine, *pair(host, lambda x: host.one_hot(logits=x), uniform(host))
        )


@pytest.mark.parametrize("name", ["TraceDiscreteKL_ELBO", "TraceDiscreteIWAE_ELBO"])
def test_a_pair_with_a_one_hot_prior_trains_without_a_warning(host, name):
    def guide():
        x = host.param("x", host.array(UNEVEN))
        host.sample("z", member(host, "gumbel", x))

    def model():
        host.sample("z", uniform(host))

    engine = getattr(host.igr, name)(*([2] if name.endswith("IWAE_ELBO") else []))
    _, start, end = host.fit(engine, model, guide, 2)
    assert (start["x"] != end["x"]).any()


POINTS = np.random.default_rng(0).uniform(-2, 2, (12, 2)).astype(np.float32)
START = {
    "corners": np.eye(3, 2, dtype=np.float32),
    "loc": np.zeros((len(POINTS), 2), np.float32),
    "scale": np.ones((len(POINTS), 2), np.float32),
}


def clusters(host, is_free):
    """Points between which no discrete code can interpolate, and their guide."""
    family, points = host.igr.IGRStickBreaking, host.array(POINTS)
    start = {name: host.array(x) for name, x in START.items()}
    prior = family(0.5, start["loc"][0], start["scale"][0])

    def model():
        corners = host.param("corners", start["corners"])
        with host.plate("data", len(POINTS)):
            z = host.sample("z", prior)
            host.sample("x", host.dist.Normal(z @ corners, 0.2).to_event(1), obs=points)

    def guide():
        loc, scale = host.param("loc", start["loc"]), start["scale"]
        if is_free:
            scale = host.param("scale", scale, constraint=host.positive)
        with host.plate("data", len(POINTS)):
            host.sample("z", family(0.5, loc, scale))

    return model, guide


def train(host, is_free):
    """The loss, and that of the discrete model, after training; and the parameters."""
    programs = clusters(host, is_free)
    losses, _, after = host.fit(host.igr.TraceDiscreteKL_ELBO(), *programs, 200)
    discrete = map(host.igr.discretize, programs)
    with host.given(after):
        loss = host.loss_once(host.VECTORIZED_TRACE(200), *discrete)
    return losses[-50:].mean(), loss, after


def test_a_free_scale_degenerates_with_a_warning_and_a_fixed_one_cures_it(host):
    with pytest.warns(UserWarning, match="scale of the guide at site 'z' is learned"):
        free, free_discrete, parameters = train(host, is_free=True)
    fixed, fixed_discrete, _ = train(host, is_free=False)
    assert np.median(parameters["scale"]) < 0.3
    assert free < fixed - 20
    assert free_discrete > free + 100
    assert fixed_discrete < free_discrete - 80


def test_the_warning_comes_once_and_only_where_the_scale_is_learned(host):
    engine = host.igr.TraceDiscreteKL_ELBO(num_particles=2)
    fixed = {name: x for name, x in START.items() if name != "scale"}
    host.attempt(engine, *clusters(host, is_free=False), fixed)
    free = clusters(host, is_free=True)
    remedies = "Fix the scale, or bound it from below and filter this warning"
    with pytest.warns(UserWarning, match=f"is learned.*{remedies}"):
        host.attempt(engine, *free, START)
    host.attempt(engine, *free, START)


def test_a_probability_of_the_prior_that_underflows_has_its_logarithm(host):
    q, p = (
        host.igr.IGRStickBreaking(
            TAU, host.array(np.float32([loc, 0.3, 0])), host.array(np.ones(3, "f4"))
        )
        for loc in (-0.2, -20.0)
    )
    engine = host.igr.TraceDiscreteKL_ELBO()
    found = host.loss_once(
        engine, *(lambda law=law: host.sample("z", law) for law in (p, q))
    )
    assert p.probs[0] == 0
    expected = (q.probs * (q.logits - p.logits)).sum()
    assert found == pytest.approx(float(expected), rel=1e-5)
