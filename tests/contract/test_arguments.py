"""Functions and distributions name the argument they refuse, and what is not there."""

import numpy as np
import pytest
from cases import LAWS, WITH_PROBS

NAN, INF = float("nan"), float("inf")
PROBS, LOC = [0.2, 0.3, 0.5], [0.1, 0.2]
REFUSED = {
    "argmax_probs": ("scale", lambda igr, a: igr.argmax_probs(a(LOC), a([0.0, 1.0]))),
    "stick_probs": ("scale", lambda igr, a: igr.stick_probs(a(LOC), a(-1.0))),
    "a nan mean": ("loc", lambda igr, a: igr.stick_probs(a([NAN, 0.0]), a(1.0))),
    "an infinite mean": ("loc", lambda igr, a: igr.argmax_probs(a([INF, 0.0]), a(1.0))),
    "an infinite scale": ("scale", lambda igr, a: igr.argmax_probs(a(LOC), a(INF))),
    "match_probs": ("scale", lambda igr, a: igr.match_probs(a(PROBS), -1.0)),
    "log_argmax_probs": (
        "scale",
        lambda igr, a: igr.discrete.log_argmax_probs(a(LOC), a([-1.0, 1.0])),
    ),
    "match_log_probs": (
        "scale",
        lambda igr, a: igr.discrete.match_log_probs(a(LOC), -1.0),
    ),
    "log_stick_probs": (
        "scale",
        lambda igr, a: igr.discrete.log_stick_probs(a(LOC), a([-1.0, 1.0])),
    ),
    "match_log_stick_probs": (
        "scale",
        lambda igr, a: igr.discrete.match_log_stick_probs(a(LOC), -1.0),
    ),
    "log_largest_weight_probs": (
        "scale",
        lambda igr, a: igr.discrete.log_largest_weight_probs(a(LOC), a(-1.0), 4, 4),
    ),
    "reinmax": (
        "temperature",
        lambda igr, a: igr.discrete.reinmax(a([1.0, 0.0]), a(LOC), -1.0),
    ),
    "match_moments": ("delta", lambda igr, a: igr.match_moments(a(PROBS), 1, 1, NAN)),
    "truncate at nan": ("rho", lambda igr, a: igr.truncate(a(PROBS), NAN)),
    "truncate at 2": ("rho", lambda igr, a: igr.truncate(a(PROBS), 2.0)),
    "num_active": ("rho", lambda igr, a: igr.num_active(a(PROBS), -1.0)),
    "a negative weight": ("weights", lambda igr, a: igr.truncate(a([-0.5, 1.5]), 0.9)),
    "a weight at nan": ("weights", lambda igr, a: igr.num_active(a([NAN, 1.0]), 0.9)),
    "a weight of 2": ("weights", lambda igr, a: igr.num_active(a([2.0, 3.0]), 0.9)),
    "from_probs": ("scale", lambda igr, a: igr.IGR.from_probs(0.5, a(PROBS), scale=0)),
    "a map": ("temperature", lambda igr, a: igr.StickBreakingTransform(-1.0)),
    "a weight": ("delta", lambda igr, a: igr.SoftmaxPlusPlusTransform(1.0, NAN)),
    "a prior": ("concentration", lambda igr, a: igr.GEM(a(-1.0), 3)),
    "relax": ("temperature", lambda igr, a: igr.relax(lambda: None, -1.0)),
    "a reparameterizer": ("temperature", lambda igr, a: igr.IGRReparam(a(0.0))),
    "a guide": ("temperature", lambda igr, a: igr.AutoIGR(lambda: None, NAN)),
}
every_refused = pytest.mark.parametrize(
    ("argument", "call"), REFUSED.values(), ids=REFUSED
)


@every_refused
def test_an_argument_out_of_range_is_named(backend, argument, call):
    with backend.validation(True), pytest.raises(ValueError, match=rf"\b{argument}\b"):
        call(backend.igr, backend.array)


@every_refused
def test_no_range_is_checked_without_validation(backend, argument, call):
    with backend.validation(False):
        call(backend.igr, backend.array)


