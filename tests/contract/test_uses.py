"""A relaxed value that is compared, rounded or made an index is refused."""

from contextlib import nullcontext
from functools import partial
from importlib import import_module

import numpy as np
import pytest

SITES = {
    "b": lambda host: host.dist.Bernoulli(host.array(np.float32(0.9))),
    "n": lambda host: host.dist.Poisson(host.array(np.float32(2))),
    "z": lambda host: uniform(host),
    "c": lambda host: host.dist.Categorical(probs=array(host, 1, 1, 1) / 3),
}


@pytest.fixture(autouse=True)
def single_precision(host):
    with host.single_precision():
        yield


@pytest.fixture
def check_uses(host):
    return import_module(f"{host.igr.__name__}.handlers._uses").check_uses


def array(host, *numbers):
    return host.array(np.array(numbers, np.float32))


def uniform(host):
    return host.one_hot(array(host, 1, 1, 1) / 3)


def pair(host):
    return array(host, 0.1, 0.9)


def triple(host):
    return array(host, 0.1, 0.5, 0.9)


def program(host, site, use):
    """A model with one discrete site, on which the mean of an observation depends."""

    def model():
        found = use(host, host.sample(site, SITES[site](host)))
        if not isinstance(found, host.dist.Distribution):
            found = host.dist.Normal(found, 1.0)
        host.sample("x", found, obs=host.array(np.float32(1)))

    return host.igr.relax(model, 0.2, num_sticks=5, one_hot={site} & {"c"})


def count_in_python(host, n):
    one = host.array(np.float32(1))
    return sum((one for _ in range(int(n))), 0 * one)


def branch(host, b):
    one = host.array(np.float32(1))
    return one if b == 1 else 0 * one


def with_mask(host, b):
    return host.normal(host.array(np.float32(0))).mask(b > 0.5)


def index_after(host, b):
    host.sample("first", host.normal(b))
    return pair(host)[host.integer(b)]


def zero_inflated(host, n):
    gate, rate = host.array(np.float32(0.3)), host.array(np.float32(2))
    base, make = (
        host.dist.Poisson(rate, validate_args=False),
        host.dist.ZeroInflatedDistribution,
    )
    return make(base, gate=gate, validate_args=False).log_prob(n)


def trials(host, n):
    return host.dist.Binomial(n, 0.5, validate_args=True)


MISUSES = {
    "index": ("b", lambda host, b: pair(host)[host.integer(b)]),
    "index by a float": ("b", lambda host, b: pair(host)[b]),
    "index of a list": ("b", lambda host, b: [*pair(host)][b]),
    "key of a dictionary": ("b", lambda host, b: {0: 0.1, 1: 0.9}[b]),
    "number of copies": ("b", lambda host, b: host.math.tile(pair(host), (b,))),
    "index by a category": ("c", lambda host, c: triple(host)[c].sum()),
    "where": ("b", lambda host, b: host.math.where(b > 0.5, 1.0, 0.0)),
    "equality": ("b", lambda host, b: (b == 1) * 2.0),
    "round": ("b", lambda host, b: b.round()),
    "parity": ("n", lambda host, n: n % 2.0),
    "remainder with a sign": ("n", lambda host, n: host.math.fmod(n, 2.0)),
    "floor of a function": ("b", lambda host, b: host.math.floor(b + 0.5)),
    "branch": ("b", branch),
    "branch by a category": ("c", branch),
    "mask": ("b", with_mask),
    "index after a distribution": ("b", index_after),
    "mask beside a product": ("b", lambda host, b: host.normal(b).mask(b)),
    "loop in Python": ("n", count_in_python),
    "loop in Python to a category": ("c", count_in_python),
    "number of trials": ("n", trials),
    "density of a count that may be zero": ("n", zero_inflated),
    "any": ("z", lambda host, z: 2.0 * (z > 0.5).any()),
    "sign of a product": (
        "z",
        lambda host, z: host.math.copysign(triple(host), z - 0.5).sum(),
    ),
    "argmax": ("z", lambda host, z: triple(host)[z.argmax(-1)]),
    "argmax beside a product": (
        "z",
        lambda host, z: triple(host)[z.argmax(-1)] + z @ triple(host),
    ),
    "threshold of a product": (
        "z",
        lambda host, z: host.math.where(z @ triple(host) > 0.5, 1.0, 0.0),
    ),
}


