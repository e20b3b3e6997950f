"""A latent site that the guide lacks, or has with other categories, is refused."""

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
