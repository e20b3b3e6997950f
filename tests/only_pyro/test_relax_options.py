"""What relax keeps, what it is told to deliver as vectors, and its temperature."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro import infer, poutine
from pyro_families import fresh_host as fresh_host

from pyro_igr import IGRReparam, IGRStickBreaking, relax

PROBS = torch.tensor([0.1, 0.2, 0.4, 0.3])
MEANS = torch.tensor([-1.0, 0.0, 1.0, 2.0])
SHIFTS = torch.tensor([0.0, 0.5, -0.5, 1.0])
X = torch.tensor([0.5, -1.0, 1.5])
POINT = torch.tensor([0.2, 0.5, 0.2, 0.1])


def two_sites():
    y = pyro.sample("y", dist.OneHotCategorical(PROBS))
    with pyro.plate("data", len(X)):
        z = pyro.sample("z", dist.Categorical(PROBS))
        pyro.sample("x", dist.Normal(MEANS[z] + y @ SHIFTS, 1.0), obs=X)


def site(program, name):
    return poutine.trace(program).get_trace().nodes[name]


@pytest.mark.parametrize("mark", [infer.config_enumerate, lambda model: model])
def test_a_site_that_is_kept_is_untouched(mark):
    program = relax(mark(two_sites), 0.5, keep={"z"})
    assert type(site(program, "z")["fn"]) is dist.Categorical
    assert type(site(program, "y")["fn"]) is IGRStickBreaking
    assert not site(program, "y")["infer"].get("enumerate")


def test_a_kept_site_is_enumerated_beside_a_relaxed_one():
    program = infer.config_enumerate(two_sites, "parallel")
    kept = poutine.condition(relax(program, 0.5, keep={"z"}), {"y": POINT})
    found = -infer.TraceEnum_ELBO(max_plate_nesting=1).loss(kept, lambda: None)
    means = MEANS + POINT @ SHIFTS
    joint = PROBS.log() + dist.Normal(means, 1.0).log_prob(X[:, None])
    prior = site(relax(program, 0.5, keep={"z"}), "y")["fn"].log_prob(POINT)
    expected = joint.logsumexp(-1).sum() + prior
    assert found == pytest.approx(expected.item(), rel=1e-5)


def test_what_was_kept_stays_kept_when_a_relaxed_model_is_relaxed_again():
    program = relax(relax(two_sites, 0.5, keep={"z"}), 1.0)
    assert type(site(program, "z")["fn"]) is dist.Categorical


def test_a_site_can_ask_to_be_kept():
    def program():
        pyro.sample("z", dist.Categorical(PROBS), infer={"relax": False})

    assert type(site(relax(program, 0.5), "z")["fn"]) is dist.Categorical


@pytest.mark.parametrize("argument", ["one_hot", "keep"])
def test_a_string_is_no_collection_of_names(argument):
    with pytest.raises(TypeError, match=f"expected {argument} .* got the string 'zz'"):
        relax(two_sites, 0.5, **{argument: "zz"})


def test_the_temperature_is_a_function_of_the_arguments_of_the_model():
    def program(probs, step=1):
        return pyro.sample("z", dist.OneHotCategorical(probs))

    relaxed = relax(program, lambda probs, step=1: 1 / step)
    for step in (2, 4):
        found = poutine.trace(relaxed).get_trace(PROBS, step=step).nodes["z"]["fn"]
        assert found.temperature == 1 / step


OF_INTEGERS = {
    "categorical": (dist.Categorical(PROBS), PROBS),
    "bernoulli": (dist.Bernoulli(0.8), torch.tensor([0.2, 0.8])),
    "binomial": (dist.Binomial(2, 0.5), torch.tensor([0.25, 0.5, 0.25])),
    "batch": (
        dist.Bernoulli(torch.tensor([0.8, 0.3])),
        torch.tensor([[0.2, 0.8], [0.7, 0.3]]),
    ),
}


@pytest.mark.parametrize(("law", "probs"), OF_INTEGERS.values(), ids=OF_INTEGERS)
def test_declared_integers_are_delivered_as_vectors(law, probs):
    def program():
        return pyro.sample("z", law)

    found = site(relax(program, 0.5, one_hot=["z"]), "z")
    assert found["value"].shape == probs.shape
    torch.testing.assert_close(found["fn"].probs, probs)
    reparam = poutine.reparam(program, {"z": IGRReparam(0.5, one_hot=True)})
    torch.testing.assert_close(site(reparam, "z")["fn"].probs, probs)


def test_integers_without_end_cannot_be_declared():
    program = relax(lambda: pyro.sample("z", dist.Poisson(3.0)), 0.5, one_hot={"z"})
    with pytest.raises(ValueError, match="over the same few integers at site 'z'"):
        program()
