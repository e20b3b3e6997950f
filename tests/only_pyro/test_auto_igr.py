"""AutoIGR is a guide to any relaxed model, with the closed-form KL at its sites."""

from contextlib import nullcontext
from functools import partial

import pyro
import pyro.distributions as dist
import pytest
import torch
from cases import WITH_FLOW
from pyro import infer, poutine
from pyro.distributions.transforms import OrderedTransform
from pyro.infer.autoguide import AutoDelta, AutoNormal
from pyro.optim import Adam
from pyro_families import fresh_host as fresh_host
from pyro_programs import PROGRAMS, in_subsampled_plate, innermost

import pyro_igr
from pyro_igr import (
    IGR,
    AutoIGR,
    IGRStickBreaking,
    IGRStraightThrough,
    TraceDiscreteKL_ELBO,
    assert_analytic_kl,
    discretize,
    relax,
)

TAU = 0.3
LOC, SPREAD = torch.tensor([1.0, -1.0, 0.5]), torch.tensor([0.1, 0.3, 2.0])
PROBS = torch.tensor([0.1, 0.2, 0.4, 0.3])
LAW = dist.OneHotCategorical(PROBS)
EVERYWHERE = list(PROGRAMS.values())


@pytest.mark.parametrize("family", [IGR, IGRStickBreaking, IGRStraightThrough])
@pytest.mark.parametrize("program", EVERYWHERE)
def test_the_kl_is_analytic_in_every_context(program, family):
    model = relax(partial(program, LAW), TAU, family=family)
    guide = AutoIGR(model, 2 * TAU)
    assert_analytic_kl(model, guide)
    nodes = poutine.trace(guide).get_trace().nodes
    laws = [innermost(node["fn"]) for name, node in nodes.items() if name[0] == "z"]
    assert laws
    for law in laws:
        assert type(law) is family
        assert law.temperature.unique() == 2 * TAU


@pytest.mark.parametrize("program", EVERYWHERE)
def test_the_kl_has_no_variance_and_is_zero_at_the_start(program):
    model = relax(partial(program, LAW), TAU)
    guide = AutoIGR(model, TAU)
    engine = infer.TraceMeanField_ELBO()
    assert abs(engine.loss(model, guide)) < 1e-5
    with torch.no_grad():
        for i, parameter in enumerate(guide.parameters()):
            parameter += 0.5 + 0.1 * i
    losses = [engine.loss(model, guide) for _ in range(3)]
    assert min(losses) > 0.05
    assert max(losses) - min(losses) < 1e-5 * max(losses)


def test_the_guide_has_the_masks_of_the_model():
    kept = torch.tensor([True, False, True, True, False])
    model = relax(partial(PROGRAMS["masked"], LAW), TAU)
    guide = AutoIGR(model, TAU)
    guide()
    with torch.no_grad():
        dict(guide.named_parameters())["0.locs.z_unconstrained"][~kept] += 1
    engine = infer.TraceMeanField_ELBO()
    assert abs(engine.loss(model, guide)) < 1e-5
    assert abs(engine.loss(model, poutine.mask(guide, mask=kept))) < 1e-5


def test_a_guide_given_for_continuous_sites_is_called_once_and_cannot_be_masked():
    def model(is_masked):
        with poutine.mask(mask=torch.tensor(False)):
            pyro.sample("z", LAW)
        with poutine.mask(mask=torch.tensor(False)) if is_masked else nullcontext():
            pyro.sample("w", dist.Gamma(torch.tensor(2.0), 1.0))

    guide = AutoIGR(relax(model, TAU), TAU, continuous=AutoNormal)
    assert set(guide(False)) == {"z", "w"}
    with pytest.raises(ValueError, match="masks or scales site 'w'"):
        guide(True)


def test_a_support_that_depends_on_a_latent_site_is_refused():
    def model():
        x = pyro.sample("x", dist.HalfNormal(torch.tensor(1.0)))
        pyro.sample("y", dist.Uniform(torch.tensor(0.0), x))

    with pytest.raises(ValueError, match="support of site 'y' depends"):
        AutoIGR(model, TAU)()


def test_kept_sites_are_left_to_be_enumerated():
    @infer.config_enumerate
    def model():
        z = pyro.sample("z", LAW)
        kind = pyro.sample("kind", dist.Bernoulli(0.4))
        with poutine.mask(mask=torch.tensor(True)):
            weight = pyro.sample("weight", dist.Gamma(torch.tensor(2.0), 1.0))
        pyro.sample("x", dist.Normal(z @ MEANS + kind * weight, 1.0), obs=X[0])

    relaxed = relax(model, TAU, keep={"kind"})
    guide = AutoIGR(relaxed, TAU)
    assert set(guide()) == {"z", "weight"}
    loss = infer.TraceEnum_ELBO(max_plate_nesting=0).differentiable_loss(relaxed, guide)
    assert loss.isfinite()


