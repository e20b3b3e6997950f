"""Every family goes through all that the package does, or is refused by name."""

import inspect
from importlib import import_module

import numpy as np
import pytest
from cases import BY_LARGEST_WEIGHT, WITH_FLOW
from scipy.stats import norm

FAMILIES = {**WITH_FLOW, "toy": lambda igr, *args: import_toy(igr).SinhIGR(*args)}
TAU, LOC, SCALE = 0.5, [0.4, -0.3], [0.9, 1.1]
CENTRES = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
X = np.array([[0.4, 0.2], [-0.6, 0.1]])
IN_LOGS = frozenset({"exp_igr"})
COUNTED = frozenset({"flow"})
WITHOUT_MATCH = frozenset({"flow"})
HARD = frozenset({"straight_through"})
WITHOUT_NOISE = frozenset({"infinite", "flow", *BY_LARGEST_WEIGHT})
# Whom an objective refuses, and what it says.
OBJECTIVES = {
    "mean field": (lambda host: host.MEAN_FIELD(), {}),
    "STL": (lambda host: host.igr.TraceSTL_ELBO(), {}),
    "discrete KL": (
        lambda host: host.igr.TraceDiscreteKL_ELBO(),
        {COUNTED: "at site 'z', has no gradient"},
    ),
    "discrete IWAE": (
        lambda host: host.igr.TraceDiscreteIWAE_ELBO(2),
        {COUNTED: "at site 'z', has no gradient"},
    ),
    "RELAX": (
        lambda host: host.igr.TraceRELAX_ELBO(),
        {WITHOUT_NOISE: "drawn given its category.* by TraceUnorderedSet_ELBO"},
    ),
    "set": (
        lambda host: host.igr.TraceUnorderedSet_ELBO(2),
        {IN_LOGS: "log z", COUNTED: "at site 'z', has no gradient"},
    ),
}
every_family = pytest.mark.parametrize("name", FAMILIES)


def import_toy(igr):
    return import_module(f"backends.{igr.__name__.removesuffix('_igr')}_toy")


def member(host, name, loc=LOC, tau=TAU):
    return FAMILIES[name](host.igr, tau, host.array(loc), host.array(SCALE))


def pair(host, name):
    """A model of two points at centres, and a guide, both with this family."""
    prior, q = member(host, name, [0.0, 0.0]), member(host, name)

    def model():
        with host.plate("points", 2):
            z = host.sample("z", prior)
            z = host.exp(z) if name in IN_LOGS else z
            means = host.normal(z @ host.array(CENTRES)).to_event(1)
            host.sample("x", means, obs=host.array(X))

    def guide():
        with host.plate("points", 2):
            host.sample("z", q)

    return model, guide


def exact(host, name):
    """The discrete ELBO of the pair, summed over the categories."""
    p, q = (np.asarray(member(host, name, loc).probs) for loc in ([0.0, 0.0], LOC))
    seen = q > 0
    likelihood = norm.logpdf(X[:, None], CENTRES).sum(-1)
    return (q * likelihood).sum() + 2 * (q[seen] * np.log(p[seen] / q[seen])).sum()


def test_the_table_has_every_family_of_the_package(backend):
    exported = vars(backend.igr).values()
    base = backend.igr.GaussianPushforward
    families = {x for x in exported if inspect.isclass(x) and issubclass(x, base)}
    host = import_module(backend.__name__.replace("_backend", "_engines"))
    assert families - {base} <= {type(member(host, name)) for name in FAMILIES}


@every_family
def test_a_member_is_like_itself_in_any_batch(host, backend, name):
    q = member(host, name)
    again = q.like(q.temperature, q.loc, q.scale)
    assert type(again) is type(q)
    z = backend.sample(q, 0)
    if name not in HARD:
        np.testing.assert_array_equal(again.log_prob(z), q.log_prob(z))
    rows = q.expand((3,))
    assert rows.batch_shape == (3,)
    kl = np.asarray(backend.kl(rows, again))
    np.testing.assert_array_equal(kl, np.zeros(3))
    masked = q.expand((2,)).mask(host.array([True, False]))
    assert np.asarray(masked.log_prob(z))[1] == 0


