"""A wrong argument is one clear ValueError that names it."""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import pytest
from jax import random
from numpyro_families import LOC, SCALE, every_family, make
from numpyro_families import fresh_host as fresh_host

import numpyro_igr

KEY = random.key(0)
NAN = float("nan")
OFF_RANGE = {
    "negative_temperature": ("temperature", {"temperature": -1.0}),
    "zero_temperature": ("temperature", {"temperature": 0.0}),
    "nan_temperature": ("temperature", {"temperature": NAN}),
    "one_bad_temperature": ("temperature", {"temperature": np.array([0.5, -0.5])}),
    "nan_loc": ("loc", {"loc": np.array([0.0, NAN, 0.0])}),
    "negative_scale": ("scale", {"scale": -np.array(SCALE)}),
    "zero_scale": ("scale", {"scale": np.array([1.0, 0.0, 1.0])}),
    "nan_scale": ("scale", {"scale": np.array([1.0, NAN, 1.0])}),
}
BAD_DELTA = {"negative": -1.0, "zero": 0.0, "nan": NAN}
WRONG_SHAPES = {
    "loc_without_event": ("loc", {"loc": np.array(0.0)}),
    "empty_event": ("loc", {"loc": np.zeros(0)}),
    "scale_of_another_length": ("scale", {"scale": np.ones(2)}),
    "batches_apart": (
        "temperature",
        {"temperature": np.ones(2), "loc": np.zeros((3, 3))},
    ),
}
LAWS_WITH_DELTA = (
    numpyro_igr.IGR,
    numpyro_igr.ExpIGR,
    numpyro_igr.IGRStraightThrough,
)


@every_family
@pytest.mark.parametrize(("argument", "given"), OFF_RANGE.values(), ids=OFF_RANGE)
def test_a_parameter_out_of_range_is_named(name, argument, given):
    with pytest.raises(ValueError, match=f"invalid {argument} parameter"):
        make(name, **given)


@every_family
@pytest.mark.parametrize(("_", "given"), OFF_RANGE.values(), ids=OFF_RANGE)
def test_no_parameter_is_checked_without_validation(name, _, given):
    with numpyro.validation_enabled(False):
        make(name, **given).sample(KEY)


@every_family
def test_a_constant_out_of_range_is_named_under_jit(name):
    with pytest.raises(ValueError, match="invalid temperature parameter"):
        jax.jit(lambda: make(name, -1.0).sample(KEY))()


@pytest.mark.parametrize("law", LAWS_WITH_DELTA)
@pytest.mark.parametrize("delta", BAD_DELTA.values(), ids=BAD_DELTA)
def test_delta_is_checked_as_the_others_are(law, delta):
    loc, scale = np.array(LOC), np.array(SCALE)
    with pytest.raises(ValueError, match="invalid delta parameter"):
        law(0.5, loc, scale, delta)
    law(0.5, loc, scale, delta, validate_args=False).sample(KEY)


@every_family
@pytest.mark.parametrize(("argument", "given"), WRONG_SHAPES.values(), ids=WRONG_SHAPES)
@pytest.mark.parametrize("validate", [True, False])
def test_a_wrong_shape_is_named_with_or_without_validation(
    name, argument, given, validate
):
    with numpyro.validation_enabled(validate):
        with pytest.raises(ValueError, match=rf"expected .*\b{argument} .*\(.*\)"):
            make(name, **given)


@pytest.mark.parametrize("validate_args", [True, False, None])
def test_an_unknown_tempering_is_named_with_the_known_ones(validate_args):
    known = r"sticks, weights, softmax\+\+, vertex.*'stick'"
    with pytest.raises(ValueError, match=known):
        numpyro_igr.IGRStickBreaking(
            0.5,
            np.array(LOC),
            np.array(SCALE),
            tempering="stick",
            validate_args=validate_args,
        )


def test_a_vertex_temperature_above_one_is_refused():
    def vertex(temperature, **options):
        return numpyro_igr.IGRStickBreaking(
            temperature, np.array(LOC), np.array(SCALE), tempering="vertex", **options
        )

    with pytest.raises(ValueError, match="temperature .* at most 1"):
        vertex(1.5)
    vertex(1.5, validate_args=False)
    vertex(1.0)


OFF_SUPPORT = {
    "sum": lambda z: z + 0.1,
    "negative": lambda z: z + np.array([-1.0, 2.0, 0.0, 0.0], np.float32),
    "nan": lambda z: z * NAN,
}


@every_family
@pytest.mark.parametrize("spoil", OFF_SUPPORT.values(), ids=OFF_SUPPORT)
def test_a_value_off_the_support_warns_and_has_no_density(name, spoil):
    law = make(name)
    value = spoil(law.sample(KEY, (3,)))
    with pytest.warns(UserWarning, match="Out-of-support"):
        log_prob = law.log_prob(value)
    assert (log_prob == -jnp.inf).all()
    assert (jax.jit(law.log_prob)(value) == -jnp.inf).all()
    with numpyro.validation_enabled(False):
        assert make(name).log_prob(value).shape == (3,)


@every_family
@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_value_of_a_wrong_shape_is_refused(name, size):
    law, value = make(name), np.full(size, 1 / size, np.float32)
    with numpyro.validation_enabled(False):
        for log_prob in law.log_prob, jax.jit(law.log_prob):
            with pytest.raises(ValueError, match="value to have 4 entries"):
                log_prob(value)


def test_weights_of_a_wrong_number_of_sticks_are_refused():
    with pytest.raises(ValueError, match=r"value to have 4 entries .* shape \(2,\)"):
        numpyro_igr.GEM(1.0, 3).log_prob(np.array([0.5, 0.5], np.float32))


@every_family
def test_a_distribution_of_vectors_has_no_cdf(name):
    law = make(name)
    with pytest.raises(NotImplementedError):
        law.cdf(law.sample(KEY))