def test_a_subsample_takes_the_parameters_of_its_points():
    model = relax(partial(in_subsampled_plate, LAW), TAU)
    guide = AutoIGR(model, TAU)
    trace = poutine.trace(guide).get_trace()
    full = dict(guide.named_parameters())["0.locs.z_unconstrained"]
    assert full.shape == (20, 3)
    with torch.no_grad():
        full += torch.arange(20.0).unsqueeze(-1)
    trace = poutine.trace(guide).get_trace()
    index = trace.nodes["data"]["value"]
    torch.testing.assert_close(trace.nodes["z"]["fn"].loc, full[index])


@pytest.mark.parametrize("name", WITH_FLOW)
def test_the_guide_starts_at_the_distribution_of_the_model(name):
    like = WITH_FLOW[name](pyro_igr, torch.tensor(TAU), LOC, SPREAD)

    def model():
        with pyro.plate("rows", 2):
            pyro.sample("z", like)

    guide = AutoIGR(model, like.temperature)
    assert infer.TraceMeanField_ELBO().loss(model, guide) == pytest.approx(0, abs=1e-5)
    found = poutine.trace(guide).get_trace().nodes["z"]["fn"]
    torch.testing.assert_close(found.loc, LOC.expand(2, 3))
    torch.testing.assert_close(found.scale, SPREAD.expand(2, 3))
    if hasattr(like, "delta"):
        torch.testing.assert_close(found.delta, like.delta.expand(2))


SUPPORTS = {
    "vector": dist.MultivariateNormal(torch.zeros(2), torch.eye(2)),
    "interval": dist.Uniform(-1.0, torch.tensor([1.0, 2.0])).to_event(1),
    "simplex": dist.Dirichlet(torch.ones(2, 3)).to_event(1),
    "cholesky": dist.LKJCholesky(3, torch.tensor(2.0)),
    "ordered": dist.TransformedDistribution(
        dist.Normal(torch.zeros(3), 1.0).to_event(1), [OrderedTransform()]
    ),
}


@pytest.mark.parametrize("name", SUPPORTS)
def test_continuous_sites_of_every_support_are_sampled_without_auxiliary_ones(name):
    prior = SUPPORTS[name]

    def model():
        with pyro.plate("data", 4, subsample_size=2):
            pyro.sample("x", prior)

    guide = AutoIGR(model, TAU)
    guide()
    trace = poutine.util.prune_subsample_sites(poutine.trace(guide).get_trace())
    assert trace.stochastic_nodes == ["x"]
    losses = [
        sum(elbo.loss(model, guide) for _ in range(200)) / 200
        for elbo in (infer.Trace_ELBO(), infer.TraceMeanField_ELBO())
    ]
    assert losses[0] == pytest.approx(losses[1], abs=1.0)
    shape = (4, *prior.event_shape)
    assert guide.median()["x"].shape == shape
    assert guide.quantiles(0.5)["x"].shape == (1, *shape)


@pytest.mark.filterwarnings("ignore:Singular sample detected")
def test_a_support_without_bijection_is_refused_by_name():
    def model():
        pyro.sample("covariance", dist.Wishart(torch.tensor(4.0), torch.eye(2)))

    with pytest.raises(NotImplementedError, match="covariance"):
        AutoIGR(model, TAU)()


X = torch.tensor([0.5, -1.0, 1.5])
MEANS = torch.tensor([-1.0, 0.0, 1.0, 2.0])


def mixture():
    with pyro.plate("data", len(X)):
        z = pyro.sample("z", LAW)
        pyro.sample("x", dist.Normal(z @ MEANS, 1.0), obs=X)


def posterior():
    return (PROBS.log() + dist.Normal(MEANS, 1.0).log_prob(X[:, None])).softmax(-1)


def test_a_relaxed_model_is_trained_and_discretized():
    model = relax(mixture, 0.1)
    guide = AutoIGR(model, 0.1, scale=1.0)
    engine = TraceDiscreteKL_ELBO(num_particles=5)
    svi = infer.SVI(model, guide, Adam({"lr": 0.1}), engine)
    for _ in range(150):
        svi.step()
    assert [name for name, _ in guide.named_parameters()] == ["0.locs.z_unconstrained"]
    assert (guide.median()["z"] - posterior()).abs().sum(-1).max() / 2 < 0.1
    pair = discretize(model), infer.config_enumerate(discretize(guide), "parallel")
    bound = -infer.TraceEnum_ELBO(max_plate_nesting=1).loss(*pair)
    evidence = (PROBS * dist.Normal(MEANS, 1.0).log_prob(X[:, None]).exp()).sum(-1)
    assert evidence.log().sum() - 0.1 < bound < evidence.log().sum()


def test_a_discrete_model_is_relaxed_first():
    guide = AutoIGR(mixture, TAU, family=IGR)
    assert_analytic_kl(relax(mixture, TAU, family=IGR), guide)


def mixed():
    center = pyro.sample("center", dist.Normal(1.0, 2.0))
    z = pyro.sample("z", LAW)
    scale = pyro.sample("scale", dist.Gamma(2.0, 2.0))
    pyro.sample("x", dist.Normal(z @ MEANS + center, scale), obs=X[0])


