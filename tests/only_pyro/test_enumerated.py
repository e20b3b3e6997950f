"""Joint values, or samples, in a dimension of their own."""

import pyro
import pyro.distributions as dist
import pytest
import torch
from pyro_families import fresh_host as fresh_host

from pyro_igr import (
    AutoIGR,
    TraceDiscreteIWAE_ELBO,
    TraceEnumeratedDiscrete_ELBO,
    TraceUnorderedSet_ELBO,
    TraceVIMCO_ELBO,
    relax,
)

ENGINES = {
    "all values": TraceEnumeratedDiscrete_ELBO,
    "a set": lambda: TraceUnorderedSet_ELBO(2),
    "samples": lambda: TraceUnorderedSet_ELBO(4, replacement=True),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_program_that_does_not_keep_dimensions_is_refused(engine):
    def guide():
        return pyro.sample("s", dist.OneHotCategorical(torch.ones(2)))

    def model():
        s = guide()[..., 0, None, None]
        with pyro.plate("data", 3):
            z = pyro.sample("z", dist.Normal(0.0, 1.0).expand([3]))
            pyro.sample("x", dist.Normal(z + s, 1.0), obs=torch.zeros(3))

    def with_z():
        guide()
        with pyro.plate("data", 3):
            pyro.sample("z", dist.Normal(0.0, 1.0).expand([3]))

    with pytest.raises(
        ValueError, match="site 'x' has more dimensions than its plates"
    ):
        ENGINES[engine]().loss(model, with_z)


MIXING = ENGINES | {
    "importance weights": lambda: TraceDiscreteIWAE_ELBO(3),
    "VIMCO": lambda: TraceVIMCO_ELBO(4),
}


@pytest.mark.parametrize("engine", [*ENGINES, "VIMCO"])
def test_a_guide_without_a_one_hot_site_is_refused(engine):
    def program():
        with pyro.plate("data", 2):
            pyro.sample("w", dist.Normal(0.0, 1.0))

    with pytest.raises(ValueError, match="relaxed or one-hot site, got sites w$"):
        MIXING[engine]().loss(program, program)


def ising(energy):
    def model():
        with pyro.plate("spins", 4):
            z = pyro.sample("z", dist.OneHotCategorical(torch.ones(2)))
        pyro.factor("energy", energy(z @ torch.tensor([-1.0, 1.0])))

    relaxed = relax(model, 0.5)
    return relaxed, AutoIGR(relaxed, 0.5)


@pytest.mark.parametrize("engine", MIXING)
def test_an_energy_over_all_dimensions_is_refused_by_its_site(engine):
    pair = ising(lambda s: (s[1:] * s[:-1]).sum())
    with pytest.raises(ValueError, match="site 'energy' has another density"):
        MIXING[engine]().loss(*pair)
    pair = ising(lambda s: (s[..., 1:] * s[..., :-1]).sum(-1, keepdim=True))
    assert MIXING[engine]().loss(*pair) < 20


@pytest.mark.parametrize("engine", MIXING)
def test_batch_normalization_is_refused_unless_it_has_statistics_of_its_own(engine):
    norm = torch.nn.BatchNorm1d(1)
    pair = ising(lambda s: norm(s.exp().reshape(-1, 1)).reshape(s.shape)[..., :1])
    with pytest.raises(ValueError, match=r"site 'energy' [\s\S]*\.eval\(\)"):
        [MIXING[engine]().loss(*pair) for _ in range(10)]  # some samples are alike
    norm.eval()
    assert abs(MIXING[engine]().loss(*pair)) < 20


@pytest.mark.parametrize("engine", MIXING)
def test_an_energy_without_its_dimensions_is_said_to_lack_them(engine):
    with pytest.raises(ValueError, match="at site .energy.") as error:
        MIXING[engine]().loss(*ising(lambda s: s.sum(-1)))
    assert "keep those of size 1" in error.value.__notes__[0]


@pytest.mark.parametrize("engine", MIXING.values(), ids=MIXING)
def test_too_few_plates_are_said_to_be_too_few(engine):
    def program():
        with pyro.plate("data", 2):
            pyro.sample("z", dist.RelaxedOneHotCategorical(0.5, torch.ones(2)))

    elbo = engine()
    elbo.max_plate_nesting = 0
    with pytest.raises(ValueError, match="max_plate_nesting.* at least 1") as error:
        elbo.loss(program, program)
    assert not hasattr(error.value, "__notes__")
    elbo.max_plate_nesting = 1
    assert elbo.loss(program, program) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("engine", MIXING.values(), ids=MIXING)
def test_a_batch_without_a_plate_is_not_taken_for_samples(engine):
    law = dist.RelaxedOneHotCategorical(0.5, torch.ones(3, 2))

    def program(law):
        return lambda: pyro.sample("z", law)

    elbo = engine()
    elbo.max_plate_nesting = 0
    with pytest.raises(ValueError, match="site 'z' has batch shape .* by .to_event"):
        elbo.loss(program(law), program(law))
    law = law.to_event(1)
    assert elbo.loss(program(law), program(law)) == pytest.approx(0, abs=1e-5)


def now_and_then(s):
    if torch.rand(()) < 0.5:
        pyro.factor("other", s[..., :1])
    return s[..., :1]


def some_data(s):
    size = int(torch.randint(1, 4, ()))
    with pyro.plate("data", size):
        pyro.sample("x", dist.Normal(0.0, 1.0), obs=torch.zeros(size))
    return s[..., :1]


CHANCE = {
    "noise": lambda s: torch.randn(()) + s[..., :1],
    "a coin": lambda s: (torch.rand(()) < 0.5) + s[..., :1],
    "a site now and then": now_and_then,
    "a number of data": some_data,
}


@pytest.mark.parametrize("energy", CHANCE.values(), ids=CHANCE)
@pytest.mark.parametrize("engine", MIXING)
def test_a_program_with_chance_of_its_own_is_not_said_to_mix(engine, energy):
    pair = ising(energy)
    for _ in range(10):
        assert abs(MIXING[engine]().loss(*pair)) < 40


@pytest.mark.parametrize("engine", MIXING)
def test_a_subsample_is_that_of_the_run_that_is_checked(engine):
    def prior():
        return pyro.sample("z", dist.OneHotCategorical(torch.ones(2)))

    def model():
        with pyro.plate("data", 2, subsample_size=1) as index:
            pyro.factor("cost", prior()[..., 0] + index)

    relaxed = relax(model, 0.5)
    guide = AutoIGR(relaxed, 0.5)
    for _ in range(10):
        assert abs(MIXING[engine]().loss(relaxed, guide)) < 10
