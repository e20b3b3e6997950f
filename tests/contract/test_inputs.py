"""What distributions, maps and functions take: integers, halves, no complex numbers."""

import numpy as np
import pytest
from cases import LAWS

TEMPERINGS = ("sticks", "weights", "softmax++", "vertex")
every_family = pytest.mark.parametrize("name", LAWS)
LOC, SCALE = [0, 2, -1], [1, 2, 1]
HALVES = ("float16", "bfloat16")


def laws(backend, name, *dtypes, temperature=1):
    return [
        LAWS[name](
            backend.igr, temperature, *(backend.array(x, d) for x in (LOC, SCALE))
        )
        for d in dtypes
    ]


@every_family
def test_a_distribution_of_integers_is_that_of_the_same_reals(backend, name):
    whole, real = laws(backend, name, "int32", "float32")
    value = backend.sample(real, 0)
    for found, expected in (
        (whole.probs, real.probs),
        (whole.log_prob(value), real.log_prob(value)),
        (backend.kl(whole, real), 0 * real.temperature),
    ):
        assert "float" in str(found.dtype)
        np.testing.assert_allclose(
            backend.numpy(found), backend.numpy(expected), 1e-5, 1e-5
        )


@every_family
def test_a_value_of_integers_is_that_of_the_same_reals(backend, name):
    one_hots = np.eye(4)
    with backend.validation(False):
        (law,) = laws(backend, name, "float64", temperature=0.5)
        given = [backend.array(one_hots, d) for d in ("int64", "float64")]
        found = [law.log_prob(value) for value in given]
    assert found[0].dtype == found[1].dtype
    np.testing.assert_array_equal(*map(backend.numpy, found))


OVER_FOUR = {
    **{
        name: lambda igr, a, make=make: make(igr, 0.5, a(LOC), a(SCALE))
        for name, make in LAWS.items()
    },
    "gem": lambda igr, a: igr.GEM(1.0, 3),
    "exp_relaxed": lambda igr, a: igr.ExpRelaxedOneHotCategorical(0.5, logits=a(FOUR)),
    "expected": lambda igr, a: igr.ExpectedOneHotCategorical(logits=a(FOUR)),
    "reinmax": lambda igr, a: igr.OneHotCategoricalReinMax(1.0, logits=a(FOUR)),
    "gumbel_rao": lambda igr, a: igr.RaoBlackwellized(
        igr.IGR(0.5, a(LOC), a(SCALE)), 2
    ),
}
FOUR = [0.1, 0.2, 0.3, 0.4]


@pytest.mark.parametrize("size", [1, 2, 5])
@pytest.mark.parametrize("make", OVER_FOUR.values(), ids=OVER_FOUR)
def test_a_value_of_another_length_is_refused_without_validation(backend, make, size):
    values = backend.array(np.full((2, size), 1 / size))
    with backend.validation(False):
        law = make(backend.igr, lambda x: backend.array(x, "float64"))
        refused = f"value to have 4 entries .* shape .*{size}"
        with pytest.raises(ValueError, match=refused):
            law.log_prob(values)
        with pytest.raises(ValueError, match=refused):
            backend.vmap(law.log_prob, values)


@pytest.mark.parametrize("tau", [0.5, 2])
@pytest.mark.parametrize("tempering", [None, *TEMPERINGS[:-1]])
def test_a_map_of_integers_is_that_of_the_same_reals(backend, tempering, tau):
    igr = backend.igr
    transform = (
        igr.SoftmaxPlusPlusTransform(tau, 3)
        if tempering is None
        else igr.StickBreakingTransform(tau, tempering)
    )
    whole, real = (backend.array([1, 2, -3], d) for d in ("int32", "float32"))
    z, expected = transform(whole), transform(real)
    np.testing.assert_allclose(backend.numpy(z), backend.numpy(expected), 1e-5)
    log_dets = [transform.log_abs_det_jacobian(y, z) for y in (whole, real)]
    np.testing.assert_allclose(*map(backend.numpy, log_dets), 1e-5)


def test_functions_of_integers_are_those_of_the_same_reals(backend):
    igr, results = backend.igr, {}
    for dtype in "int64", "float64":
        loc, one = backend.array(LOC, dtype), backend.array(1, dtype)
        weights = backend.array([1, 2, 5], dtype)
        results[dtype] = [
            igr.argmax_probs(loc, one),
            igr.stick_probs(loc, one),
            igr.match_probs(weights, one),
            *igr.match_moments(weights, one, one, one, num_samples=100),
            igr.truncate(backend.array([0, 1, 0], dtype), 1),
            igr.straight_through(weights),
            igr.IGRStickBreaking.from_probs(one, weights, scale=one).loc,
            igr.GEM(backend.array(2, dtype), 3).probs,
        ]
    for found, expected in zip(*results.values(), strict=True):
        np.testing.assert_allclose(backend.numpy(found), backend.numpy(expected), 1e-5)


@every_family
@pytest.mark.parametrize("argument", ["temperature", "loc", "scale", "value"])
@pytest.mark.parametrize("validate", [True, False])
def test_a_complex_number_is_refused_by_name(backend, name, argument, validate):
    given = {"temperature": 0.5, "loc": LOC, "scale": SCALE, "value": [0.25] * 4}
    given[argument] = np.asarray(given[argument]) + 0j
    given = {k: backend.array(v, np.asarray(v).dtype.name) for k, v in given.items()}
    value = given.pop("value")
    with backend.validation(validate), pytest.raises(TypeError, match=argument):
        LAWS[name](backend.igr, *given.values()).log_prob(value)


def test_functions_and_maps_refuse_complex_numbers_by_name(backend):
    igr, i = backend.igr, backend.array([1j, 1.0], "complex64")
    one = backend.array([1.0, 1.0])
    for name, call in {
        "loc": lambda: igr.stick_probs(i, one),
        "scale": lambda: igr.match_probs(backend.array([0.2, 0.3, 0.5]), i),
        "probs": lambda: igr.IGR.from_probs(0.5, i),
        "logits": lambda: igr.IGR.from_probs(0.5, logits=i),
        "weights": lambda: igr.truncate(i, 0.9),
        "concentration": lambda: igr.GEM(i, 3),
        "temperature": lambda: igr.SoftmaxPlusPlusTransform(1j),
        "value": lambda: igr.StickBreakingTransform(0.5)(i),
    }.items():
        with pytest.raises(TypeError, match=f"expected {name} to be real"):
            call()


@every_family
@pytest.mark.parametrize("dtype", HALVES)
def test_a_distribution_of_half_precision_has_the_density_of_its_own_type(
    backend, name, dtype
):
    half, double = laws(backend, name, dtype, "float64", temperature=0.5)
    value = backend.array(backend.numpy(backend.sample(double, 0)), dtype)
    rounded = backend.numpy(value).astype(float)
    rounded = backend.array(rounded / (1 if name == "exp_igr" else rounded.sum()))
    with backend.validation(False):
        densities = half.log_prob(value), double.log_prob(rounded)
    for found, expected, bound in (
        (*densities, 0.1),
        (backend.kl(half, half), 0 * double.temperature, 0),
    ):
        assert found.dtype == half.loc.dtype
        found, expected = backend.numpy(found), backend.numpy(expected)
        np.testing.assert_allclose(found.astype(float), expected, atol=bound)
