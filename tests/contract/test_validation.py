"""A wrong argument is one clear ValueError that names it."""

import re

import numpy as np
import pytest
from cases import LAWS

NAN = float("nan")
LOC, SCALE = np.array([0.3, -0.6, 0.9]), np.array([0.8, 1.1, 0.6])
OFF_RANGE = {
    "negative_temperature": ("temperature", {"temperature": -1.0}),
    "zero_temperature": ("temperature", {"temperature": 0.0}),
    "nan_temperature": ("temperature", {"temperature": NAN}),
    "one_bad_temperature": ("temperature", {"temperature": np.array([0.5, -0.5])}),
    "nan_loc": ("loc", {"loc": np.array([0.0, NAN, 0.0])}),
    "negative_scale": ("scale", {"scale": -SCALE}),
    "zero_scale": ("scale", {"scale": np.array([1.0, 0.0, 1.0])}),
    "nan_scale": ("scale", {"scale": np.array([1.0, NAN, 1.0])}),
}
BAD_NUMBERS = {"negative": -1.0, "zero": 0.0, "nan": NAN}
BAD_RHOS = {"negative": -0.1, "above_one": 1.1, "nan": NAN}
WRONG_SHAPES = {
    "loc_without_event": ("loc", {"loc": np.array(0.0)}),
    "empty_event": ("loc", {"loc": np.zeros(0)}),
    "scale_of_another_length": ("scale", {"scale": np.ones(2)}),
    "batches_apart": (
        "temperature",
        {"temperature": np.ones(2), "loc": np.zeros((3, 3))},
    ),
}
every_family = pytest.mark.parametrize("name", LAWS)
every_bad_number = pytest.mark.parametrize("bad", BAD_NUMBERS.values(), ids=BAD_NUMBERS)


def single(backend, x):
    return backend.array(x, "float32") if isinstance(x, np.ndarray) else x


def gaussians(backend):
    return single(backend, LOC), single(backend, SCALE)


def make(backend, name, temperature=0.5, loc=LOC, scale=SCALE):
    given = (single(backend, x) for x in (temperature, loc, scale))
    return LAWS[name](backend.igr, *given)


def refused(backend, argument):
    """The words of the host for a parameter out of its range."""
    return pytest.raises(ValueError, match=backend.OUT_OF_RANGE.format(argument))


@pytest.fixture(autouse=True)
def validated(backend):
    with backend.validation(True):
        yield


@every_family
@pytest.mark.parametrize(("argument", "given"), OFF_RANGE.values(), ids=OFF_RANGE)
def test_a_parameter_out_of_range_is_named(backend, name, argument, given):
    with refused(backend, argument):
        make(backend, name, **given)


@every_family
@pytest.mark.parametrize(("_", "given"), OFF_RANGE.values(), ids=OFF_RANGE)
def test_no_parameter_is_checked_without_validation(backend, name, _, given):
    with backend.validation(False):
        backend.sample(make(backend, name, **given), 0)


@pytest.mark.parametrize("law", ["IGR", "ExpIGR", "IGRStraightThrough"])
@every_bad_number
def test_delta_is_checked_as_the_others_are(backend, law, bad):
    law = getattr(backend.igr, law)
    with refused(backend, "delta"):
        law(0.5, *gaussians(backend), bad)
    backend.sample(law(0.5, *gaussians(backend), bad, validate_args=False), 0)


@every_bad_number
def test_a_concentration_out_of_range_is_named(backend, bad):
    with refused(backend, "concentration"):
        backend.igr.GEM(bad, 3)
    backend.sample(backend.igr.GEM(bad, 3, validate_args=False), 0)


@pytest.mark.parametrize("rho", BAD_RHOS.values(), ids=BAD_RHOS)
def test_a_rho_out_of_range_is_named(backend, rho):
    with refused(backend, "rho"):
        backend.igr.InfiniteIGR(0.5, *gaussians(backend), rho)


@pytest.mark.parametrize("validate", [True, False])
def test_a_rho_below_1_that_rounds_to_1_is_refused(backend, validate):
    rho, most = 1 - 1e-9, float(np.nextafter(np.float32(1), np.float32(0)))
    says = pytest.raises(ValueError, match=f"expected rho .* at most {most:.7f}")
    tail = {"tail": backend.igr.GEM(1.0, 1)}
    weights = single(backend, np.array([0.5, 0.5]))
    with backend.validation(validate):
        for options in ({}, tail):
            with says:
                backend.igr.InfiniteIGR(0.5, *gaussians(backend), rho, **options)
        with says:
            backend.igr.truncate(weights, rho)
        with says:
            backend.igr.num_active(weights, rho)
        assert backend.igr.InfiniteIGR(0.5, *gaussians(backend), most).rho < 1
        in_double = [backend.array(x, "float64") for x in (LOC, SCALE)]
        assert backend.igr.InfiniteIGR(0.5, *in_double, rho).rho < 1


def test_an_array_of_rhos_that_round_to_1_is_refused(backend):
    rho = backend.array([0.5, 1 - 1e-9], "float64")
    with pytest.raises(ValueError, match="expected rho to be 1 itself or at most"):
        backend.igr.InfiniteIGR(0.5, *gaussians(backend), rho)


@every_family
@pytest.mark.parametrize(("argument", "given"), WRONG_SHAPES.values(), ids=WRONG_SHAPES)
@pytest.mark.parametrize("validate", [True, False])
def test_a_wrong_shape_is_named_with_or_without_validation(
    backend, name, argument, given, validate
):
    with backend.validation(validate):
        with pytest.raises(ValueError, match=rf"expected .*\b{argument} .*\(.*\)"):
            make(backend, name, **given)


@pytest.mark.parametrize("validate_args", [True, False, None])
@pytest.mark.parametrize("given", ["stick", ["sticks"], None], ids=str)
def test_an_unknown_tempering_is_named_with_the_known_ones(
    backend, given, validate_args
):
    known = rf"sticks, weights, softmax\+\+, vertex; got {re.escape(repr(given))}"
    options = {"tempering": given, "validate_args": validate_args}
    with pytest.raises(ValueError, match=known):
        backend.igr.IGRStickBreaking(0.5, *gaussians(backend), **options)


def test_a_vertex_temperature_above_one_is_refused(backend):
    def vertex(temperature, **options):
        return backend.igr.IGRStickBreaking(
            temperature, *gaussians(backend), tempering="vertex", **options
        )

    with pytest.raises(ValueError, match="temperature .* at most 1"):
        vertex(1.5)
    vertex(1.5, validate_args=False)
    vertex(1.0)


@every_family
def test_a_distribution_of_vectors_has_no_cdf(backend, name):
    law = make(backend, name)
    with pytest.raises(NotImplementedError):
        law.cdf(backend.sample(law, 0))
