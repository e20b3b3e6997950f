"""AutoIGR is a guide to any relaxed model, with the closed-form KL at its sites."""

from contextlib import nullcontext
from functools import partial
from inspect import signature
from operator import attrgetter, itemgetter

import numpy as np
import pytest
from cases import WITH_FLOW, WITH_KL_ACROSS_TEMPERATURES
from contexts import KEPT, PROGRAMS, in_subsampled_plate, innermost, sites_of_law
from scipy.special import logsumexp, softmax
from scipy.stats import norm

TAU = 0.3
LOC = np.array([1.0, -1.0, 0.5], np.float32)
SPREAD = np.array([0.1, 0.3, 2.0], np.float32)
PROBS = np.array([0.1, 0.2, 0.4, 0.3], np.float32)
X = np.array([0.5, -1.0, 1.5], np.float32)
MEANS = np.array([-1.0, 0.0, 1.0, 2.0], np.float32)
every_context = pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)


@pytest.fixture(autouse=True)
def single_precision(host):
    with host.single_precision():
        yield


def one_hot(host):
    return host.one_hot(host.array(PROBS))


def relaxed(host, program, *args, **options):
    return host.igr.relax(partial(program, host, *args), TAU, **options)


@pytest.mark.parametrize(
    ("context", "family"),
    [(context, "IGRStickBreaking") for context in PROGRAMS]
    + [(x, y) for x in ("as_event", "masked") for y in ("IGR", "IGRStraightThrough")],
)
def test_the_kl_is_analytic_in_every_context(host, context, family):
    program, family = PROGRAMS[context], getattr(host.igr, family)
    prior = family(TAU, host.array(0 * LOC), host.array(0 * LOC + 1))
    model = partial(program, host, prior)
    guide = host.igr.AutoIGR(model, 2 * TAU)
    host.igr.assert_analytic_kl(model, guide)
    found = sites_of_law(host, lambda *_: guide(), None)
    laws = [innermost(host, site["fn"]) for site in found.values()]
    assert laws
    for law in laws:
        assert type(law) is family
        np.testing.assert_allclose(law.temperature, 2 * TAU, rtol=1e-6)


@every_context
def test_the_kl_has_no_variance_and_is_zero_at_the_start(host, guides, program):
    model = relaxed(host, program, one_hot(host))
    guide = host.igr.AutoIGR(model, TAU)
    host.igr.assert_analytic_kl(model, guide)
    losses = guides.moved_losses(host.MEAN_FIELD(), model, guide, (0.0, 0.5), 3)
    np.testing.assert_allclose(losses[0], 0, atol=1e-5)
    assert losses[1].min() > 0.05
    np.testing.assert_allclose(losses[1], losses[1][0], rtol=1e-5)


def test_the_guide_has_the_masks_of_the_model(host, guides):
    model = relaxed(host, PROGRAMS["masked"], one_hot(host))
    guide = host.igr.AutoIGR(model, TAU)
    start = guides.locations(guide)["z"]
    guide = guides.placed(guide, {"z": start + np.float32(~KEPT)[:, None]})
    assert abs(host.loss_once(host.MEAN_FIELD(), model, guide)) < 1e-5

    def masked():
        with host.mask(KEPT):
            guide()

    assert abs(host.loss_once(host.MEAN_FIELD(), model, masked)) < 1e-5


@pytest.mark.parametrize("weighed", ["mask", "scale"])
def test_a_guide_given_for_continuous_sites_is_called_once_and_cannot_be_weighed(
    host, guides, weighed
):
    def model(is_weighed):
        with host.mask(False):
            host.sample("z", one_hot(host))
        by = host.mask(False) if weighed == "mask" else host.scale(0.5)
        with by if is_weighed else nullcontext():
            two = host.array(np.float32(2))
            host.sample("w", host.dist.Gamma(two, two / 2))

    given = {"continuous": guides.AutoNormal}
    guide = host.igr.AutoIGR(host.igr.relax(model, TAU), TAU, **given)
    assert set(host.run(guide, False)) == {"z", "w"}
    with pytest.raises(ValueError, match="masks or scales site 'w'"):
        host.run(guide, True)