@every_family
def test_the_sampled_kl_is_the_closed_form(host, backend, name):
    if name in HARD:
        return  # whose values have no density
    q, p = (
        member(host, name, loc, 2.0 if name == "toy" else 0.9)
        for loc in (LOC, [0.0, 0.0])
    )
    z = backend.sample(q, 0, (20_000,))
    ratios = np.asarray(q.log_prob(z) - p.log_prob(z))
    error = ratios.std() / len(ratios) ** 0.5
    np.testing.assert_allclose(ratios.mean(), backend.kl(q, p), atol=5 * error)


def refused(call, words, *args, **options):
    with pytest.raises((ValueError, NotImplementedError), match=words):
        call(*args, **options)


@every_family
def test_the_discrete_model_is_that_of_its_probabilities(host, name):
    programs = pair(host, name)
    if name in IN_LOGS:
        return refused(host.start, "log z", host.igr.discretize(programs[1]))
    discrete = [host.igr.discretize(program) for program in programs]
    found = host.loss_once(host.igr.TraceEnumeratedDiscrete_ELBO(), *discrete)
    np.testing.assert_allclose(-found, exact(host, name), rtol=1e-6)
    return None


@every_family
@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.filterwarnings("ignore:The control variate is not trained")
def test_every_objective_takes_it_or_says_why_not(host, name, objective):
    make, refusals = OBJECTIVES[objective]
    programs = pair(host, name)
    for families, words in refusals.items():
        if name in families:
            return refused(host.loss, words, make(host), *programs)
    loss = host.value(host.loss(make(host), *programs))
    assert np.isfinite(loss) or (name in HARD and objective == "STL")
    return None


@every_family
def test_a_discrete_model_relaxed_by_it_has_its_probabilities(host, name):
    probs, family = np.array([0.5, 0.3, 0.2]), type(member(host, name))

    def model():
        return host.sample("z", host.one_hot(probs=host.array(probs)))

    if name in IN_LOGS:
        return refused(host.igr.relax, "whose value is z", model, TAU, family=family)
    relaxed = host.igr.relax(model, TAU, family=family)
    if name in WITHOUT_MATCH:
        return refused(host.start, "closed form", relaxed)
    guide = host.igr.AutoIGR(relaxed, TAU)
    found = host.medians(guide)["z"]
    np.testing.assert_allclose(np.asarray(found), probs, atol=1e-6)
    return None


def test_what_is_known_of_a_map_is_not_known_of_the_one_that_overrides_it(backend):
    class Overriding(backend.igr.IGR):
        _transform = import_toy(backend.igr).SinhIGR._transform

    q, p = (
        Overriding(tau, backend.array(LOC), backend.array(SCALE)) for tau in (0.5, 2.0)
    )
    assert q.unit_map is None
    assert q.noise_type is None
    refused(backend.kl, "same temperature", q, p)
    np.testing.assert_allclose(backend.kl(q, q), 0.0)


def test_the_kl_of_sticks_is_not_that_of_a_map_that_overrides_theirs(backend):
    class Overriding(backend.igr.InfiniteIGR):
        _transform = import_toy(backend.igr).SinhIGR._transform

    class OfSticks(backend.igr.IGRStickBreaking):
        _transform = Overriding._transform

    gem = backend.igr.GEM(1.0, 2)
    loc, scale = backend.array(LOC), backend.array(SCALE)
    q = Overriding(TAU, loc, scale, tail=gem)
    for p in backend.igr.InfiniteIGR(TAU, loc, scale, tail=gem), gem:
        refused(backend.kl, "Overriding", q, p)
    refused(backend.kl, "OfSticks", OfSticks(TAU, loc, scale), gem)


def test_an_argument_that_options_lack_is_not_lost_without_a_word(backend):
    class Power(import_toy(backend.igr).SinhIGR):
        def __init__(self, temperature, loc, scale, *, power=1.0):
            self.power = power
            super().__init__(temperature, loc, scale)

    q, p = (
        Power(TAU, backend.array(LOC), backend.array(SCALE), power=power)
        for power in (1.0, 2.0)
    )
    with pytest.raises(TypeError, match="add power"):
        q.like(TAU, LOC, SCALE)
    refused(backend.kl, "do not name power", q, p)
