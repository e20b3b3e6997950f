"""A latent site that the guide lacks, or draws from what misfits it, is refused."""

from functools import partial

import numpy as np
import pytest

ENGINES = {
    "discrete KL": lambda igr: igr.TraceDiscreteKL_ELBO(),
    "sticking the landing": lambda igr: igr.TraceSTL_ELBO(),
    "discrete IWAE": lambda igr: igr.TraceDiscreteIWAE_ELBO(2),
    "RELAX": lambda igr: igr.TraceRELAX_ELBO(control_variate=None),
    "unordered set": lambda igr: igr.TraceUnorderedSet_ELBO(2),
    "VIMCO": lambda igr: igr.TraceVIMCO_ELBO(2),
    "enumerated": lambda igr: igr.TraceEnumeratedDiscrete_ELBO(),
}


def try_engine(make, host, model, guide):
    host.attempt(make(host.igr), model, guide)


@pytest.mark.filterwarnings("ignore:The control variate is not trained")
@pytest.mark.parametrize("make", ENGINES.values(), ids=ENGINES)
def test_a_kept_site_is_not_drawn_where_the_guide_lacks_it(host, make):
    law = host.igr.IGRStickBreaking(0.5, host.array(np.zeros(2)), 1.0)
    kept = host.dist.Bernoulli(host.array(0.3))

    def guide():
        host.sample("z", law)

    def model():
        guide()
        host.sample("c", kept, infer={"enumerate": "parallel", "relax": False})

    with pytest.raises(ValueError, match="'c' is latent in .* lacks it.* TraceEnum"):
        try_engine(make, host, model, guide)


TRIES = {name: partial(try_engine, make) for name, make in ENGINES.items()}
TRIES["closed forms"] = lambda host, *pair: host.igr.assert_analytic_kl(*pair)
TRIES["weights"] = lambda host, *pair: host.log_weights(*pair, num_samples=2)


@pytest.mark.filterwarnings("ignore:The control variate is not trained")
@pytest.mark.parametrize("run", TRIES.values(), ids=TRIES)
def test_the_categories_of_both_are_named_before_the_model_goes_on(host, run):
    table = host.array(np.ones(3))

    def model():
        z = host.sample("z", host.one_hot(logits=table))
        mean = host.math.matmul(z, table)
        host.sample("x", host.dist.Normal(mean, 1.0), obs=host.array(0.0))

    def guide():  # a location for each category, as the logits of Gumbel-Softmax
        host.sample("z", host.igr.IGR(0.5, 0 * table, 1.0))

    match = "the 4 categories of the guide at site 'z' .* got 3: .* K-1 entries in loc"
    with pytest.raises(ValueError, match=match):
        run(host, model, guide)


@pytest.mark.filterwarnings("ignore:The control variate is not trained")
@pytest.mark.parametrize("run", TRIES.values(), ids=TRIES)
def test_a_model_of_integers_is_to_be_relaxed_as_its_guide_is(host, run):
    table = host.array(np.ones(3))

    def model():
        z = host.sample("z", host.dist.Categorical(table / 3))
        mean = host.igr.lookup(table, z)
        host.sample("x", host.dist.Normal(mean, 1.0), obs=host.array(0.0))

    def guide():
        host.sample("z", host.igr.IGR(0.5, table[1:], 1.0))

    with pytest.raises(ValueError, match=r"'z' is a Cat.* relax .* one_hot=\{'z'\}"):
        run(host, model, guide)


def test_it_is_summed_out_where_it_is_marked(host):
    law = host.igr.IGRStickBreaking(0.5, host.array(np.zeros(2)), 1.0)

    def guide():
        host.sample("z", law)

    def model():
        guide()
        c = host.sample("c", host.dist.Bernoulli(host.array(0.3)))
        host.factor("x", 2.0 * c)

    model = host.igr.relax(model, 0.5, keep={"c"})
    with pytest.raises(ValueError, match="mark it by config_enumerate, and sum it out"):
        host.attempt(host.igr.TraceDiscreteKL_ELBO(), model, guide)
    found = host.evidence(host.config_enumerate(model), guide)
    assert found == pytest.approx(np.log(0.7 + 0.3 * np.exp(2)), rel=1e-5)


def of_one_hot_prior(host, law):
    """A model of one-hot sites; the guide draws one from a law, the other relaxed."""
    prior = host.one_hot(probs=host.array(PROBS))

    def model():
        host.sample("z", prior)
        host.sample("c", prior)

    def guide():
        host.sample("z", law)
        host.sample("c", host.igr.IGR(0.5, host.array(np.zeros(2)), 1.0))

    return model, guide


PROBS = np.array([0.2, 0.3, 0.5])
CONTINUOUS = {
    "Dirichlet": (
        lambda host: host.dist.Dirichlet(host.array(PROBS)),
        "'z' is one-hot in the discrete model, .* a Dirichlet: give .* AutoIGR does so",
    ),
    "Delta": (
        lambda host: host.dist.Delta(host.array(PROBS), event_dim=1),
        "'z' is one-hot in .* Delta in the guide lies between .*: give .* one-hot vec",
    ),
}