def below_another(host):
    one = host.array(np.float32(1))
    x = host.sample("x", host.dist.HalfNormal(one))
    return {"x": x, "y": host.sample("y", host.dist.Uniform(0 * one, x))}


def below_a_relaxed_one(host):
    x = host.sample("x", one_hot(host)) @ host.array(np.exp(MEANS))
    host.sample("y", host.dist.Uniform(0 * x, x))


@pytest.mark.parametrize("model", [below_another, below_a_relaxed_one])
def test_a_support_that_depends_on_a_latent_site_is_refused(host, model):
    guide = host.igr.AutoIGR(partial(model, host), TAU)
    with pytest.raises(ValueError, match="support of site 'y' depends"):
        host.run(guide)


def test_a_guide_of_ones_own_may_have_a_support_that_depends(host):
    model = partial(below_another, host)
    guide = host.igr.AutoIGR(model, TAU, continuous=lambda _: lambda: model())
    assert set(host.run(guide)) == {"x", "y"}


@pytest.mark.parametrize("follows", [False, True])
def test_a_guide_of_ones_own_need_not_return_its_values(host, follows):
    def model():
        with host.scale(0.5) if follows else nullcontext():
            host.sample("z", one_hot(host))
        host.sample("u", host.normal(host.array(np.float32(0))))

    def guide():
        host.sample("u", host.normal(host.array(np.float32(1))))

    found = host.igr.AutoIGR(model, TAU, continuous=lambda _: guide)
    assert set(host.run(found)) == {"u", "z"}


def test_a_guide_of_ones_own_is_drawn_from_and_only_others_have_quantiles(host, guides):
    def model():
        host.sample("z", one_hot(host))
        host.sample("u", host.normal(host.array(np.zeros(2, np.float32))).to_event(1))

    def own():
        loc = host.param("loc", host.array(np.float32([3, 100])))
        return host.sample("u", host.normal(loc).to_event(1))

    guide = host.igr.AutoIGR(model, TAU, continuous=lambda _: own)
    for found in (guides.median(guide), guides.quantiles(guide, [0.1, 0.9])):
        assert set(found) == {"z"}
    draws = guides.posterior(guide, 50)
    assert draws["z"].shape == (50, 4)
    np.testing.assert_allclose(host.detach(draws["u"]).mean(0), [3, 100], atol=1)


def test_a_function_that_makes_no_guide_is_named(host):
    guide = host.igr.AutoIGR(partial(mixed, host), TAU, continuous=lambda _: None)
    with pytest.raises(TypeError, match="expected continuous to return a guide"):
        host.run(guide)


@pytest.mark.parametrize("scale", [0, -0.1])
def test_a_first_scale_that_is_not_positive_is_named(host, scale):
    guide = host.igr.AutoIGR(partial(mixed, host), TAU, init_scale=scale)
    with pytest.raises(ValueError, match=f"init_scale to be positive, got {scale}"):
        host.run(guide)

    guide = host.igr.AutoIGR(partial(mixed, host), TAU, init_scale="learned")
    with pytest.raises(TypeError, match="init_scale to be .*, got 'learned'"):
        host.run(guide)


def test_an_unknown_keyword_names_the_guide_and_the_keywords_of_relax(host):
    with pytest.raises(TypeError, match=r"^AutoIGR\(\) got .* 'stick': .* num_sticks"):
        host.igr.AutoIGR(partial(mixed, host), TAU, stick=3)


def test_a_guide_is_new_after_a_first_run_that_failed(host):
    made = []

    def model(size, is_bounded):
        with host.plate("data", size):
            host.sample("z", one_hot(host))
        one = host.array(np.float32(1))
        x = host.sample("x", host.dist.HalfNormal(one))
        host.sample("y", host.dist.Uniform(0 * one, x if is_bounded else one))

    default = signature(host.igr.AutoIGR).parameters["continuous"].default

    def continuous(part):
        made.append(part)
        return None if len(made) == 2 else default(part)

    guide = host.igr.AutoIGR(model, TAU, continuous=continuous)
    for error, match in [
        (ValueError, "support of site 'y' depends"),
        (TypeError, "continuous to return a guide"),
        (ValueError, "support of site 'y' depends"),
    ]:
        with pytest.raises(error, match=match):
            host.run(guide, 2, True)
        assert len(guide) == 0
    assert host.run(guide, 3, False)["z"].shape == (3, len(PROBS))