@pytest.mark.parametrize("use", MISUSES)
def test_a_misuse_is_refused_by_the_name_of_the_site(host, check_uses, use):
    site, function = MISUSES[use]
    with pytest.raises(
        ValueError, match=f"site '{site}' is relaxed.*lookup.* in relax"
    ):
        check_uses(program(host, site, function))


INTENDED = "index by a float", "index by a category", "number of trials", "where"


@pytest.mark.parametrize("use", INTENDED)
def test_a_misuse_is_intended_as_its_error_says(host, check_uses, use):
    site, function = MISUSES[use]
    with pytest.raises(ValueError, match="intended, write ") as error:
        check_uses(program(host, site, function))
    code = str(error.value).split("intended, write ")[-1]
    of_a_count, _, of_a_vector = code.partition(" of a count, and ")
    code = of_a_vector.split(" of a")[0] if site == "c" else of_a_count

    def intended(host, z):
        z = eval(code, {"z": z, "stop_gradient": host.detach})
        assert site != "c" or z.shape == ()
        return function(host, z)

    check_uses(program(host, site, intended))


def test_an_index_that_is_out_of_range_is_no_misuse_of_a_site(host, check_uses):
    with pytest.raises(IndexError, match="out of range"):
        check_uses(program(host, "b", lambda host, b: [b][1]))