@pytest.mark.parametrize("name", WITH_PROBS)
def test_probabilities_of_a_distribution_are_checked_by_its_own_switch(backend, name):
    with backend.validation(False):
        law = LAWS[name](backend.igr, 0.5, backend.array(LOC), backend.array(-1.0))
    with backend.validation(True):
        assert law.probs.shape[-1] >= 3


OF_NUMBERS = {
    "straight_through": ("z", lambda igr, x: igr.straight_through(x)),
    "truncate": ("weights", lambda igr, x: igr.truncate(x, 0.9)),
    "one-hot": ("logits", lambda igr, x: igr.OneHotCategoricalReinMax(1.0, logits=x)),
    "relaxed": ("probs", lambda igr, x: igr.ExpRelaxedOneHotCategorical(0.5, x)),
}


def test_a_vector_without_entries_has_no_vertex(backend):
    for shape in (0,), (2, 0):
        with pytest.raises(ValueError, match=r"expected z to have .*, got shape \(.*0"):
            backend.igr.straight_through(backend.array(np.zeros(shape)))


@pytest.mark.parametrize("flag", ["zebra", 1, {"z"}], ids=str)
def test_a_flag_is_true_or_false(backend, flag):
    with pytest.raises(TypeError, match="expected one_hot to be True or False, got"):
        backend.igr.IGRReparam(0.5, one_hot=flag)


@pytest.mark.parametrize(("argument", "call"), OF_NUMBERS.values(), ids=OF_NUMBERS)
def test_a_number_in_the_place_of_weights_is_named(backend, argument, call):
    with pytest.raises(ValueError, match=f"expected {argument} to have a last dim"):
        call(backend.igr, backend.array(0.5))


OF_GAUSSIANS = {
    "argmax_probs": lambda igr, *given: igr.argmax_probs(*given),
    "stick_probs": lambda igr, *given: igr.stick_probs(*given),
    "weights": lambda igr, *given: igr.discrete.largest_weight_probs(*given),
}


@pytest.mark.parametrize("call", OF_GAUSSIANS.values(), ids=OF_GAUSSIANS)
def test_means_and_scales_that_do_not_fit_are_named(backend, call):
    number, pair, triple = map(backend.array, (0.5, [1.0, 2.0], [1.0, 2.0, 3.0]))
    with pytest.raises(ValueError, match="expected loc to have a last dimension"):
        call(backend.igr, number, number)
    with pytest.raises(ValueError, match=r"broadcast, got loc \(2,\), scale \(3,\)"):
        call(backend.igr, pair, triple)


@pytest.mark.parametrize("given", ["probs", "logits"])
@pytest.mark.parametrize("name", LAWS)
def test_probabilities_in_the_place_of_means_name_from_probs(backend, name, given):
    family = type(LAWS[name](backend.igr, 0.5, backend.array(LOC), backend.array(1.0)))
    with pytest.raises(TypeError, match=rf"got {given}, .*\.from_probs$"):
        family(0.5, **{given: backend.array(PROBS)})


def test_a_family_of_ones_own_may_take_logits(backend):
    class OfLogits(backend.igr.IGRStickBreaking):
        def __init__(self, temperature, *, logits):
            super().__init__(temperature, logits[..., 1:] - logits[..., :1], 1.0)

    class OfOptions(OfLogits):
        def __init__(self, temperature, **options):
            super().__init__(temperature, **options)

    for family in OfLogits, OfOptions:
        assert family(0.5, logits=backend.array(PROBS)).event_shape == (3,)


MISFITS = {
    "argmax_probs": lambda igr, a: igr.argmax_probs(a(np.zeros(3)), a(np.ones(2))),
    "stick_probs": lambda igr, a: igr.stick_probs(a(np.zeros(3)), a(np.ones(2))),
    "no means": lambda igr, a: igr.argmax_probs(a(0.0), a(1.0)),
    "match_probs": lambda igr, a: igr.match_probs(a(PROBS), a(np.ones(5))),
    "more scales than sticks": lambda igr, a: igr.IGRStickBreaking.from_probs(
        0.5, a([0.4, 0.6]), scale=a(np.ones(5))
    ),
}


