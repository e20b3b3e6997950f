"""relax gives every discrete latent site a relaxed one with the same probabilities."""

from functools import partial

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import infer, poutine
from pyro_families import fresh_host as fresh_host
from pyro_programs import PROGRAMS, as_event, bare, innermost, latent_sites

from pyro_igr import (
    IGR,
    AutoIGR,
    IGRReparam,
    IGRStickBreaking,
    InfiniteIGR,
    assert_analytic_kl,
    discretize,
    relax,
)

TAU = 0.3
PROBS = torch.tensor([0.1, 0.2, 0.4, 0.3])
ROWS = torch.tensor(
    [[0.7, 0.2, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.2, 0.1, 0.7]]
)
FAMILIES = {
    "igr": IGR,
    "sticks": IGRStickBreaking,
    "gumbel_softmax": dist.RelaxedOneHotCategorical,
}
SOLVED = IGR  # by Newton steps, which take long to compile: in fewer cases
CASES = [
    pytest.param(program, family, id=f"{program.__name__}-{name}")
    for program in PROGRAMS.values()
    for name, family in FAMILIES.items()
    if family is not SOLVED or program in (bare, as_event)
]
in_closed_form = pytest.mark.parametrize("family", list(FAMILIES.values())[1:])


@pytest.mark.parametrize(("program", "family"), CASES)
def test_sites_keep_their_probabilities_and_their_context(program, family):
    law = dist.OneHotCategorical(PROBS)
    sites = latent_sites(program, law)
    relaxed = latent_sites(relax(program, TAU, family=family), law)
    restored = latent_sites(discretize(relax(program, TAU, family=family)), law)
    assert sites.keys() == relaxed.keys() == restored.keys()
    for name, site in sites.items():
        assert type(innermost(relaxed[name]["fn"])) is family
        assert type(innermost(restored[name]["fn"])) is dist.OneHotCategorical
        assert innermost(relaxed[name]["fn"]).temperature.unique() == TAU
        for other in relaxed[name], restored[name]:
            found = innermost(other["fn"]).probs
            torch.testing.assert_close(found, innermost(site["fn"]).probs)
            assert other["fn"].batch_shape == site["fn"].batch_shape
            assert other["fn"].event_shape == site["fn"].event_shape
            assert other["scale"] == site["scale"]
            assert other["mask"] is site["mask"]


@pytest.mark.parametrize(
    "law",
    [
        dist.OneHotCategorical(logits=PROBS.log() + 3),
        dist.OneHotCategoricalStraightThrough(PROBS),
        dist.Multinomial(1, PROBS),
        dist.Categorical(PROBS),
    ],
)
@pytest.mark.parametrize("program", [as_event, PROGRAMS["masked_distribution"]])
def test_every_family_of_one_category_is_relaxed(law, program):
    expected = latent_sites(program, dist.OneHotCategorical(PROBS))["z"]["fn"]
    found = latent_sites(relax(program, TAU, one_hot={"z"}), law)["z"]["fn"]
    assert (found.batch_shape, found.event_shape) == (
        expected.batch_shape,
        expected.event_shape,
    )
    torch.testing.assert_close(innermost(found).probs, innermost(expected).probs)


def chain():
    x = pyro.sample("x", dist.OneHotCategorical(PROBS))
    with pyro.plate("data", 2):
        y = pyro.sample("y", dist.OneHotCategorical(x @ ROWS))
        return x, y, pyro.sample("w", dist.Normal(y @ torch.arange(3.0), 1.0))


@in_closed_form
def test_probabilities_follow_the_relaxed_values_of_earlier_sites(family):
    trace = poutine.trace(relax(chain, 1.0, family=family)).get_trace()
    x, y, w = trace.nodes["_RETURN"]["value"]
    assert x.max() < 1
    assert y.max() < 1
    expected = (x @ ROWS).expand(2, -1)
    torch.testing.assert_close(trace.nodes["y"]["fn"].probs, expected)
    assert type(trace.nodes["w"]["fn"]) is dist.Normal


@pytest.mark.parametrize("family", [IGR, IGRStickBreaking])
def test_gradients_flow_through_the_probabilities_of_a_dependent_site(family):
    shift = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    direction = torch.tensor([1.0, -2.0, 0.5, 0.5], dtype=torch.float64)

    def program(shift):
        x = (PROBS.double().log() + shift).softmax(-1)
        y = pyro.sample("y", dist.OneHotCategorical(x @ ROWS.double()))
        return y @ torch.arange(3.0, dtype=torch.float64)

    def mean(shift):
        with torch.random.fork_rng(devices=[]):
            return relax(program, 1.0, family=family)(shift)

    (slope,) = torch.autograd.grad(mean(shift), shift)
    step = 1e-5 * direction
    difference = (mean(shift + step) - mean(shift - step)) / 2e-5
    assert slope @ direction == pytest.approx(difference.item(), rel=1e-6)


@pytest.mark.parametrize("family", [IGR, IGRStickBreaking])
def test_a_probability_of_zero_becomes_the_smallest_one(family):
    probs = torch.tensor([0.5, 0.0, 0.5, 0.0, 0.0], requires_grad=True)
    program = lambda: pyro.sample("z", dist.OneHotCategorical(probs))  # noqa: E731
    trace = poutine.trace(relax(program, TAU, family=family)).get_trace()
    law, z = trace.nodes["z"]["fn"], trace.nodes["z"]["value"]
    torch.testing.assert_close(law.probs, probs, rtol=1e-5, atol=1e-30)
    assert (law.probs > 0).all()
    (slope,) = torch.autograd.grad((z * torch.arange(5.0)).sum(), probs)
    assert slope.isfinite().all()


