"""The distributions in half, single and double precision."""

from functools import partial

import numpy as np
import pyro
import pytest
import torch
from cases import WITH_PROBS
from pyro_families import every_family, every_family_and_flow, make
from pyro_families import fresh_host as fresh_host

import pyro_igr as igr

DTYPES = {str(d)[6:]: d for d in (torch.bfloat16, torch.float16, torch.float64)}
every_dtype = pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
LOC = torch.linspace(-1, 1, 9)
SCALE = torch.linspace(0.5, 1.5, 9)


def of_dtype(name, dtype, temperature=0.5):
    return make(name, temperature, LOC.to(dtype), SCALE.to(dtype))


@every_family_and_flow
@every_dtype
def test_everything_keeps_the_dtype(name, dtype):
    law = of_dtype(name, dtype)
    value = law.rsample()
    kl = torch.distributions.kl_divergence(law, of_dtype(name, dtype))
    found = [
        value,
        law.log_prob(value),
        kl,
        *map(law.__getattribute__, "loc scale temperature".split()),
    ]
    if name in WITH_PROBS and dtype is torch.float64:
        found.append(law.probs)
    assert {x.dtype for x in found} == {dtype}


@every_family_and_flow
@every_dtype
@pytest.mark.parametrize("temperature", [1.0, 0.5, 0.1])
def test_every_sample_has_a_density_in_each_precision(name, dtype, temperature):
    law = of_dtype(name, dtype, temperature)
    log_prob = law.log_prob(law.sample((10_000,)))
    assert not log_prob.isnan().any()
    assert not log_prob.isposinf().any()


@every_family_and_flow
@every_dtype
def test_a_value_off_the_support_is_still_rejected(name, dtype):
    law = of_dtype(name, dtype)
    with pytest.raises(ValueError, match="to be within the support"):
        law.log_prob(law.sample() + 0.1)


@pytest.mark.parametrize("name", WITH_PROBS)
@every_dtype
def test_rounded_probabilities_are_not_refused(name, dtype):
    law = make(name, 0.5, torch.randn(50, 9).to(dtype), SCALE.to(dtype))
    sample = law.to_discrete().sample()
    assert sample.dtype is law.probs.dtype
    with pytest.raises(ValueError, match="to be within the support"):
        law.to_discrete().log_prob(sample / 2)


@pytest.mark.parametrize("family", [igr.InfiniteIGR, igr.IGRStickBreaking])
def test_a_tail_of_a_plain_number_is_as_precise_as_the_sticks(family):
    tails = [igr.GEM(x, 9) for x in (1.1, torch.tensor(1.1, dtype=torch.float64))]
    kls = []
    for tail in tails:
        options = {"tail": tail} if family is igr.InfiniteIGR else {}
        sticks = family(0.5, LOC.double(), SCALE.double(), **options)
        kls.append(torch.distributions.kl_divergence(sticks, tail))
    torch.testing.assert_close(*kls, rtol=1e-12, atol=0)


ENGINES = {
    "RELAX": igr.TraceRELAX_ELBO,
    "unordered": partial(igr.TraceUnorderedSet_ELBO, 2),
    "leave one out": partial(igr.TraceUnorderedSet_ELBO, 2, replacement=True),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("family", [igr.IGR, igr.IGRStickBreaking])
@every_dtype
def test_engines_average_the_discrete_bound(engine, family, dtype):
    values = torch.tensor([2.0, -1.0, 0.5], dtype=dtype)
    law = family(0.5, *torch.tensor([[0.5, -0.4], [1.0, 1.5]], dtype=dtype))

    def guide():
        with pyro.plate("copies", 1000):
            return pyro.sample("z", law)

    def model():
        with pyro.plate("copies", 1000):
            z = pyro.sample("z", igr.RaoBlackwellized(law, 2))
            pyro.factor("x", z @ values)

    loss = ENGINES[engine]().differentiable_loss(model, guide)
    expected = -(law.probs.double() @ values.double())
    assert loss.item() / 1000 == pytest.approx(expected.item(), abs=0.2)


@every_family
def test_the_event_parameters_decide_the_dtype(name):
    double = torch.float64
    assert make(name, 0.5, LOC, SCALE.to(double)).rsample().dtype == double
    assert make(name, 0.5, LOC.to(double), SCALE).rsample().dtype == double
    tau = torch.tensor(0.5, dtype=double)
    assert make(name, tau, LOC, SCALE).rsample().dtype == torch.float32
    assert make(name, 1, LOC.long(), 1).rsample().dtype == torch.float32


@pytest.mark.parametrize("make", [list, np.array])
def test_categories_may_be_plain_numbers_as_means_may(make):
    given = make([0.2, 0.8])
    for law in (
        igr.ExpRelaxedOneHotCategorical(0.5, given),
        igr.OneHotCategoricalReinMax(1.0, logits=np.log(given)),
    ):
        np.testing.assert_allclose(law.probs, [0.2, 0.8], rtol=1e-6)


@pytest.mark.parametrize("tail", [None, (0.0, 1.0)], ids=["default", "numbers"])
def test_further_sticks_have_the_dtype_of_the_given_ones(tail):
    torch.set_default_dtype(torch.float64)
    try:
        single = torch.zeros(3, dtype=torch.float32)
        law = igr.InfiniteIGR(
            0.5, single, single + 1, tail=tail and pyro.distributions.Normal(*tail)
        )
        found = [law.break_rest(law.rsample(), 4), *igr.tail_start(law, 2)]
    finally:
        torch.set_default_dtype(torch.float32)
    assert {x.dtype for x in found} == {torch.float32}
