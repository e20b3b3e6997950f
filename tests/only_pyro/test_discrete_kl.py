"""TraceDiscreteKL_ELBO in Pyro: the exact KL, in plates, and the degenerate scale."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import infer, poutine
from pyro_families import fresh_host as fresh_host
from torch.distributions import constraints, kl_divergence

from pyro_igr import (
    IGR,
    ExpIGR,
    IGRStickBreaking,
    IGRStraightThrough,
    TraceDiscreteKL_ELBO,
    discretize,
)

N, K = 6, 4
TAU = torch.tensor(0.5)
PARAMETERS = torch.linspace(-1, 1, N * K).reshape(N, K)


def gumbel(cls):
    return lambda x: cls(TAU, logits=x)


GUMBEL = gumbel(dist.RelaxedOneHotCategorical)
GUIDES = {
    "igr": lambda x: IGR(TAU, x[..., 1:], 0.7),
    "sticks": lambda x: IGRStickBreaking(TAU, x[..., 1:], 0.7),
    "straight_through": lambda x: IGRStraightThrough(TAU, x[..., 1:], 0.7),
    "gumbel": GUMBEL,
    "gumbel_straight_through": gumbel(dist.RelaxedOneHotCategoricalStraightThrough),
}
PRIORS = {
    "same_family": lambda name: GUIDES[name](torch.linspace(0, 1, K)),
    "one_hot": lambda name: dist.OneHotCategorical(logits=torch.linspace(0, 1, K)),
}

SAME_FAMILY = [("sticks", "same_family"), ("gumbel", "same_family")]


def problem(make_guide, prior, size=3):
    def model():
        with pyro.plate("data", N, subsample_size=size), poutine.scale(scale=0.5):
            z = pyro.sample("z", prior)
            with poutine.mask(mask=torch.tensor([True, False, True] * 2)[:size]):
                pyro.sample("c", prior)
            pyro.sample("x", dist.Normal(z.sum(-1), 1.0), obs=torch.ones(size))

    def guide():
        with pyro.plate("data", N, subsample_size=size) as i, poutine.scale(scale=0.5):
            pyro.sample("z", make_guide(PARAMETERS[i]))
            with poutine.mask(mask=torch.tensor([True, False, True] * 2)[:size]):
                pyro.sample("c", make_guide(PARAMETERS[i]))

    return model, guide


def discrete_of(law):
    return dist.OneHotCategorical(probs=law.probs)


@pytest.mark.parametrize(
    ("name", "prior"), [*((name, "one_hot") for name in GUIDES), *SAME_FAMILY]
)
def test_the_loss_is_the_likelihood_minus_the_exact_discrete_kl(name, prior):
    prior = PRIORS[prior](name)
    model, guide = problem(GUIDES[name], prior)
    torch.manual_seed(0)
    i = poutine.trace(guide).get_trace().nodes["data"]["value"]
    torch.manual_seed(0)
    loss = TraceDiscreteKL_ELBO().loss(model, guide)
    kl = kl_divergence(discrete_of(GUIDES[name](PARAMETERS)), discrete_of(prior))
    log_x = 3 * dist.Normal(1.0, 1.0).log_prob(torch.tensor(1.0))
    expected = 0.5 * N / 3 * (kl[i].sum() + kl[i[[0, 2]]].sum() - log_x)
    assert loss == pytest.approx(expected.item(), rel=1e-5)


@pytest.mark.parametrize("name", ["igr", "gumbel"])
def test_vectorized_particles_keep_the_exact_kl(name):
    prior = PRIORS["same_family"](name)
    model, guide = problem(GUIDES[name], prior, size=N)
    losses = []
    for engine in (
        TraceDiscreteKL_ELBO(),
        TraceDiscreteKL_ELBO(3, vectorize_particles=True, max_plate_nesting=1),
    ):
        losses.append(engine.loss(model, guide))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_samples_in_the_likelihood_stay_relaxed():
    model, guide = problem(GUIDES["igr"], PRIORS["one_hot"]("igr"))
    engine = TraceDiscreteKL_ELBO()
    for _, trace in engine._get_traces(model, guide, (), {}):
        z = trace.nodes["z"]["value"]
    assert ((z > 0) & (z < 1)).all()


def test_a_site_without_a_discrete_distribution_is_as_in_the_mean_field_engine():
    def model():
        pyro.sample("z", dist.Normal(0.0, 1.0))
        pyro.sample("c", GUMBEL(torch.zeros(K)))

    def guide():
        pyro.sample("z", dist.Normal(1.0, 2.0))
        pyro.sample("c", GUMBEL(torch.zeros(K)))

    expected = kl_divergence(dist.Normal(1.0, 2.0), dist.Normal(0.0, 1.0))
    assert TraceDiscreteKL_ELBO().loss(model, guide) == pytest.approx(expected.item())


def test_a_prior_without_a_discrete_distribution_is_one_clear_error():
    model, guide = problem(GUIDES["igr"], dist.Dirichlet(torch.ones(K)))
    with pytest.raises(ValueError, match="behind it at site 'z' .* got Dirichlet"):
        TraceDiscreteKL_ELBO().loss(model, guide)


def test_a_logarithm_in_the_guide_only_is_one_clear_error():
    def exp_igr(x):
        return ExpIGR(TAU, x[..., 1:], 0.7)

    model, guide = problem(exp_igr, PRIORS["same_family"]("igr"))
    with pytest.raises(ValueError, match="value of site 'z' .* got ExpIGR and IGR"):
        TraceDiscreteKL_ELBO().loss(model, guide)


def test_another_number_of_categories_is_one_clear_error():
    prior = dist.OneHotCategorical(logits=torch.zeros(K + 1))
    model, guide = problem(GUIDES["igr"], prior)
    with pytest.raises(ValueError, match=f"{K} categories .* 'z' .* got {K + 1}"):
        TraceDiscreteKL_ELBO().loss(model, guide)


POINTS = torch.rand(12, 2, generator=torch.Generator().manual_seed(0)) * 4 - 2


def clusters(is_free):
    """Points between which no discrete code can interpolate, and their guide."""
    prior = IGRStickBreaking(0.5, torch.zeros(2), torch.ones(2))

    def model():
        corners = pyro.param("corners", torch.eye(3, 2))
        with pyro.plate("data", len(POINTS)):
            z = pyro.sample("z", prior)
            x = dist.Normal(z @ corners, 0.2).to_event(1)
            pyro.sample("x", x, obs=POINTS)

    def guide():
        loc = pyro.param("loc", torch.zeros(len(POINTS), 2))
        scale = torch.ones(len(POINTS), 2)
        if is_free:
            scale = pyro.param("scale", scale, constraint=constraints.positive)
        with pyro.plate("data", len(POINTS)):
            pyro.sample("z", IGRStickBreaking(0.5, loc, scale))

    return model, guide


def train(is_free):
    """The loss, and that of the discrete model, after training; and the scales."""
    pyro.clear_param_store()
    model, guide = clusters(is_free)
    svi = infer.SVI(model, guide, pyro.optim.Adam({"lr": 0.1}), TraceDiscreteKL_ELBO())
    losses = [svi.step() for _ in range(400)]
    discrete = infer.Trace_ELBO(200, vectorize_particles=True, max_plate_nesting=1)
    loss = discrete.loss(discretize(model), discretize(guide))
    return sum(losses[-50:]) / 50, loss, poutine.trace(guide).get_trace()


def test_a_free_scale_degenerates_with_a_warning_and_a_fixed_one_cures_it():
    with pytest.warns(UserWarning, match="scale of the guide at site 'z' is learned"):
        free, free_discrete, trace = train(is_free=True)
    fixed, fixed_discrete, _ = train(is_free=False)
    assert trace.nodes["scale"]["value"].median() < 0.3
    assert free < fixed - 20
    assert free_discrete > free + 100
    assert fixed_discrete < free_discrete - 80


def test_the_warning_comes_once_and_only_with_parameters():
    model, guide = clusters(is_free=True)
    engine = TraceDiscreteKL_ELBO(num_particles=2)
    with torch.no_grad():
        engine.loss(model, guide)
    with pytest.warns(UserWarning, match="is learned"):
        engine.loss(model, guide)
    engine.loss(model, guide)


def test_a_probability_of_the_prior_that_underflows_has_its_logarithm():
    q, p = (
        IGRStickBreaking(TAU, torch.tensor([loc, 0.3, 0.0]), torch.ones(3))
        for loc in (-0.2, -20.0)
    )
    found = TraceDiscreteKL_ELBO().loss(
        lambda: pyro.sample("z", p), lambda: pyro.sample("z", q)
    )
    assert p.probs[0] == 0
    expected = (q.probs * (q.logits - p.logits)).sum()
    assert found == pytest.approx(expected.item(), rel=1e-5)
