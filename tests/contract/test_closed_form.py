"""Under TraceMeanField_ELBO the KL of the family has no Monte-Carlo noise."""

import numpy as np
import pytest
from cases import LAWS, TEMPERINGS, WITH_KL_ACROSS_TEMPERATURES
from contexts import (
    N,
    as_event,
    bare,
    in_plates,
    in_subsampled_plate,
    masked,
    masked_distribution,
)

K = 4
TAU = 0.5
LOC, SCALE = (np.array(x, np.float32) for x in ([0.3, -0.6, 0.9], [0.8, 1.1, 0.6]))

pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit")
every_family = pytest.mark.parametrize("name", LAWS)


@pytest.fixture(autouse=True)
def single_precision(host):
    with host.single_precision():
        yield


def make(host, name, temperature=TAU, loc=LOC, scale=SCALE):
    """The distribution of this name in the table of cases."""
    return LAWS[name](host.igr, temperature, host.array(loc), host.array(scale))


def prior_of(host, name, temperature=TAU):
    return make(host, name, temperature, np.zeros_like(LOC), np.ones_like(SCALE))


def sample_as_event(host, law):
    host.sample("z", law.expand([2, N]).to_event(2))


def sample_scaled(host, law):
    with host.scale(0.1):
        in_plates(host, law)


def sample_several(host, law):
    for i in host.loop("loop", 3):
        host.sample(f"z{i}", law)


SITES = {
    "bare": (bare, 1),
    "plates": (in_plates, 2 * N),
    "subsampled_plate": (in_subsampled_plate, 4 * N),
    "event": (sample_as_event, 2 * N),
    "event_in_plate": (as_event, 2 * N),
    "scaled": (sample_scaled, 0.1 * 2 * N),
    "masked": (masked, 3),
    "masked_distribution": (masked_distribution, 3),
    "several": (sample_several, 3),
}


def loss_over_seeds(host, engine, p, q, sample=in_plates):
    """The one loss of four seeds."""
    pair = (lambda: sample(host, p)), (lambda: sample(host, q))
    (loss,) = host.MEAN_FIELDS[engine](*pair)
    return loss


# How a family is expanded and masked is its own, the rest of a site is not.
OF_EACH = "plates", "event_in_plate", "masked_distribution"
AT_EVERY_SITE = "igr", "infinite"


@pytest.mark.parametrize(
    ("name", "site"),
    [(name, site) for name in AT_EVERY_SITE for site in SITES]
    + [(name, site) for name in LAWS if name not in AT_EVERY_SITE for site in OF_EACH],
)
def test_the_kl_term_has_zero_variance_across_seeds(backend, host, name, site):
    sample, count = SITES[site]
    q, p = make(host, name), prior_of(host, name)
    expected = pytest.approx(count * float(backend.kl(q, p)), rel=1e-5)
    # Tracing is slow: engines that do it see each site once, and each family.
    is_traced = name == "igr" or sample is in_plates
    for engine in host.MEAN_FIELDS if is_traced else [host.PLAIN]:
        assert loss_over_seeds(host, engine, p, q, sample) == expected
    host.igr.assert_analytic_kl(lambda: sample(host, p), lambda: sample(host, q))


@pytest.mark.parametrize("name", WITH_KL_ACROSS_TEMPERATURES)
def test_zero_variance_holds_between_different_temperatures(backend, host, name):
    temperatures = host.array(np.linspace(0.1, 0.9, N, dtype=np.float32))
    q = make(host, name, temperatures, np.tile(LOC, (N, 1)))
    p = prior_of(host, name, 0.7)
    expected = pytest.approx(2 * float(backend.kl(q, p).sum()), rel=1e-5)
    for engine in host.MEAN_FIELDS:
        assert loss_over_seeds(host, engine, p, q) == expected


@every_family
def test_a_likelihood_that_ignores_the_latent_adds_no_variance(host, name):
    def model():
        in_plates(host, prior_of(host, name))
        host.sample("x", host.dist.Normal(0.0, 1.0), obs=host.array(np.float32(2)))

    def guide():
        in_plates(host, make(host, name))

    assert len(host.MEAN_FIELDS[host.PLAIN](model, guide)) == 1


def test_a_straight_through_guide_has_a_closed_form_to_a_relaxed_prior(host):
    q, p = make(host, "straight_through"), prior_of(host, "igr")
    loss_over_seeds(host, host.PLAIN, p, q)


def equal_temperatures(host, kind):
    if kind == "numbers":
        return TAU, TAU
    one, other = (host.array(np.float32(TAU)) for _ in range(2))
    return (one, one) if kind == "one array" else (one, other)


@pytest.mark.parametrize("kind", ["numbers", "one array", "equal arrays"])
@pytest.mark.parametrize("tempering", TEMPERINGS[1:])
def test_equal_temperatures_give_every_tempering_its_closed_form(host, tempering, kind):
    name = f"stick_breaking_{tempering}"
    one, other = equal_temperatures(host, kind)
    q, p = make(host, name, one), prior_of(host, name, other)
    engines = [host.PLAIN] if kind == "equal arrays" else host.MEAN_FIELDS
    for engine in engines:
        loss_over_seeds(host, engine, p, q)