def test_data_of_another_size_are_refused_by_plate_and_site(host):
    def model(x):
        with host.plate("data", len(x)):
            host.sample("z", one_hot(host))

    guide = host.igr.AutoIGR(host.igr.relax(model, TAU), TAU)
    host.run(guide, host.array(X))
    for _ in range(2):
        with pytest.raises(
            ValueError, match="'data' of site 'z' has size 2, and had 3"
        ):
            host.run(guide, host.array(X[:2]))
    host.run(guide, host.array(X))


def test_a_size_is_checked_where_a_site_of_the_guide_is_observed(host):
    def model(size, z=None):
        with host.plate("data", size):
            host.sample("z", one_hot(host), obs=z)

    model = host.igr.relax(model, TAU)
    guide, labels = host.igr.AutoIGR(model, TAU), host.array(np.eye(len(PROBS)))
    host.run(guide, 3)
    host.run(guide, 3, labels[:3])
    with pytest.raises(ValueError, match="'data' of site 'z' has size 2, and had 3"):
        host.run(guide, 2, labels[:2])


def test_a_size_that_is_given_as_a_number_is_checked_too(host):
    def model(size):
        with host.plate("data", size):
            host.sample("z", one_hot(host))

    guide = host.igr.AutoIGR(host.igr.relax(model, TAU), TAU)
    host.run(guide, 3)
    with pytest.raises(ValueError, match="'data' of site 'z' has size 1, and had 3"):
        host.run(guide, 1)


def test_a_subsample_may_have_another_size_at_each_call(host):
    def model(size):
        with host.plate("data", 6, subsample_size=size):
            host.sample("z", one_hot(host))

    model = host.igr.relax(model, TAU)
    guide = host.igr.AutoIGR(model, TAU)
    host.run(guide, 2)
    for size in 6, 3, 2:
        programs = partial(model, size), partial(guide, size)
        assert abs(host.loss_once(host.MEAN_FIELD(), *programs)) < 1e-5
        assert len(host.indices(programs[1], "data")) == size


def test_kept_sites_are_left_to_be_enumerated(host):
    def model():
        z = host.sample("z", one_hot(host))
        kind = host.sample("kind", host.dist.Bernoulli(host.array(np.float32(0.4))))
        two = host.array(np.float32(2))
        with host.mask(True):
            weight = host.sample("weight", host.dist.Gamma(two, two / 2))
        mean = z @ host.array(MEANS) + kind * weight
        host.sample("x", host.dist.Normal(mean, 1.0), obs=host.array(X[0]))

    model = host.igr.relax(host.config_enumerate(model), TAU, keep={"kind"})
    guide = host.igr.AutoIGR(model, TAU)
    assert set(host.run(guide)) == {"z", "weight"}
    assert np.isfinite(host.evidence(model, guide))


def test_a_subsample_takes_the_parameters_of_its_points(backend, host, guides):
    def program(host, law):
        in_subsampled_plate(host, law)
        with host.plate("other", 20, subsample_size=5):
            host.sample("center", host.normal(host.array(np.float32(0))))

    guide = host.igr.AutoIGR(relaxed(host, program, one_hot(host)), TAU)
    start, shift = guides.locations(guide), np.arange(20, dtype=np.float32)
    assert start["z"].shape == (20, 3)
    moved = {"z": start["z"] + shift[:, None], "center": shift}
    sites = host.sites(guides.placed(guide, moved))
    index = backend.numpy(sites["data"]["value"])
    found = innermost(host, sites["z"]["fn"])
    np.testing.assert_allclose(backend.numpy(found.loc), moved["z"][index])
    found = innermost(host, sites["center"]["fn"])
    np.testing.assert_allclose(backend.numpy(found.loc), sites["other"]["value"])


