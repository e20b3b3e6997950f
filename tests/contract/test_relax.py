"""relax gives every discrete latent site a relaxed one with the same probabilities."""

from functools import partial

import numpy as np
import pytest
from contexts import PROGRAMS, as_event, bare, have_same_mask, innermost

TAU = 0.3
PROBS = np.array([0.1, 0.2, 0.4, 0.3], np.float32)
ROWS = np.array([[7, 2, 1], [1, 8, 1], [3, 3, 4], [2, 2, 6]], np.float32) / 10
FAMILIES = {
    "igr": lambda host: host.igr.IGR,
    "sticks": lambda host: host.igr.IGRStickBreaking,
    "gumbel_softmax": lambda host: host.GUMBEL,
}
# A context is one matter for all families: the sticks see each.
CASES = [
    pytest.param(program, family, id=f"{program.__name__}-{family}")
    for program in PROGRAMS.values()
    for family in FAMILIES
    if family == "sticks" or program is as_event
]
in_closed_form = pytest.mark.parametrize("family", list(FAMILIES)[1:])
solved_or_not = pytest.mark.parametrize("family", list(FAMILIES)[:2])


@pytest.fixture(autouse=True)
def single_precision(host):
    with host.single_precision():
        yield


def one_hot(host, probs=PROBS):
    return host.one_hot(host.array(probs))


def laws_of(host, *programs):
    """The sites with a distribution of each program, by name."""
    found = host.traces(*programs)
    return [{n: s for n, s in sites.items() if n[0] == "z"} for sites in found]


@pytest.mark.parametrize(("program", "family"), CASES)
def test_sites_keep_their_probabilities_and_their_context(host, program, family):
    family = FAMILIES[family](host)
    program = partial(program, host, one_hot(host))
    relaxed = host.igr.relax(program, TAU, family=family)
    restored = host.igr.discretize(relaxed)
    sites, *others = laws_of(host, program, relaxed, restored)
    types = family, type(one_hot(host))
    for found, expected_type in zip(others, types, strict=True):
        assert found.keys() == sites.keys()
        for name, site in sites.items():
            law = innermost(host, found[name]["fn"])
            assert type(law) is expected_type
            expected = np.broadcast_to(PROBS, law.probs.shape)
            np.testing.assert_allclose(law.probs, expected, rtol=1e-5)
            assert found[name]["fn"].batch_shape == site["fn"].batch_shape
            assert found[name]["fn"].event_shape == site["fn"].event_shape
            assert found[name]["scale"] == site["scale"]
            assert have_same_mask(host, found[name], site)
            if expected_type is family:
                np.testing.assert_allclose(law.temperature, TAU, rtol=1e-6)


ONE_CATEGORY = {
    "one_hot": lambda host, probs: host.one_hot(logits=host.log(probs) + 3),
    "multinomial": lambda host, probs: host.dist.Multinomial(1, probs),
    "multinomial_logits": lambda host, probs: host.dist.Multinomial(
        1, logits=host.log(probs)
    ),
    "categorical": lambda host, probs: host.dist.Categorical(probs),
    "categorical_logits": lambda host, probs: host.dist.Categorical(
        logits=host.log(probs)
    ),
}


@pytest.mark.parametrize("program", [as_event, PROGRAMS["masked_distribution"]])
def test_every_family_of_one_category_is_relaxed(host, program):
    probs = host.array(PROBS)
    laws = [make(host, probs) for make in ONE_CATEGORY.values()]
    programs = [partial(program, host, law) for law in laws]
    relaxed = [host.igr.relax(p, TAU, one_hot={"z"}) for p in programs]
    expected, *found = laws_of(host, partial(program, host, one_hot(host)), *relaxed)
    for site in found:
        assert site["z"]["fn"].batch_shape == expected["z"]["fn"].batch_shape
        assert site["z"]["fn"].event_shape == expected["z"]["fn"].event_shape
        probs = innermost(host, site["z"]["fn"]).probs
        expected_probs = np.broadcast_to(PROBS, probs.shape)
        np.testing.assert_allclose(probs, expected_probs, rtol=1e-5)