@pytest.mark.parametrize("call", MISFITS.values(), ids=MISFITS)
def test_shapes_that_do_not_fit_are_named(backend, call):
    with pytest.raises(ValueError, match=r"expected .*\bloc\b"):
        call(backend.igr, backend.array)


NO_NUMBERS = {
    "argmax_probs": ("scale", lambda igr, a, x: igr.argmax_probs(a(LOC), x)),
    "stick_probs": ("loc", lambda igr, a, x: igr.stick_probs(x, a(1.0))),
    "match_probs": ("probs", lambda igr, a, x: igr.match_probs(x)),
    "match_moments": ("temperature", lambda igr, a, x: igr.match_moments(a(PROBS), x)),
    "truncate": ("rho", lambda igr, a, x: igr.truncate(a(PROBS), x)),
    "num_active": ("weights", lambda igr, a, x: igr.num_active(x, 0.5)),
    "straight_through": ("z", lambda igr, a, x: igr.straight_through(x)),
    "a family": ("scale", lambda igr, a, x: igr.IGR(0.5, a(LOC), x)),
    "a prior": ("concentration", lambda igr, a, x: igr.GEM(x, 3)),
    "one-hot": (
        "logits",
        lambda igr, a, x: igr.OneHotCategoricalReinMax(1.0, logits=x),
    ),
    "relaxed": ("probs", lambda igr, a, x: igr.ExpRelaxedOneHotCategorical(0.5, x)),
    "a flow": ("flow", lambda igr, a, x: igr.IGRFlow(0.5, a(LOC), 1.0, x)),
    "RELAX": ("temperature", lambda igr, a, x: igr.TraceRELAX_ELBO(temperature=x)),
    "relax": ("temperature", lambda igr, a, x: igr.relax(lambda: None, x)),
    "a guide": ("temperature", lambda igr, a, x: igr.AutoIGR(lambda: None, x)),
}


@pytest.mark.parametrize("value", ["much", None], ids=["a string", "None"])
@pytest.mark.parametrize(("argument", "call"), NO_NUMBERS.values(), ids=NO_NUMBERS)
def test_what_is_no_number_is_named(backend, argument, call, value):
    with pytest.raises((TypeError, ValueError), match=rf"\b{argument}\b"):
        call(backend.igr, backend.array, value)


SIZES = {
    "panels": (
        "num_panels",
        lambda igr, d, a, n: igr.argmax_probs(a(LOC), a(1.0), num_panels=n),
    ),
    "nodes": (
        "num_nodes",
        lambda igr, d, a, n: igr.match_probs(a(PROBS), num_nodes=n),
    ),
    "a prior": ("num_sticks", lambda igr, d, a, n: igr.GEM(a(1.0), n)),
    "counts": (
        "num_sticks",
        lambda igr, d, a, n: igr.InfiniteIGR.from_discrete(0.5, d.Poisson(a(1.0)), n),
    ),
    "points": (
        "num_points",
        lambda igr, d, a, n: igr.discrete.largest_weight_probs(a(LOC), a(1.0), n),
    ),
    "nodes of a stick": (
        "num_nodes",
        lambda igr, d, a, n: igr.discrete.largest_weight_probs(a(LOC), a(1.0), 4, n),
    ),
    "match_moments": (
        "num_samples",
        lambda igr, d, a, n: igr.match_moments(a(PROBS), 0.5, num_samples=n),
    ),
}
SIZES |= {
    name: ("num_sticks", lambda igr, d, a, n, make=make: make(igr, num_sticks=n))
    for name, make in {
        "relax": lambda igr, **options: igr.relax(lambda: None, 0.5, **options),
        "a reparameterizer": lambda igr, **options: igr.IGRReparam(0.5, **options),
    }.items()
}
ENGINES = {
    "TraceDiscreteKL_ELBO": (),
    "TraceSTL_ELBO": (),
    "TraceRELAX_ELBO": (),
    "TraceEnumeratedDiscrete_ELBO": (),
    "TraceDiscreteIWAE_ELBO": (2,),
    "TraceUnorderedSet_ELBO": (2,),
    "TraceVIMCO_ELBO": (2,),
}
SIZES |= {
    name: (
        "num_particles",
        lambda igr, d, a, n, name=name, args=args: getattr(igr, name)(*args, n),
    )
    for name, args in ENGINES.items()
}