@pytest.mark.filterwarnings("ignore:The control variate is not trained")
@pytest.mark.parametrize(("law", "match"), CONTINUOUS.values(), ids=CONTINUOUS)
@pytest.mark.parametrize("make", ENGINES.values(), ids=ENGINES)
def test_a_one_hot_site_is_not_drawn_between_the_categories(host, make, law, match):
    with pytest.raises(ValueError, match=match):
        host.attempt(make(host.igr), *of_one_hot_prior(host, law(host)))


@pytest.mark.parametrize("law", ["IGR", "IGRStraightThrough", "AutoIGR"])
def test_a_density_is_not_scored_beside_a_probability(host, law):
    zeros, prior = host.array(np.zeros(2)), host.one_hot(probs=host.array(PROBS))

    def model():
        host.sample("z", prior)

    def guide():
        host.sample("z", getattr(host.igr, law)(0.5, zeros, 1.0))

    guide = host.igr.AutoIGR(model, 0.5) if law == "AutoIGR" else guide
    for engine in host.igr.TraceDiscreteKL_ELBO(), host.igr.TraceDiscreteIWAE_ELBO(2):
        host.attempt(engine, model, guide)
    engine = host.igr.TraceSTL_ELBO()
    family = "IGRStickBreaking" if law == "AutoIGR" else law
    match = f"'z' is one-hot in the model, .* density of {family}, .*: relax both"
    with pytest.raises(ValueError, match=match):
        host.attempt(engine, model, guide)


def test_nor_is_a_probability_scored_beside_a_density(host):
    law = host.igr.IGR(0.5, host.array(np.zeros(2)), 1.0)
    hard = host.igr.RaoBlackwellized(law, 2)
    pair = (lambda: host.sample("z", law)), (lambda: host.sample("z", hard))
    with pytest.raises(ValueError, match="'z' is one-hot in the guide, .* of IGR, "):
        host.attempt(host.igr.TraceSTL_ELBO(), *pair)


@pytest.mark.parametrize("name", ["AutoDiagonalNormal", "AutoDelta"])
def test_an_automatic_guide_of_a_relaxed_model_does_not_guide_the_discrete_one(
    host, name
):
    def model():
        host.sample("z", host.one_hot(probs=host.array(PROBS)))

    guide = host.GUIDES[name](host.igr.relax(model, 0.5))
    host.start(guide)
    run = host.loss if name == "AutoDelta" else host.attempt  # which traces in NumPyro
    with pytest.raises(ValueError, match="'z' is one-hot in .* lies between the cat"):
        run(host.igr.TraceDiscreteKL_ELBO(), model, guide)


PRIORS = {
    "one-hot": lambda host, probs: host.one_hot(probs=probs),
    "ReinMax": lambda host, probs: host.igr.OneHotCategoricalReinMax(0.5, probs),
    "its mean": lambda host, probs: host.igr.ExpectedOneHotCategorical(probs),
    "relaxed": lambda host, probs: host.GUMBEL(host.array(0.5), probs),
}


@pytest.mark.parametrize("make", PRIORS.values(), ids=PRIORS)
def test_a_mean_guides_a_site_by_its_probabilities(host, make):
    prior = make(host, host.array(PROBS[::-1].copy()))
    law = host.igr.ExpectedOneHotCategorical(host.array(PROBS))
    pair = (lambda: host.sample("z", prior)), (lambda: host.sample("z", law))
    kl = (PROBS * np.log(PROBS / PROBS[::-1])).sum()
    for engine in host.igr.TraceDiscreteKL_ELBO(), host.igr.TraceDiscreteIWAE_ELBO(2):
        found = host.loss_once(engine, *pair)
        assert found == pytest.approx(kl, rel=1e-6)


def test_weights_and_closed_forms_refuse_a_delta_between_the_categories(host):
    law = host.dist.Delta(host.array(PROBS), event_dim=1)
    prior = host.one_hot(probs=host.array(PROBS))
    pair = (lambda: host.sample("z", prior)), (lambda: host.sample("z", law))
    with pytest.raises(ValueError, match="'z' is one-hot in .* lies between the cat"):
        host.log_weights(*pair, num_samples=2)
    with pytest.raises(AssertionError, match="wrong KL at site 'z': .* between the ca"):
        host.igr.assert_analytic_kl(*pair)


def test_a_one_hot_delta_guides_a_one_hot_site(host):
    law = host.dist.Delta(host.array([0.0, 1.0, 0.0]), event_dim=1)
    prior = host.one_hot(probs=host.array(PROBS))
    pair = (lambda: host.sample("z", prior)), (lambda: host.sample("z", law))
    for engine in host.igr.TraceDiscreteKL_ELBO(), host.igr.TraceSTL_ELBO():
        assert host.loss_once(engine, *pair) == pytest.approx(-np.log(0.3), rel=1e-6)
    host.igr.assert_analytic_kl(*pair)
    assert host.log_weights(*pair, num_samples=2) == pytest.approx(np.log(0.3))