@pytest.mark.parametrize("name", WITH_FLOW)
def test_the_guide_starts_at_the_distribution_of_the_model(backend, host, name):
    loc, spread = host.array(LOC), host.array(SPREAD)
    like = WITH_FLOW[name](host.igr, host.array(np.float32(TAU)), loc, spread)

    def model():
        with host.plate("rows", 2):
            host.sample("z", like)

    guide = host.igr.AutoIGR(model, like.temperature)
    assert abs(host.loss_once(host.MEAN_FIELD(), model, guide)) < 1e-5
    found = innermost(host, host.sites(guide)["z"]["fn"])
    np.testing.assert_allclose(backend.numpy(found.loc), np.tile(LOC, (2, 1)))
    scale = backend.numpy(found.scale)
    np.testing.assert_allclose(scale, np.tile(SPREAD, (2, 1)), rtol=1e-6)
    if hasattr(like, "delta"):
        np.testing.assert_allclose(found.delta, like.delta)


def ordered(host):
    base = host.normal(host.array(np.zeros(3, np.float32))).to_event(1)
    ordering = host.dist.transforms.OrderedTransform()
    return host.dist.TransformedDistribution(base, ordering)


@pytest.mark.parametrize("name", WITH_FLOW)
def test_the_docstring_says_where_the_kl_is_analytic_at_another_temperature(host, name):
    loc, spread = host.array(LOC), host.array(SPREAD)
    like = WITH_FLOW[name](host.igr, host.array(np.float32(TAU)), loc, spread)

    def model():
        host.sample("z", like)

    host.igr.assert_analytic_kl(model, host.igr.AutoIGR(model, like.temperature))
    guide = host.igr.AutoIGR(model, 0.1)
    is_analytic = name in WITH_KL_ACROSS_TEMPERATURES
    refusal = pytest.raises(AssertionError, match="'z' has no analytic KL.*temperature")
    with nullcontext() if is_analytic else refusal:
        host.igr.assert_analytic_kl(model, guide)


def of_delta(host, x):
    return host.igr.IGR(TAU, host.array(0 * LOC), host.array(SPREAD), x)


def of_tail(tail):
    def make(host, x):
        loc, scale = host.array(0 * LOC), host.array(SPREAD)
        return host.igr.InfiniteIGR(TAU, loc, scale, 1.0, tail=tail(host, x))

    return make