def test_observed_and_continuous_sites_are_untouched():
    laws = {
        "observed": (dist.OneHotCategorical(PROBS), torch.eye(4)[2]),
        "normal": (dist.Normal(0.0, 1.0).expand([2]).to_event(1), None),
        "dirichlet": (dist.Dirichlet(PROBS), None),
        "relaxed": (IGR(0.5, torch.zeros(3), torch.ones(3)), None),
        "delta": (dist.Delta(torch.zeros(2), event_dim=1), None),
    }

    def program():
        for name, (law, obs) in laws.items():
            pyro.sample(name, law, obs=obs)

    nodes = poutine.trace(relax(program, TAU)).get_trace().nodes
    assert all(nodes[name]["fn"] is law for name, (law, _) in laws.items())


X = torch.tensor([0.5, -1.0, 1.5])
MEANS = torch.tensor([-1.0, 0.0, 1.0, 2.0])


def mixture():
    with pyro.plate("data", len(X)):
        z = pyro.sample("z", dist.OneHotCategorical(PROBS))
        pyro.sample("x", dist.Normal(z @ MEANS, 1.0), obs=X)


@in_closed_form
def test_the_evidence_of_a_discretized_relaxed_model_is_that_of_the_model(family):
    restored = discretize(relax(mixture, TAU, family=family))
    engine = infer.TraceEnum_ELBO(max_plate_nesting=1)
    found, expected = (
        engine.loss(infer.config_enumerate(model, "parallel"), lambda: None)
        for model in (restored, mixture)
    )
    assert found == pytest.approx(expected, rel=1e-5)


def test_the_autoguides_of_the_host_take_a_relaxed_model():
    model = relax(mixture, 1.0)
    guide = infer.autoguide.AutoNormal(model)
    assert infer.Trace_ELBO().loss(model, guide) > 0


REFUSED = {
    "integers": (
        dist.Categorical(PROBS),
        r"site 'z' is a Categorical\w* of integers, .* one_hot=\{'z'\}",
    ),
    "several draws": (dist.Multinomial(3, PROBS), "expected total_count 1 at site 'z'"),
    "dirichlet_multinomial": (
        dist.DirichletMultinomial(torch.ones(3), 2),
        "expected a distribution at site 'z' .* got DirichletMultinomial",
    ),
    "unbounded": (
        dist.Poisson(1e6),
        "site 'z': expected num_sticks to be given",
    ),
}


@pytest.mark.parametrize(("law", "message"), REFUSED.values(), ids=REFUSED)
def test_a_site_that_cannot_be_relaxed_is_refused_for_its_reason(law, message):
    with pytest.raises(ValueError, match=message):
        relax(bare, TAU)(law)


def test_enumeration_inside_relax_is_refused():
    program = relax(infer.config_enumerate(mixture, "parallel"), TAU)
    with pytest.raises(ValueError, match="site 'z' is marked for enumeration"):
        program()


def test_the_reparameterizer_relaxes_one_site_of_the_host():
    config = {"x": IGRReparam(TAU), "y": IGRReparam(TAU, family=IGR)}
    nodes = poutine.trace(poutine.reparam(chain, config)).get_trace().nodes
    assert type(nodes["x"]["fn"]) is IGRStickBreaking
    assert type(nodes["y"]["fn"]) is IGR
    torch.testing.assert_close(nodes["x"]["fn"].probs, PROBS)


def test_the_reparameterizer_refuses_an_observed_site():
    program = poutine.reparam(
        poutine.condition(chain, {"x": torch.eye(4)[0]}), {"x": IGRReparam(TAU)}
    )
    with pytest.raises(ValueError, match="expected site 'x' to be latent"):
        program()


COUNTS = {
    "poisson": dist.Poisson(torch.tensor([3.0, 0.5])),
    "geometric": dist.Geometric(torch.tensor([0.3, 0.6])),
    "negative_binomial": dist.NegativeBinomial(3.0, torch.tensor([0.4, 0.2])),
    "binomial": dist.Binomial(4, torch.tensor([0.4, 0.2])),
}


@pytest.mark.parametrize("law", COUNTS.values(), ids=COUNTS)
def test_a_count_is_the_mean_of_its_weights_with_the_exact_probabilities(law):
    def program():
        with pyro.plate("rows", 3):
            return pyro.sample("n", law.expand([3, 2]).to_event(1))

    trace = poutine.trace(relax(program, 0.1)).get_trace()
    weights, site = trace.nodes["n_weights"], trace.nodes["n"]
    assert weights["fn"].batch_shape == (3,)
    found = innermost(weights["fn"])
    assert type(found) is InfiniteIGR
    k = torch.arange(found.event_shape[0])
    expected = law.log_prob(k[:-1, None]).exp().T
    torch.testing.assert_close(found.probs[0, :, :-1], expected, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(site["value"], weights["value"] @ k.float())
    assert site["infer"]["_deterministic"]
    discrete = poutine.trace(discretize(relax(program, 0.1))).get_trace().nodes
    assert (discrete["n"]["value"] % 1 == 0).all()
    guide = AutoIGR(relax(program, 0.1), 0.1)
    assert_analytic_kl(relax(program, 0.1), guide)


def test_the_number_of_counts_can_be_given():
    program = partial(pyro.sample, "n", dist.Poisson(3.0))
    trace = poutine.trace(relax(program, 0.1, num_sticks=5)).get_trace()
    assert trace.nodes["n_weights"]["value"].shape == (6,)
    reparam = {"n": IGRReparam(0.1, num_sticks=7)}
    trace = poutine.trace(poutine.reparam(program, reparam)).get_trace()
    assert trace.nodes["n_weights"]["value"].shape == (8,)
