"""What relax keeps, what it is told to deliver as vectors, and its temperature."""

from importlib import import_module

import numpy as np
import pytest
from contexts import innermost
from scipy.special import logsumexp
from scipy.stats import norm

PROBS = np.array([0.1, 0.2, 0.4, 0.3])
MEANS = np.array([-1.0, 0.0, 1.0, 2.0])
SHIFTS = np.array([0.0, 0.5, -0.5, 1.0])
X = np.array([0.5, -1.0, 1.5])
POINT = np.array([0.2, 0.5, 0.2, 0.1])


@pytest.fixture
def host(backend):
    with backend.validation(True):
        yield import_module(backend.__name__.replace("_backend", "_engines"))


def categorical(host):
    return host.dist.Categorical(host.array(PROBS))


def two_sites(host):
    means, shifts = host.array(MEANS), host.array(SHIFTS)

    def program():
        y = host.sample("y", host.one_hot(host.array(PROBS)))
        with host.plate("data", len(X)):
            z = host.sample("z", categorical(host))
            host.sample("x", host.normal(means[z] + y @ shifts), obs=host.array(X))

    return program


NAMES = "temperature", "config", "model", "sites", "observed"


@pytest.mark.parametrize("name", NAMES)
def test_an_argument_of_the_model_may_have_any_name(host, name):
    def model(**options):
        with host.mask(np.array(options[name] > 0)):
            host.sample("z", host.one_hot(host.array(PROBS)))
        host.sample("y", host.dist.Uniform(host.array(0.0), host.array(1.0)))

    relaxed = host.igr.relax(model, lambda **options: options[name])
    guide = host.igr.AutoIGR(relaxed, lambda **options: options[name])
    for tau in 0.5, 1:  # two kinds of calls, for each of which it runs the model
        for program in relaxed, guide:
            found = host.sites(program, **{name: tau})["z"]["fn"]
            assert float(innermost(host, found).temperature) == tau


@pytest.mark.parametrize("marked", [True, False])
def test_a_site_that_is_kept_is_untouched(host, marked):
    program = two_sites(host)
    program = host.config_enumerate(program) if marked else program
    program = host.igr.relax(program, 0.5, keep={"z"})
    assert host.is_categorical(host.sites(program)["z"]["fn"])
    relaxed = host.sites(program)["y"]
    assert type(relaxed["fn"]) is host.igr.IGRStickBreaking
    assert not relaxed["infer"].get("enumerate")


def test_a_kept_site_is_enumerated_beside_a_relaxed_one(host):
    program = host.config_enumerate(two_sites(host))
    relaxed = host.igr.relax(program, 0.5, keep={"z"})
    point = host.array(POINT)
    kept = host.condition(relaxed, {"y": point})
    found = host.evidence(kept)
    joint = np.log(PROBS) + norm.logpdf(X[:, None], MEANS + POINT @ SHIFTS)
    prior = float(host.sites(relaxed)["y"]["fn"].log_prob(point))
    assert found == pytest.approx(logsumexp(joint, -1).sum() + prior, rel=1e-5)


def test_what_was_kept_stays_kept_when_a_relaxed_model_is_relaxed_again(host):
    program = host.igr.relax(two_sites(host), 0.5, keep={"z"})
    site = host.sites(host.igr.relax(program, 1.0))["z"]
    assert host.is_categorical(site["fn"])


def test_a_site_can_ask_to_be_kept(host):
    def program():
        host.sample("z", categorical(host), infer={"relax": False})

    site = host.sites(host.igr.relax(program, 0.5))["z"]
    assert host.is_categorical(site["fn"])


@pytest.mark.parametrize("argument", ["one_hot", "keep"])
def test_a_string_is_no_collection_of_names(host, argument):
    with pytest.raises(TypeError, match=f"expected {argument} .* got the string 'zz'"):
        host.igr.relax(two_sites(host), 0.5, **{argument: "zz"})


@pytest.mark.parametrize("argument", ["one_hot", "keep"])
@pytest.mark.parametrize(
    "names", [True, None, 3, iter(["z"])], ids=["flag", "none", "number", "iterator"]
)
@pytest.mark.parametrize("make", ["relax", "AutoIGR"])
def test_what_is_no_collection_of_names_is_refused(host, make, names, argument):
    expected = f"expected {argument} to be a collection of names, got "
    with pytest.raises(TypeError, match=expected):
        getattr(host.igr, make)(two_sites(host), 0.5, **{argument: names})


@pytest.mark.parametrize("argument", ["one_hot", "keep"])
def test_a_name_that_no_site_has_is_warned_of(host, argument):
    def program(seen):
        host.sample("y", host.one_hot(host.array(PROBS)), obs=host.array(np.eye(4)[0]))
        host.sample("z", host.one_hot(host.array(PROBS)), obs=None, obs_mask=seen)

    known = host.igr.relax(program, 0.5, **{argument: ["y"]})
    host.run(known, None)  # without a warning
    for name, seen in (("zz", None), ("z", host.array(False))):
        relaxed = host.igr.relax(program, 0.5, **{argument: ["y", name]})
        with pytest.warns(UserWarning, match=rf"{argument} .* got \['{name}'\].*'z"):
            host.run(relaxed, seen)