def chain(host):
    x = host.sample("x", one_hot(host))
    with host.plate("data", 2):
        y = host.sample("y", host.one_hot(x @ host.array(ROWS)))
        mean = y @ host.array(np.arange(3, dtype=np.float32))
        host.sample("w", host.dist.Normal(mean, 1.0))


@in_closed_form
def test_probabilities_follow_the_relaxed_values_of_earlier_sites(host, family):
    family = FAMILIES[family](host)
    relaxed = host.igr.relax(partial(chain, host), 1.0, family=family)
    (sites,) = host.traces(relaxed)
    x, y = sites["x"]["value"], sites["y"]["value"]
    assert x.max() < 1
    assert y.max() < 1
    found = np.asarray(innermost(host, sites["y"]["fn"]).probs)
    expected = np.broadcast_to(np.asarray(x) @ ROWS, found.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert type(innermost(host, sites["w"]["fn"])) is host.dist.Normal


@solved_or_not
def test_gradients_flow_through_the_probabilities_of_a_dependent_site(
    backend, host, family
):
    direction = np.array([1.0, -2.0, 0.5, 0.5])
    family = FAMILIES[family](host)

    def program(shift):
        x = host.softmax(host.log(host.array(PROBS.astype(float))) + shift)
        y = host.sample("y", host.one_hot(x @ host.array(ROWS.astype(float))))
        return y @ host.array(np.arange(3.0))

    relaxed = host.igr.relax(program, 1.0, family=family)
    with backend.double_precision():

        def at(step):
            found = host.exact(mean, {"shift": step * direction})
            return found["loss"], found["shift"] @ direction

        def mean(p):
            return host.run(relaxed, p["shift"])

        _, slope = at(0.0)
        difference = (at(1e-5)[0] - at(-1e-5)[0]) / 2e-5
    assert slope == pytest.approx(difference, rel=1e-6)


@solved_or_not
def test_a_probability_of_zero_becomes_the_smallest_one(host, family):
    probs = np.array([0.5, 0.0, 0.5, 0.0, 0.0], np.float32)
    family = FAMILIES[family](host)
    program = host.igr.relax(
        lambda probs: host.sample("z", host.one_hot(probs)), TAU, family=family
    )

    def mean(p):
        """Of the value, and of the probabilities with weights that are 0."""
        site = host.sites(program, p["probs"])["z"]
        return (site["value"] * rising + site["fn"].probs * p["weights"]).sum()

    rising = host.array(np.arange(5, dtype=np.float32))
    found = host.exact(mean, {"probs": probs, "weights": 0 * probs})
    np.testing.assert_allclose(found["weights"], probs, rtol=1e-5, atol=1e-30)
    assert (found["weights"] > 0).all()
    assert np.isfinite(found["loss"])
    assert np.isfinite(found["probs"]).all()


def test_observed_and_continuous_sites_are_untouched(host):
    zeros = host.array(np.zeros(3, np.float32))
    laws = {
        "observed": (one_hot(host), host.array(np.eye(4, dtype=np.float32)[2])),
        "normal": (host.normal(zeros).to_event(1), None),
        "dirichlet": (host.dist.Dirichlet(host.array(PROBS)), None),
        "relaxed": (host.igr.IGR(0.5, zeros, zeros + 1), None),
        "delta": (host.dist.Delta(zeros, event_dim=1), None),
    }

    def program():
        for name, (law, obs) in laws.items():
            host.sample(name, law, obs=obs)

    sites = host.sites(host.igr.relax(program, TAU))
    assert all(sites[name]["fn"] is law for name, (law, _) in laws.items())


X = np.array([0.5, -1.0, 1.5], np.float32)
MEANS = np.array([-1.0, 0.0, 1.0, 2.0], np.float32)


def mixture(host):
    with host.plate("data", len(X)):
        z = host.sample("z", one_hot(host))
        mean = z @ host.array(MEANS)
        host.sample("x", host.dist.Normal(mean, 1.0), obs=host.array(X))


@in_closed_form
def test_the_evidence_of_a_discretized_relaxed_model_is_that_of_the_model(host, family):
    model = partial(mixture, host)
    relaxed = host.igr.relax(model, TAU, family=FAMILIES[family](host))
    codes = np.eye(4, dtype=np.float32)
    codes = {"z": np.broadcast_to(codes[:, None], (4, len(X), 4))}
    found, expected = (
        host.log_densities(program, codes)
        for program in (host.igr.discretize(relaxed), model)
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5)


REFUSED = {
    "integers": (
        lambda host: host.dist.Categorical(host.array(PROBS)),
        r"site 'z' is a Categorical\w* of integers, .* one_hot=\{'z'\}.* keep=\{'z'\}",
    ),
    "several draws": (
        lambda host: host.dist.Multinomial(3, host.array(PROBS)),
        r"expected total_count 1 at site 'z'.* keep=\{'z'\}",
    ),
    "dirichlet_multinomial": (
        lambda host: host.dist.DirichletMultinomial(
            host.array(np.ones(3, np.float32)), 2
        ),
        r"distribution at site 'z' .* got DirichletMultinomial.* keep=\{'z'\}",
    ),
}


@pytest.mark.parametrize(("law", "message"), REFUSED.values(), ids=REFUSED)
def test_a_site_that_cannot_be_relaxed_is_refused_for_its_reason(host, law, message):
    relaxed = host.igr.relax(partial(bare, host, law(host)), TAU)
    with pytest.raises(ValueError, match=message):
        host.dry(lambda: host.run(relaxed))


def test_a_temperature_of_a_batch_is_refused_at_a_site_without_that_batch(host):
    temperatures = host.array(np.float32([0.5, 0.3]))
    for law in (host.one_hot(host.array(PROBS)), host.dist.Poisson(2.0)):
        relaxed = host.igr.relax(partial(bare, host, law), temperatures, num_sticks=9)
        with pytest.raises(ValueError, match="temperature .* at site"):
            host.run(relaxed)


def test_a_temperature_of_a_plate_has_its_size(host):
    def model():
        with host.plate("data", 3):
            return host.sample("z", host.one_hot(host.array(PROBS)))

    def run(*temperature):
        return host.run(host.igr.relax(model, host.array(np.float32(temperature))))

    with pytest.raises(ValueError, match=r"at site 'z', .* \(3,\), got shape \(2,\)"):
        run(0.5, 0.3)
    assert run(0.5, 0.3, 0.1).shape == (3, len(PROBS))


def test_a_family_of_another_batch_is_said_to_be_the_reason(host):
    def family(temperature, logits):
        scale = host.array(np.ones((2, 1), np.float32))
        return host.igr.IGR.from_probs(temperature, logits=logits, scale=scale)

    law = host.one_hot(host.array(PROBS))
    relaxed = host.igr.relax(partial(bare, host, law), TAU, family=family)
    with pytest.raises(ValueError, match=r"family to keep the batch .* got \(2,\)"):
        host.run(relaxed)


def test_a_temperature_of_one_entry_is_one_for_a_site_without_a_batch(host):
    temperature = host.array(np.float32([0.5]))
    law = host.one_hot(host.array(PROBS))
    found = []
    host.run(host.igr.relax(lambda: found.append(host.sample("z", law)), temperature))
    assert found[0].shape == (1, len(PROBS))


def test_enumeration_inside_relax_is_refused(host):
    marked = host.config_enumerate(partial(mixture, host))
    words = (
        "site 'z' is marked for enumeration.* config_enumerate or 'enumerate' in infer"
    )
    with pytest.raises(ValueError, match=words) as error:
        host.run(host.igr.relax(marked, TAU, one_hot={"z"}))
    notes = getattr(error.value, "__notes__", [])  # as of jax
    assert not any("are vectors" in note for note in notes)


def test_the_reparameterizer_relaxes_one_site_of_the_host(host):
    config = {
        "x": host.igr.IGRReparam(TAU),
        "y": host.igr.IGRReparam(TAU, family=host.GUMBEL),
    }
    (sites,) = host.traces(host.reparam(partial(chain, host), config))
    assert type(sites["x"]["fn"]) is host.igr.IGRStickBreaking
    assert type(innermost(host, sites["y"]["fn"])) is host.GUMBEL
    np.testing.assert_allclose(sites["x"]["fn"].probs, PROBS, rtol=1e-5)


def test_the_reparameterizer_refuses_an_observed_site(host):
    value = host.array(np.eye(4, dtype=np.float32)[0])
    observed = host.condition(partial(chain, host), {"x": value})
    program = host.reparam(observed, {"x": host.igr.IGRReparam(TAU)})
    with pytest.raises(ValueError, match="expected site 'x' to be latent"):
        host.run(program)


COUNTS = {
    "poisson": (lambda host, a: host.dist.Poisson(a), [3.0, 0.5], 20),
    "geometric": (lambda host, a: host.dist.Geometric(a), [0.3, 0.6], 20),
    "negative_binomial": (
        lambda host, a: host.negative_binomial(3 + 0 * a, a),
        [0.4, 0.2],
        20,
    ),
    "binomial": (lambda host, a: host.dist.Binomial(4, a), [0.4, 0.2], 4),
}


@pytest.mark.parametrize("name", COUNTS)
def test_a_count_is_the_mean_of_its_weights_with_the_exact_probabilities(host, name):
    make, parameter, num_sticks = COUNTS[name]
    law = make(host, host.array(np.float32(parameter)))

    def program():
        with host.plate("rows", 3):
            return host.sample("n", law.expand([3, 2]).to_event(1))

    relaxed = host.igr.relax(program, 0.1, num_sticks=num_sticks)
    sites, discrete = host.traces(relaxed, host.igr.discretize(relaxed))
    assert host.is_deterministic(sites["n"])
    weights = sites["n_weights"]
    assert weights["fn"].batch_shape == (3,)
    found = innermost(host, weights["fn"])
    assert type(found) is host.igr.InfiniteIGR
    k = np.arange(found.event_shape[0], dtype=np.float32)
    expected = np.asarray(host.exp(law.log_prob(host.array(k[:-1, None])))).T
    probs = np.broadcast_to(found.probs, (3, 2, len(k)))[0, :, :-1]
    np.testing.assert_allclose(probs, expected, atol=1e-6, rtol=1e-4)
    mean = np.asarray(weights["value"]) @ k
    np.testing.assert_allclose(sites["n"]["value"], mean, rtol=1e-5)
    assert (discrete["n"]["value"] % 1 == 0).all()
    guide = host.igr.AutoIGR(relaxed, 0.1)
    host.dry(lambda: host.igr.assert_analytic_kl(relaxed, guide))


RARE = {
    "logits": ([0.0, -200.0], -200.0),
    "probs": ([1.0, 0.0], np.log(np.finfo("f").tiny / np.finfo("f").eps)),
}


@pytest.mark.parametrize("name", RARE)
def test_a_rare_category_keeps_its_logit_and_an_impossible_one_has_the_least(
    host, name
):
    given, expected = RARE[name]
    law = host.one_hot(**{name: host.array(np.float32(given))})
    relaxed = host.igr.relax(partial(host.sample, "z", law), TAU)
    (found,) = laws_of(host, relaxed)
    logits = innermost(host, found["z"]["fn"]).logits
    np.testing.assert_allclose(logits, [0, expected], rtol=1e-4, atol=1e-9)


def test_the_number_of_counts_can_be_given(host):
    law = host.dist.Poisson(host.array(np.float32(3)))
    program = partial(host.sample, "n", law)
    given = host.igr.relax(program, 0.1, num_sticks=5)
    reparam = {"n": host.igr.IGRReparam(0.1, num_sticks=7)}
    sizes = []
    for found in (given, host.reparam(program, reparam)):
        host.dry(lambda found=found: sizes.append(host.sites(found)))
    assert [s["n_weights"]["value"].shape for s in sizes] == [(6,), (8,)]