def test_continuous_sites_get_the_guide_of_the_host_in_the_order_of_the_model():
    model = relax(mixed, TAU)
    guide = AutoIGR(model, TAU, continuous=partial(AutoNormal, init_scale=0.3))
    assert infer.TraceMeanField_ELBO().loss(model, guide) > 0  # and no warning of order
    assert [type(part).__name__ for part in guide] == [
        "AutoNormal",
        "RelaxedGuide",
        "AutoNormal",
    ]
    assert guide[0].scales.center.item() == pytest.approx(0.3)
    assert list(guide.median()) == ["center", "z", "scale"]
    other = AutoIGR(model, TAU, continuous=AutoDelta)
    other()
    assert type(other[2]) is AutoDelta


def test_reports_give_the_recovered_probabilities():
    model = relax(mixed, TAU)
    guide = AutoIGR(model, TAU)
    guide()
    torch.testing.assert_close(guide.median()["z"], PROBS)
    quantiles = guide.quantiles([0.1, 0.9])
    torch.testing.assert_close(quantiles["z"], PROBS.expand(2, 4))
    assert quantiles["center"][0] < quantiles["center"][1]
    middle = guide.quantiles(0.5)
    torch.testing.assert_close(middle["z"], PROBS.expand(1, 4))
    torch.testing.assert_close(middle["scale"][0], guide.median()["scale"])


def test_predictive_draws_from_the_guide_and_from_its_discrete_form():
    model = relax(mixed, TAU)
    guide = AutoIGR(model, TAU)
    for change, is_hard in [(lambda program: program, False), (discretize, True)]:
        predictive = infer.Predictive(change(model), guide=change(guide), num_samples=9)
        draws = predictive()
        assert draws["x"].shape == (9,)
        assert (draws["z"].max(-1).values == 1).all() == is_hard


def test_the_temperature_is_a_function_of_the_arguments():
    def model(temperature):
        return relax(mixture, temperature)()

    guide = AutoIGR(model, lambda temperature: temperature)
    for tau in 1.0, 0.2:
        trace = poutine.trace(guide).get_trace(torch.tensor(tau))
        assert trace.nodes["z"]["fn"].temperature.unique() == pytest.approx(tau)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_falling_temperature_is_traced_once():
    runs = []

    def model(temperature):
        runs.append(1)
        return relax(mixture, temperature)()

    guide = AutoIGR(model, lambda temperature: temperature)
    guide(torch.tensor(1.0))
    runs.clear()
    engine = infer.JitTrace_ELBO(ignore_jit_warnings=True)
    svi = infer.SVI(model, guide, Adam({"lr": 0.01}), engine)
    for tau in 1.0, 0.9, 0.8, 0.7:
        svi.step(torch.tensor(tau))
    first = len(runs)
    svi.step(torch.tensor(0.6))
    assert len(runs) == first == 2


def test_a_masked_site_draws_from_the_model_whatever_the_parameters():
    """Free ones would explain the data at no cost: a bound above the evidence."""

    def model():
        with pyro.plate("data", 2), poutine.mask(mask=torch.tensor([True, False])):
            z = pyro.sample("z", dist.OneHotCategorical(torch.tensor([0.2, 0.8])))
            w = pyro.sample("w", dist.Normal(5.0, 2.0))
        pyro.sample("x", dist.Normal(z[:, 0] + w, 1.0).to_event(1), obs=torch.ones(2))

    model = relax(model, TAU)
    guide = AutoIGR(model, TAU)
    guide()
    for parameter in guide.parameters():
        torch.nn.init.constant_(parameter, 3.0)
    nodes = poutine.trace(guide).get_trace().nodes
    probs, normal = nodes["z"]["fn"].probs, nodes["w"]["fn"]
    torch.testing.assert_close(probs[1], torch.tensor([0.2, 0.8]))
    assert probs[0, 0] > 0.7
    assert normal.loc.tolist() == [3.0, 5.0]
    assert normal.scale[1] == 2.0


def test_a_mask_that_is_changed_in_place_can_be_trained_under():
    def model():
        seen = torch.tensor([True, False])
        with pyro.plate("data", 2), poutine.mask(mask=seen):
            z = pyro.sample("z", dist.Bernoulli(0.9))
            pyro.sample("x", dist.Normal(z, 1.0), obs=torch.ones(2))
        seen |= True

    guide = AutoIGR(relax(model, 0.3), 0.3)
    elbo = infer.TraceMeanField_ELBO()
    svi = infer.SVI(relax(model, 0.3), guide, Adam({"lr": 0.01}), elbo)
    assert abs(svi.step()) < 100


def test_a_plate_without_a_size_is_named():
    def model(x):
        with pyro.plate("data"):
            z = pyro.sample("z", dist.OneHotCategorical(torch.ones(len(x), 2)))
            pyro.sample("x", dist.Normal(z[:, 0], 1.0), obs=x)

    model, x = relax(model, TAU), torch.zeros(3)
    with pytest.raises(ValueError, match="plate 'data' has no size: .* dim=-1"):
        AutoIGR(model, TAU)(x)
    sized = AutoIGR(
        model, TAU, create_plates=lambda x: pyro.plate("data", len(x), dim=-1)
    )
    assert_analytic_kl(model, sized, x)