MORE_THAN_A_FLOAT = 10**400
NUMBERS = {
    "temperature": [
        lambda igr, a, x: igr.IGR(x, a(LOC), a(1.0)),
        lambda igr, a, x: igr.IGR.from_probs(x, a(PROBS)),
        lambda igr, a, x: igr.OneHotCategoricalReinMax(x, a(PROBS)),
        lambda igr, a, x: igr.StickBreakingTransform(x),
        lambda igr, a, x: igr.match_moments(a(PROBS), x),
        lambda igr, a, x: igr.relax(lambda: None, x),
        lambda igr, a, x: igr.AutoIGR(lambda: None, x),
    ],
    "scale": [
        lambda igr, a, x: igr.IGR(0.5, a(LOC), x),
        lambda igr, a, x: igr.argmax_probs(a(LOC), x),
        lambda igr, a, x: igr.match_probs(a(PROBS), x),
    ],
    "rho": [
        lambda igr, a, x: igr.InfiniteIGR(0.5, a(LOC), a(1.0), x),
        lambda igr, a, x: igr.truncate(a(PROBS), x),
    ],
    "concentration": [lambda igr, a, x: igr.GEM(x, 3)],
}


@pytest.mark.parametrize("argument", NUMBERS)
def test_an_integer_that_is_no_float_is_named(backend, argument):
    for call in NUMBERS[argument]:
        for x in MORE_THAN_A_FLOAT, -MORE_THAN_A_FLOAT:
            with pytest.raises(ValueError, match=f"expected {argument} to be a number"):
                call(backend.igr, backend.array, x)


def test_an_integer_of_more_than_64_bits_is_a_number(backend):
    law = backend.igr.IGR(10**20, backend.array(LOC), backend.array(1.0), 10**20)
    assert float(law.temperature) == float(law.delta) == 1e20


HUGE = pytest.param(MORE_THAN_A_FLOAT, id="huge")


@pytest.mark.parametrize("size", [0, -2, 2.5, "two", HUGE])
@pytest.mark.parametrize(("argument", "call"), SIZES.values(), ids=SIZES)
def test_a_number_of_things_is_a_positive_integer(backend, argument, call, size):
    with pytest.raises((TypeError, ValueError), match=argument):
        call(backend.igr, backend.dist, backend.array, size)


def test_a_cubic_has_four_points(backend):
    of_sticks = backend.igr.discrete.largest_weight_probs
    with pytest.raises(ValueError, match="num_points to be at least 4, got 3"):
        of_sticks(backend.array(LOC), backend.array(1.0), 3)


def test_an_antithetic_sample_is_of_pairs(backend):
    one = backend.array(LOC), backend.array([1.0, 1.0])
    q = backend.igr.IGRFlow(0.5, *one, backend.igr.PlanarTransform(*one))
    with pytest.raises(ValueError, match="expected num_samples to be even, got 101"):
        backend.igr.match_moments(backend.array(PROBS), 0.5, num_samples=101)
    with pytest.raises(ValueError, match="expected num_samples to be even, got 101"):
        q.probs_and_error(101)


def test_what_is_no_distribution_of_counts_is_named(backend):
    with pytest.raises(TypeError, match="expected a distribution of counts"):
        backend.igr.InfiniteIGR.from_discrete(0.5, backend.array(PROBS))


def test_the_number_of_sticks_of_counts_is_named(backend):
    counts = backend.dist.Poisson(backend.array(1.0))
    with pytest.raises(ValueError, match="expected num_sticks to be positive, got 0"):
        backend.igr.InfiniteIGR.from_discrete(0.5, counts, 0)


def test_what_has_no_tail_gets_no_further_sticks(backend):
    loc, one = backend.array([0.0]), backend.array([1.0])
    with pytest.raises(ValueError, match="expected distribution to be an InfiniteIGR"):
        backend.igr.tail_start(backend.igr.IGR(0.5, loc, one), 2)
    with pytest.raises(ValueError, match="num_sticks to be at least 0, got -1"):
        backend.igr.tail_start(backend.igr.InfiniteIGR(0.5, loc, one), -1)
    for number in (1.5, 0.0):
        with pytest.raises(TypeError, match="num_sticks"):
            backend.igr.tail_start(backend.igr.InfiniteIGR(0.5, loc, one), number)