HALF = 0.5
MISTAKES = {
    "index": lambda host, b: pair(host)[HALF] * b,
    "index of a list": lambda host, b: [b, b][HALF],
    "shape": lambda host, b: host.math.zeros(HALF) * b,
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_fraction_in_place_of_an_integer_is_no_misuse_of_a_site(
    host, check_uses, mistake
):
    with pytest.raises((IndexError, TypeError), match="integer|of ints"):
        check_uses(program(host, "b", MISTAKES[mistake]))


def shifted(host, n):
    base, exp = host.dist.Normal(n, 1.0), host.dist.transforms.ExpTransform()
    return host.dist.TransformedDistribution(base, exp)


def power(host, b):
    p = pair(host)
    return p[0] ** b * p[1] ** (1 - b)


def density(name, **parameters):
    def at(host, b):
        numbers = {x: array(host, p)[0] for x, p in parameters.items()}
        return getattr(host.dist, name)(**numbers, validate_args=False).log_prob(b)

    return at


USES = {
    "product": ("b", lambda host, b: 2 * b),
    "power": ("b", power),
    "clip": ("b", lambda host, b: host.math.clip(b, 0.1, 0.9)),
    "nothing": ("b", lambda host, b: host.array(np.float32(0))),
    "density of a coin": ("b", density("Bernoulli", logits=0.3)),
    "density of trials": ("n", density("Geometric", probs=0.3)),
    "rate": ("n", lambda host, n: host.dist.Poisson(n + 0.1, validate_args=True)),
    "transform": ("n", shifted),
    "matrix": ("z", lambda host, z: host.math.einsum("i,i->", z, triple(host))),
    "logaddexp": ("z", lambda host, z: host.math.logaddexp(z[0], z[1])),
    "softmax": ("z", lambda host, z: host.softmax(z) @ triple(host)),
    "remainder of a product": ("z", lambda host, z: (z @ triple(host)) % 0.2),
    "slice": ("z", lambda host, z: z[..., 0]),
    "copysign": ("z", lambda host, z: host.math.copysign(z, -triple(host)).sum()),
    "straight_through": (
        "z",
        lambda host, z: host.igr.straight_through(z) @ triple(host),
    ),
    "stopped": (
        "z",
        lambda host, z: triple(host)[host.detach(z).argmax(-1)],
    ),
    "validated": ("z", lambda host, z: host.dist.Categorical(z, validate_args=True)),
    "geometric": ("z", lambda host, z: host.dist.Geometric(z[0], validate_args=True)),
}


@pytest.mark.parametrize("use", USES)
def test_a_differentiable_use_is_not_refused(host, check_uses, use):
    check_uses(program(host, *USES[use]))


def test_a_site_that_is_named_as_weights_of_another_is_followed(host, check_uses):
    def model():
        z = host.sample("x_weights", igr(host))
        mean = MISUSES["argmax"][1](host, z)
        host.sample("x", host.dist.Normal(mean, 1.0), obs=host.array(np.float32(1)))

    with pytest.raises(ValueError, match="site 'x_weights' is relaxed"):
        check_uses(model)


def test_a_report_of_the_category_is_no_misuse(host, check_uses):
    def report(host, z):
        host.deterministic("category", z.argmax(-1))
        return z @ triple(host)

    check_uses(program(host, "z", report))


def test_a_value_that_the_next_site_has_for_probabilities_is_no_misuse(
    host, check_uses
):
    def model():
        host.sample("next", host.one_hot(host.sample("z", uniform(host))))

    check_uses(host.igr.relax(model, 0.5, family=host.igr.IGR))


def test_it_is_refused_when_the_guide_first_runs(host):
    guide = host.igr.AutoIGR(program(host, *MISUSES["index"]), 0.2)
    with pytest.raises(ValueError, match="site 'b' is relaxed"):
        host.run(guide)


@pytest.mark.parametrize("size", [(), (3,)])
def test_an_observation_counts_once_where_integers_are_vectors(host, check_uses, size):
    def model(use):
        with host.plate("data", *size) if size else nullcontext():
            mean = use(host.sample("c", SITES["c"](host)))
            x = host.array(np.ones(size, np.float32))
            host.sample("x", host.dist.Normal(mean, 1.0), obs=x)

    relaxed = host.igr.relax(model, 0.5, one_hot={"c"})
    check_uses(relaxed, (lambda z: z @ triple(host),))
    with pytest.raises(ValueError, match="'x' would count its observation 3 times"):
        check_uses(relaxed, (lambda z: 2 * z,))


def igr(host):
    return host.igr.IGR(0.5, array(host, 0, 0), array(host, 1, 1))


ENGINES = {
    "TraceDiscreteIWAE_ELBO": (2,),
    "TraceDiscreteKL_ELBO": (),
    "TraceSTL_ELBO": (),
}


@pytest.mark.parametrize("engine", ENGINES)
def test_our_objectives_refuse_a_misuse_in_the_model_of_a_hand_written_guide(
    host, engine
):
    def right():
        host.sample("z", igr(host))

    def model():
        z = host.sample("z", igr(host))
        mean = host.dist.Normal(triple(host)[z.argmax(-1)], 1.0)
        host.sample("x", mean, obs=host.array(np.float32(1)))

    def guide():
        loc = host.param("loc", array(host, 0, 0))
        host.sample("z", host.igr.IGR(0.5, loc, array(host, 1, 1)))

    start = {"loc": np.zeros(2, np.float32)}
    engine = getattr(host.igr, engine)(*ENGINES[engine])
    host.attempt(engine, right, guide, start)
    for _ in range(2):
        with pytest.raises(ValueError, match="site 'z' is relaxed"):
            host.attempt(engine, model, guide, start)


def test_a_straight_through_value_needs_a_gradient_and_may_be_compared(
    host, check_uses
):
    def model(use):
        law = host.igr.IGRStraightThrough(0.5, array(host, 0, 0), array(host, 1, 1))
        mean = host.dist.Normal(use(host.sample("z", law)), 1.0)
        host.sample("x", mean, obs=host.array(np.float32(1)))

    compared = partial(MISUSES["argmax"][1], host)
    check_uses(model, (lambda z: z @ triple(host) + compared(z),))
    with pytest.raises(ValueError, match="steps only"):
        check_uses(model, (compared,))


class Slotted:
    """A program that weak references cannot point to."""

    __slots__ = ("host", "runs")

    def __call__(self):
        self.runs.append(1)
        self.host.sample("z", igr(self.host))


def test_a_program_without_weak_references_is_checked_once(host):
    program = Slotted()
    program.host, program.runs = host, []
    engine, counts = host.igr.TraceDiscreteKL_ELBO(), []
    for _ in range(3):
        host.loss(engine, program, program)
        counts.append(len(program.runs))
    assert counts[0] > counts[1] - counts[0] == counts[2] - counts[1]


def test_the_check_runs_once(host):
    runs = []

    def model():
        runs.append(1)
        host.sample("z", igr(host))

    engine = host.igr.TraceDiscreteKL_ELBO()
    guide = host.igr.AutoIGR(model, 0.5, scale=1.0)
    host.start(guide)
    counts = []
    for _ in range(3):
        host.loss(engine, model, guide)
        counts.append(len(runs))
    assert counts[0] > counts[1] - counts[0] == counts[2] - counts[1] == 1
