"""discretize makes every latent site discrete, and nothing else."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from cases import BY_LARGEST_WEIGHT, WITH_PROBS
from pyro import infer, poutine
from pyro_families import LOC, SCALE, make
from pyro_families import fresh_host as fresh_host
from pyro_programs import (
    PROGRAMS,
    N,
    as_event,
    bare,
    in_plates,
    innermost,
    latent_sites,
    masked_distribution,
)

from pyro_igr import IGR, discretize

ON_THE_SIMPLEX = [name for name in WITH_PROBS if name != "exp_igr"]


@pytest.mark.parametrize("name", ON_THE_SIMPLEX)
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_sites_become_one_hot_inside_their_context(program, name):
    law = make(name)
    torch.manual_seed(0)
    relaxed = latent_sites(program, law)
    torch.manual_seed(0)
    discrete = latent_sites(discretize(program), law)
    assert relaxed.keys() == discrete.keys()
    for site_name, site in discrete.items():
        before = relaxed[site_name]
        found, origin = innermost(site["fn"]), innermost(before["fn"])
        assert type(found) is dist.OneHotCategorical
        torch.testing.assert_close(found.probs, origin.probs)
        assert site["fn"].batch_shape == before["fn"].batch_shape
        assert site["fn"].event_shape == before["fn"].event_shape
        assert site["scale"] == before["scale"]
        assert site["mask"] is before["mask"]
        kept = before["log_prob"] != 0
        assert torch.equal(site["log_prob"] != 0, kept)
        assert dist.constraints.one_hot.check(site["value"]).all()


def test_observed_sites_and_other_distributions_are_untouched():
    value = torch.tensor([0.1, 0.2, 0.3, 0.4])
    laws = {
        "observed": (make("igr"), value),
        "normal": (dist.Normal(LOC, SCALE).to_event(1), None),
        "masked": (dist.Normal(0.0, 1.0).mask(True), None),
        "discrete": (dist.Categorical(torch.ones(3)), None),
    }

    def program():
        for name, (law, obs) in laws.items():
            pyro.sample(name, law, obs=obs)

    nodes = poutine.trace(discretize(program)).get_trace().nodes
    assert all(nodes[name]["fn"] is law for name, (law, _) in laws.items())


def test_conditioned_sites_are_untouched_where_the_condition_is_inside():
    value = torch.tensor([0.1, 0.2, 0.3, 0.4])
    conditioned = poutine.condition(lambda: bare(make("igr")), {"z": value})
    nodes = poutine.trace(discretize(conditioned)).get_trace().nodes
    assert isinstance(nodes["z"]["fn"], IGR)


@pytest.mark.parametrize("program", [bare, as_event, masked_distribution])
def test_exp_igr_is_refused_by_name(program):
    with pytest.raises(ValueError, match=r"site 'z', but the value of ExpIGR is log z"):
        discretize(program)(make("exp_igr"))


@pytest.mark.parametrize("name", BY_LARGEST_WEIGHT)
def test_distributions_without_a_closed_discrete_form_become_one_hot_too(name):
    law = make(name)
    site = latent_sites(discretize(in_plates), law)["z"]
    assert site["fn"].batch_shape == (2, N)
    found = site["fn"].probs[0, 0]
    torch.testing.assert_close(found, law.probs)


X = torch.tensor([[0.5], [-1.0], [1.5]])
MEANS = torch.tensor([[-1.0], [0.0], [1.0], [2.0]])
PRIOR = torch.tensor([0.1, 0.2, 0.3, 0.4])


def mixture():
    with pyro.plate("data", len(X)):
        z = pyro.sample("z", IGR.from_probs(0.5, PRIOR))
        pyro.sample("x", dist.Normal(z @ MEANS, 1.0).to_event(1), obs=X)


def mixture_guide():
    with pyro.plate("data", len(X)):
        pyro.sample("z", make("igr", loc=LOC * torch.ones(len(X), 1)))


def enumerated():
    """The bound and the evidence, by summing over the categories."""
    log_q = make("igr").logits
    components = dist.Normal(MEANS, 1.0).log_prob(X.unsqueeze(1)).squeeze(-1)
    joint = PRIOR.log() + components
    return (log_q.exp() * (joint - log_q)).sum(), joint.logsumexp(-1).sum()


def test_the_bound_of_the_discrete_model_agrees_with_enumeration():
    model, guide = discretize(mixture), discretize(mixture_guide)
    elbo, evidence = enumerated()
    engine = infer.Trace_ELBO(
        num_particles=500, vectorize_particles=True, max_plate_nesting=1
    )
    found = -torch.tensor([engine.loss(model, guide) for _ in range(20)])
    assert abs(found.mean() - elbo) < 4 * found.std() / len(found) ** 0.5
    assert found.mean() < evidence


def test_the_discrete_guide_can_be_enumerated():
    engine = infer.TraceEnum_ELBO(max_plate_nesting=1)
    guide = infer.config_enumerate(discretize(mixture_guide), "parallel")
    loss = engine.loss(discretize(mixture), guide)
    assert -loss == pytest.approx(enumerated()[0].item(), rel=1e-5)


def test_the_discrete_model_can_be_summed_out():
    model = infer.config_enumerate(discretize(mixture), "parallel")
    engine = infer.TraceEnum_ELBO(max_plate_nesting=1)
    loss = engine.loss(model, lambda: None)
    assert -loss == pytest.approx(enumerated()[1].item(), rel=1e-5)


def test_the_importance_weighted_bound_lies_between_the_bound_and_the_evidence():
    engine = infer.RenyiELBO(
        alpha=0, num_particles=50, vectorize_particles=True, max_plate_nesting=1
    )
    model, guide = discretize(mixture), discretize(mixture_guide)
    found = -torch.tensor([engine.loss(model, guide) for _ in range(100)])
    elbo, evidence = enumerated()
    error = found.std() / len(found) ** 0.5
    assert elbo + 4 * error < found.mean() < evidence + 4 * error