NO_PROGRAMS = {
    "relax": ("fn", lambda igr: igr.relax(3, 0.5)),
    "discretize": ("fn", lambda igr: igr.discretize(3)),
    "AutoIGR": ("model", lambda igr: igr.AutoIGR(3, 0.5)),
}


@pytest.mark.parametrize(("argument", "call"), NO_PROGRAMS.values(), ids=NO_PROGRAMS)
def test_what_is_no_program_is_named(backend, argument, call):
    with pytest.raises(TypeError, match=f"expected {argument} to be a program, got 3"):
        call(backend.igr)


@pytest.mark.parametrize("name", ["a name", "a member"])
def test_what_is_no_family_is_named(backend, name):
    igr, loc = backend.igr, backend.array(LOC)
    family = "IGR" if name == "a name" else igr.IGR(0.5, loc, backend.array(1.0))
    for refuse in (
        lambda: igr.relax(lambda: None, temperature=0.5, family=family),
        lambda: igr.IGRReparam(0.5, family=family),
    ):
        with pytest.raises(TypeError, match="expected family to be a class"):
            refuse()


ABSENT = {
    "mean": (lambda law: law.mean, r"\.probs"),
    "variance": (lambda law: law.variance, "samples"),
    "entropy": (lambda law: law.entropy(), r"to_discrete\(\)\.entropy"),
    "cdf": (lambda law: law.cdf(None), "log_prob"),
    "icdf": (lambda law: law.icdf(None), "samples"),
    "enumerate_support": (lambda law: law.enumerate_support(), "to_discrete"),
}


@pytest.mark.parametrize(("ask", "remedy"), ABSENT.values(), ids=ABSENT)
@pytest.mark.parametrize("name", LAWS)
def test_what_a_distribution_does_not_have_says_what_to_use(backend, name, ask, remedy):
    loc = backend.array(np.zeros(3))
    law = LAWS[name](backend.igr, 0.5, loc, backend.array(np.ones(3)))
    with pytest.raises(NotImplementedError, match=remedy):
        ask(law)


@pytest.mark.parametrize("name", LAWS)
def test_an_entropy_is_the_average_that_its_refusal_says(backend, name):
    loc = backend.array(np.zeros(3))
    law = LAWS[name](backend.igr, 0.5, loc, backend.array(np.ones(3)))
    log_prob = backend.numpy(law.log_prob(backend.sample(law, 0, (50,))))
    with pytest.raises(NotImplementedError) as refusal:
        law.entropy()
    assert ("average -log_prob" in str(refusal.value)) == np.isfinite(log_prob).all()


def test_truncated_values_have_a_density_at_rho_one_only(backend):
    def log_prob(rho):
        loc = backend.array(np.zeros(3))
        law = backend.igr.InfiniteIGR(0.5, loc, backend.array(np.ones(3)), rho)
        with pytest.raises(NotImplementedError, match="average .* at rho=1"):
            law.entropy()
        return backend.numpy(law.log_prob(backend.sample(law, 0, (50,))))

    assert np.isfinite(log_prob(1.0)).all()
    assert np.isinf(log_prob(0.9)).any()


@pytest.mark.parametrize("name", ABSENT)
def test_what_a_gem_does_not_have_says_what_a_gem_has(backend, name):
    ask, law = ABSENT[name][0], backend.igr.GEM(2.0, 3)
    with pytest.raises(NotImplementedError, match="samples") as refusal:
        ask(law)
    assert not hasattr(law, "to_discrete")
    assert "to_discrete" not in str(refusal.value)


@pytest.mark.parametrize("name", ["IGR", "ExpIGR", "IGRStickBreaking"])
def test_probabilities_by_position_are_told_where_they_go(backend, name):
    family, probs = getattr(backend.igr, name), backend.array([0.5, 0.3, 0.2])
    hint = rf"^expected loc and scale; {name}.from_probs\(temperature, probs\) takes"
    for given in ((0.5, probs), (0.5,)):
        with pytest.raises(TypeError, match=hint):
            family(*given)