def test_an_error_of_a_program_says_which_integers_are_vectors(host):
    def program():
        z = host.sample("z", host.one_hot(host.array(PROBS)))
        with host.plate("data", 3):
            y = host.sample("y", categorical(host))
        host.sample("x", host.normal(host.array(X) * (y == 0) + z[0]))

    relaxed = host.igr.relax(program, 0.5, one_hot={"y", "zz"})
    with pytest.raises((ValueError, RuntimeError, TypeError)) as error:
        host.run(relaxed)
    assert "['y'] are vectors" in " ".join(error.value.__notes__)


@pytest.mark.parametrize("one_hot", [(), ["z"], ["z_unobserved"]])
def test_one_hot_vectors_are_not_mixed_with_observed_integers(host, one_hot):
    def program():
        seen = host.array(np.array([True, False, True]))
        given = {"obs": host.array(np.array([0, 3, 2])), "obs_mask": seen}
        with host.plate("data", 3):
            z = host.sample("z", categorical(host), **given)
            host.sample("x", host.normal(host.igr.lookup(host.array(MEANS), z)))

    host.run(host.igr.relax(program, 0.5, keep=["z_unobserved"]))
    expected = "'z_unobserved' is the latent part of site 'z', .* OneHotCategorical"
    with pytest.raises(ValueError, match=expected):
        host.run(host.igr.relax(program, 0.5, one_hot=one_hot))


def test_the_temperature_is_a_function_of_the_arguments_of_the_model(host):
    def program(probs, step=1):
        return host.sample("z", host.one_hot(probs))

    relaxed = host.igr.relax(program, lambda probs, step=1: 1 / step)
    for step in (2, 4):
        found = host.sites(relaxed, host.array(PROBS), step=step)["z"]["fn"]
        assert found.temperature == 1 / step


@pytest.mark.parametrize("temperature", [None, "cold"])
def test_a_temperature_that_is_no_number_is_one_clear_error(host, temperature):
    for given in temperature, lambda: temperature:
        with pytest.raises(TypeError, match="expected temperature to be .*, got "):
            host.run(host.igr.relax(two_sites(host), given))


def test_a_temperature_out_of_range_is_not_blamed_on_the_family(backend, host):
    def program(temperature):
        return host.sample("z", host.one_hot(host.array(PROBS)))

    relaxed = host.igr.relax(program, lambda temperature: temperature)
    for temperature in (0.0, -1.0):
        with pytest.raises(ValueError, match="^expected temperature to be positive"):
            host.run(relaxed, temperature)
    with backend.validation(False):
        host.run(relaxed, 0.0)
    backend.evaluate(lambda tau: host.run(relaxed, tau), host.array(0.5))


UNFIT = {
    "of other parameters": ("Normal", lambda host: host.dist.Normal),
    "of probabilities alone": (
        "ExpectedOneHotCategorical",
        lambda host: host.igr.ExpectedOneHotCategorical,
    ),
    "of sticks": ("GEM", lambda host: host.igr.GEM),
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_family_that_does_not_take_logits_is_named_with_the_site(host, name):
    label, family = UNFIT[name]
    relaxed = host.igr.relax(two_sites(host), 0.5, family=family(host))
    with pytest.raises(
        (TypeError, ValueError), match=rf"expected family to fit .* 'y', but .*{label}"
    ):
        host.run(relaxed)


def test_a_single_category_is_named_with_the_site(host):
    def program():
        host.sample("z", host.one_hot(host.array(np.ones(1))))

    with pytest.raises(ValueError, match="at site 'z'.*size K >= 2"):
        host.run(host.igr.relax(program, 0.5))


def test_a_family_that_returns_nothing_is_one_clear_error(host):
    relaxed = host.igr.relax(two_sites(host), 0.5, family=lambda *_, logits: None)
    with pytest.raises(TypeError, match="expected family .* that returns None"):
        host.run(relaxed)


OF_INTEGERS = {
    "categorical": (categorical, PROBS),
    "bernoulli": (lambda host: host.dist.Bernoulli(0.8), [0.2, 0.8]),
    "binomial": (lambda host: host.dist.Binomial(2, 0.5), [0.25, 0.5, 0.25]),
    "uniform": (lambda host: host.uniform(-1, 2), [0.25] * 4),
    "batch": (
        lambda host: host.dist.Bernoulli(host.array([0.8, 0.3])),
        [[0.2, 0.8], [0.7, 0.3]],
    ),
}


@pytest.mark.parametrize(("make", "probs"), OF_INTEGERS.values(), ids=OF_INTEGERS)
def test_declared_integers_are_delivered_as_vectors(host, make, probs):
    def program():
        return host.sample("z", make(host))

    one_hot = host.igr.IGRReparam(0.5, one_hot=True)
    by_relax, by_reparam = host.traces(
        host.igr.relax(program, 0.5, one_hot=["z"]),
        host.reparam(program, {"z": one_hot}),
    )
    assert by_relax["z"]["value"].shape == np.shape(probs)
    for found in by_relax, by_reparam:
        np.testing.assert_allclose(found["z"]["fn"].probs, probs, rtol=1e-6)


def test_a_name_alone_makes_no_site_the_part_of_another(host):
    def program():
        return host.sample("z_unobserved", categorical(host))

    relaxed = host.igr.relax(program, 0.5, one_hot={"z_unobserved"})
    assert host.run(relaxed).shape == (len(PROBS),)


def test_integers_without_end_cannot_be_declared(host):
    def program():
        host.sample("z", host.dist.Poisson(3.0))

    relaxed = host.igr.relax(program, 0.5, one_hot={"z"})
    with pytest.raises(ValueError, match="over the same few integers at site 'z'"):
        host.sites(relaxed)