OPTIONS = {
    "delta": (of_delta, "delta"),
    "gem": (of_tail(lambda host, x: host.igr.GEM(x, 1)), "tail.concentration"),
    "normal": (of_tail(lambda host, x: host.dist.Normal(x, 1.0)), "tail.loc"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_guide_has_the_options_that_its_model_trains(host, name):
    law, option = OPTIONS[name]

    def model():
        x = host.param("x", host.array(np.float32(1)), constraint=host.positive)
        host.factor("more", x)
        host.sample("z", law(host, x))

    guide = host.igr.AutoIGR(model, TAU, scale="learned")
    trained = host.train(host.MEAN_FIELD(), model, guide, 3, 0.5)
    pair = trained(model), trained(guide)
    dists = [innermost(host, host.sites(program)["z"]["fn"]) for program in pair]
    found = [host.value(attrgetter(option)(dist)) for dist in dists]
    assert found[0] == found[1] > 1.5
    host.igr.assert_analytic_kl(*pair)


def test_a_guide_has_the_options_of_its_subsample(backend, host):
    deltas = np.arange(1, 11, dtype=np.float32)

    def model():
        with host.plate("data", 10, subsample_size=3) as index:
            host.sample("z", of_delta(host, host.array(deltas)[index]))

    guide = host.igr.AutoIGR(model, TAU)
    host.run(guide)
    sites = host.sites(guide)
    index = backend.numpy(sites["data"]["value"])
    found = innermost(host, sites["z"]["fn"]).delta
    np.testing.assert_array_equal(backend.numpy(found), deltas[index])


def test_a_guide_runs_no_model_again_whose_options_are_not_trained(host):
    runs = []

    def model():
        runs.append(1)
        loc = host.param("loc", host.array(LOC))
        scale, delta = host.array(SPREAD), host.array(np.float32(2))
        host.sample("z", host.igr.IGR(TAU, loc, scale, delta))
        tail = host.igr.GEM(delta, 1)
        host.sample("w", host.igr.InfiniteIGR(TAU, loc, scale, 1.0, tail=tail))
        with host.plate("whole", 3):
            host.sample("a", host.igr.IGR(TAU, loc, scale, host.array(SPREAD)))
        with host.plate("parts", 4, subsample_size=2):
            host.sample("b", host.igr.IGR(TAU, loc, scale, delta))

    guide = host.igr.AutoIGR(model, TAU)
    host.run(guide)
    first = len(runs)
    host.run(guide)
    assert len(runs) == first


GIVEN = {
    "alone": (lambda x: x, lambda x: x),
    "in_a_tuple": (lambda x: (x,), itemgetter(0)),
    "in_a_dictionary": (lambda x: {"x": x}, itemgetter("x")),
}


@pytest.mark.parametrize(
    "values", [np.array([False, True]), np.array([2, 3])], ids=["flags", "integers"]
)
@pytest.mark.parametrize("way", GIVEN)
def test_a_mask_that_comes_with_a_scalar_of_numpy_is_noticed(host, guides, way, values):
    pack, unpack = GIVEN[way]
    first, second = map(pack, values)

    def model(given=first):
        with nullcontext() if unpack(given) == values[0] else host.mask(False):
            host.sample("z", one_hot(host))

    model = host.igr.relax(model, TAU)
    guide = host.igr.AutoIGR(model, TAU)
    host.run(guide, first)
    moved = {"z": guides.locations(guide)["z"] + 1}
    programs = model, guides.placed(guide, moved)
    masked = [partial(program, second) for program in programs]
    assert abs(host.loss_once(host.MEAN_FIELD(), *masked)) < 1e-5


SUPPORTS = {
    "vector": lambda host: host.dist.MultivariateNormal(
        host.array(np.zeros(2, np.float32)), host.array(np.eye(2, dtype=np.float32))
    ),
    "interval": lambda host: host.dist.Uniform(
        host.array(np.float32([-1, -1])), host.array(np.float32([1, 2]))
    ).to_event(1),
    "simplex": lambda host: host.dist.Dirichlet(
        host.array(np.ones((2, 3), np.float32))
    ).to_event(1),
    "cholesky": lambda host: host.dist.LKJCholesky(3, host.array(np.float32(2))),
    "ordered": ordered,
}


@pytest.mark.parametrize("name", SUPPORTS)
def test_continuous_sites_of_every_support_are_sampled_without_auxiliary_ones(
    host, guides, name
):
    prior = SUPPORTS[name](host)

    def model():
        with host.plate("data", 4, subsample_size=2):
            host.sample("x", prior)

    sites = {}

    def reports():
        guide = host.igr.AutoIGR(model, TAU)
        sites.update(host.sites(guide))
        quantiles, draws = guides.quantiles(guide, 0.5), guides.posterior(guide, 3)
        return guides.median(guide)["x"], quantiles["x"], draws["x"]

    median, quantiles, draws = host.dry(reports)
    sampled = {n for n, site in sites.items() if site["type"] == "sample"}
    assert sampled - {"data"} == {"x"}  # Pyro samples the indices of a plate
    engines = host.TRACE(), host.MEAN_FIELD()
    losses = host.each_loss(engines, model, host.igr.AutoIGR(model, TAU))
    if name != "vector":  # there is a KL to a Normal of diagonal covariance only
        np.testing.assert_allclose(*losses, rtol=1e-4)
    shape = (4, *prior.event_shape)
    assert median.shape == shape
    assert quantiles.shape == (1, *shape)
    assert draws.shape == (3, *guides.subsampled(shape))


def mixture(host):
    with host.plate("data", len(X)):
        z = host.sample("z", one_hot(host))
        mean = z @ host.array(MEANS)
        host.sample("x", host.dist.Normal(mean, 1.0), obs=host.array(X))


def test_a_relaxed_model_is_trained_and_discretized(host, guides):
    model = host.igr.relax(partial(mixture, host), 0.1)
    guide = host.igr.AutoIGR(model, 0.1)
    engine = host.igr.TraceDiscreteKL_ELBO(**host.particles(20, nesting=1))
    _, _, trained = host.fit(engine, model, guide, 150, 0.1)
    assert guides.names(guide) == guides.names_of_means("z")
    found = np.asarray(guides.median(guide, trained)["z"])
    log_joint = np.log(PROBS) + norm.logpdf(X[:, None], MEANS)
    assert abs(found - softmax(log_joint, -1)).sum(-1).max() / 2 < 0.1
    bound = (found * (log_joint - np.log(found))).sum()
    assert bound < logsumexp(log_joint, -1).sum() < bound + 0.1


def test_a_discrete_model_is_relaxed_first(host):
    program = partial(mixture, host)
    for name in ("IGR", "IGRStickBreaking"):
        options = {"family": getattr(host.igr, name)}
        guide = host.igr.AutoIGR(program, TAU, **options)
        model = host.igr.relax(program, TAU, **options)
        host.dry(lambda: host.igr.assert_analytic_kl(model, guide))  # noqa: B023


def mixed(host):
    one = host.array(np.float32(1))
    center = host.sample("center", host.dist.Normal(one, 2 * one))
    z = host.sample("z", one_hot(host))
    scale = host.sample("scale", host.dist.Gamma(2 * one, 2 * one))
    mean = z @ host.array(MEANS) + center
    host.sample("x", host.dist.Normal(mean, scale), obs=host.array(X[0]))


def test_continuous_sites_get_the_guide_of_the_host_in_the_order_of_the_model(
    host, guides
):
    model = relaxed(host, mixed)
    own = {"continuous": guides.AutoNormal, "init_scale": 0.3}
    guide = host.igr.AutoIGR(model, TAU, **own)
    host.start(guide)
    assert host.loss_once(host.MEAN_FIELD(), model, guide) > 0  # no warning of order
    parts = [type(part).__name__ for part in guide]
    assert parts == ["AutoNormal", "RelaxedGuide", "AutoNormal"]
    assert float(guides.spread(guide, "center")) == pytest.approx(0.3)
    assert list(guides.median(guide)) == ["center", "z", "scale"]
    other = host.igr.AutoIGR(model, TAU, continuous=guides.AutoDelta)
    host.dry(lambda: host.run(other))
    assert type(other[2]) is guides.AutoDelta


# The integral of N(x; u, 1) over u is 1, and N(x, 1) the posterior of u.
def test_an_improper_prior_is_no_obstacle_to_a_guide(host):
    one, x = host.array(np.float32(1)), host.array(np.float32(0.7))

    def improper(host):
        host.sample("z", one_hot(host))
        real = host.dist.constraints.real
        u = host.sample("u", host.dist.ImproperUniform(real, (), ()))
        host.sample("x", host.dist.Normal(u, one), obs=x)

    model = relaxed(host, improper)
    guide = host.igr.AutoIGR(model, TAU, init_loc_fn=lambda _: x, init_scale=1.0)
    host.start(guide)
    loss = host.loss_once(host.igr.TraceDiscreteKL_ELBO(), model, guide)
    assert loss == pytest.approx(0, abs=1e-5)


def test_a_count_given_a_masked_variable_is_independent_of_it_in_the_guide(host):
    """Only then can a set of all six joint values be drawn, whose loss is exact."""
    probs = host.array(np.array([0.3, 0.7], np.float32))

    def model():
        with host.mask(False):
            first = host.sample("g", host.one_hot(probs))[..., 0]
        n = host.sample("n", host.dist.Binomial(2, logits=first))
        host.sample("x", host.normal(n + first), obs=host.array(np.float32(0.7)))

    relaxed = host.igr.relax(model, TAU)
    pair = relaxed, host.igr.AutoIGR(relaxed, TAU)
    host.start(pair[1])
    all_values = host.loss_once(host.igr.TraceUnorderedSet_ELBO(6), *pair)
    exact = host.loss_once(host.igr.TraceEnumeratedDiscrete_ELBO(), *pair)
    assert all_values == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("shape", [(), (3,)])
def test_a_first_value_has_the_shape_of_its_site(host, shape):
    def pair():
        with host.plate("pair", 2):
            host.sample("u", host.normal(host.array(np.float32(0))))

    value = host.array(np.ones(shape, np.float32))
    first = {"u": value}
    start = {"init_loc_fn": lambda site: first.get(site["name"])}
    guide = host.igr.AutoIGR(pair, TAU, **start)
    with pytest.raises(ValueError, match=r"of shape \(2,\) at site 'u', got one of"):
        host.run(guide)


def test_a_guide_that_never_ran_reports_no_empty_answers(host, guides):
    program = relaxed(host, mixed)
    start = guides.median(host.igr.AutoIGR(program, TAU))
    assert list(start) == ["center", "z", "scale"]
    for report in (
        lambda guide: guides.median(guide, {}),
        lambda guide: guides.quantiles(guide, 0.5, {}),
    ):
        with pytest.raises(ValueError, match="from a first run of the model: call"):
            report(host.igr.AutoIGR(program, TAU))


def test_reports_give_recovered_probabilities_and_quantiles_of_gaussians(host, guides):
    guide = host.igr.AutoIGR(relaxed(host, mixed), TAU, init_scale=0.2)
    medians, quantiles = guides.median(guide), guides.quantiles(guide, [0.1, 0.9])
    assert list(medians) == ["center", "z", "scale"]
    np.testing.assert_allclose(medians["z"], PROBS, rtol=1e-5)
    np.testing.assert_allclose(quantiles["z"], [PROBS, PROBS], rtol=1e-5)
    deviations = 0.2 * norm.ppf([0.1, 0.9])  # of Gaussians, one of the logarithm
    center, scale = (float(medians[name]) for name in ("center", "scale"))
    np.testing.assert_allclose(quantiles["center"], center + deviations, rtol=1e-5)
    expected = scale * np.exp(deviations)
    np.testing.assert_allclose(quantiles["scale"], expected, rtol=1e-5)
    middle = guides.quantiles(guide, 0.5)
    np.testing.assert_allclose(middle["z"], PROBS[None], rtol=1e-5)
    np.testing.assert_allclose(middle["scale"][0], medians["scale"], rtol=1e-5)
    draws = host.dry(lambda: guides.posterior(guide, 7))
    shapes = {name: tuple(x.shape) for name, x in draws.items()}
    assert shapes == {"center": (7,), "z": (7, 4), "scale": (7,)}


@pytest.mark.parametrize("is_hard", [False, True])
def test_predictive_draws_from_the_guide_and_from_its_discrete_form(
    host, guides, is_hard
):
    model = relaxed(host, mixed)
    pair = model, host.igr.AutoIGR(model, TAU)
    pair = map(host.igr.discretize, pair) if is_hard else pair
    draws = guides.predict(*pair, 9)
    assert draws["x"].shape == (9,)
    assert (host.math.amax(draws["z"], -1) == 1).all() == is_hard


def test_the_temperature_is_a_function_of_the_arguments(host):
    def model(temperature):
        return host.igr.relax(partial(mixture, host), temperature)()

    guide = host.igr.AutoIGR(model, lambda temperature: temperature)
    for tau in 1.0, 0.2:
        found = host.sites(guide, host.array(np.float32(tau)))["z"]["fn"]
        np.testing.assert_allclose(found.temperature, tau, rtol=1e-6)


def test_a_masked_site_draws_from_the_model_whatever_the_parameters(host, guides):
    """Free ones would explain the data at no cost: a bound above the evidence."""

    def model():
        probs, one = host.array(np.float32([0.2, 0.8])), host.array(np.float32(1))
        with host.plate("data", 2), host.mask(np.array([True, False])):
            z = host.sample("z", host.one_hot(probs))
            w = host.sample("w", host.dist.Normal(5 * one, 2 * one))
        x = host.dist.Normal(z[:, 0] + w, 1.0).to_event(1)
        host.sample("x", x, obs=host.array(np.ones(2, np.float32)))

    guide = host.igr.AutoIGR(host.igr.relax(model, TAU), TAU)
    sites = host.sites(guides.filled(guide, 3.0))
    probs = innermost(host, sites["z"]["fn"]).probs
    normal = innermost(host, sites["w"]["fn"])
    np.testing.assert_allclose(probs[1].tolist(), [0.2, 0.8], rtol=1e-5)
    assert probs[0, 0] > 0.7
    assert normal.loc.tolist() == [3.0, 5.0]
    assert normal.scale[1] == 2.0
