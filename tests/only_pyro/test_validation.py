"""A wrong argument is one clear ValueError that names it."""

import pyro
import pytest
import torch
from pyro_families import LOC, SCALE, every_family, make
from pyro_families import fresh_host as fresh_host

import pyro_igr

NAN = float("nan")
OFF_RANGE = {
    "negative_temperature": ("temperature", {"temperature": -1.0}),
    "zero_temperature": ("temperature", {"temperature": 0.0}),
    "nan_temperature": ("temperature", {"temperature": NAN}),
    "one_bad_temperature": ("temperature", {"temperature": torch.tensor([0.5, -0.5])}),
    "nan_loc": ("loc", {"loc": torch.tensor([0.0, NAN, 0.0])}),
    "negative_scale": ("scale", {"scale": -SCALE}),
    "zero_scale": ("scale", {"scale": torch.tensor([1.0, 0.0, 1.0])}),
    "nan_scale": ("scale", {"scale": torch.tensor([1.0, NAN, 1.0])}),
}
BAD_DELTA = {"negative": -1.0, "zero": 0.0, "nan": NAN}
WRONG_SHAPES = {
    "loc_without_event": ("loc", {"loc": torch.tensor(0.0)}),
    "empty_event": ("loc", {"loc": torch.zeros(0)}),
    "scale_of_another_length": ("scale", {"scale": torch.ones(2)}),
    "batches_apart": (
        "temperature",
        {"temperature": torch.ones(2), "loc": torch.zeros(3, 3)},
    ),
}
LAWS_WITH_DELTA = (pyro_igr.IGR, pyro_igr.ExpIGR, pyro_igr.IGRStraightThrough)
every_family_with_delta = pytest.mark.parametrize("law", LAWS_WITH_DELTA)


@every_family
@pytest.mark.parametrize(("argument", "given"), OFF_RANGE.values(), ids=OFF_RANGE)
def test_a_parameter_out_of_range_is_named(name, argument, given):
    with pytest.raises(ValueError, match=f"Expected parameter {argument} "):
        make(name, **given)


@every_family
@pytest.mark.parametrize(("_", "given"), OFF_RANGE.values(), ids=OFF_RANGE)
def test_no_parameter_is_checked_without_validation(name, _, given):
    with pyro.validation_enabled(False):
        make(name, **given).rsample()


@every_family_with_delta
@pytest.mark.parametrize("delta", BAD_DELTA.values(), ids=BAD_DELTA)
def test_delta_is_checked_as_the_others_are(law, delta):
    with pytest.raises(ValueError, match="Expected parameter delta "):
        law(0.5, LOC, SCALE, delta)
    law(0.5, LOC, SCALE, delta, validate_args=False).rsample()


@every_family
@pytest.mark.parametrize(("argument", "given"), WRONG_SHAPES.values(), ids=WRONG_SHAPES)
@pytest.mark.parametrize("validate", [True, False])
def test_a_wrong_shape_is_named_with_or_without_validation(
    name, argument, given, validate
):
    with pyro.validation_enabled(validate):
        with pytest.raises(ValueError, match=rf"expected .*\b{argument} .*\(.*\)"):
            make(name, **given)


@pytest.mark.parametrize("validate_args", [True, False, None])
def test_an_unknown_tempering_is_named_with_the_known_ones(validate_args):
    with pytest.raises(
        ValueError, match=r"sticks, weights, softmax\+\+, vertex.*'stick'"
    ):
        pyro_igr.IGRStickBreaking(
            0.5, LOC, SCALE, tempering="stick", validate_args=validate_args
        )


def test_a_vertex_temperature_above_one_is_refused():
    vertex = {"tempering": "vertex"}
    with pytest.raises(ValueError, match="temperature .* at most 1"):
        pyro_igr.IGRStickBreaking(1.5, LOC, SCALE, **vertex)
    pyro_igr.IGRStickBreaking(1.5, LOC, SCALE, **vertex, validate_args=False)
    pyro_igr.IGRStickBreaking(1.0, LOC, SCALE, **vertex)


OFF_SUPPORT = {
    "sum": lambda z: z + 0.1,
    "negative": lambda z: z + torch.tensor([-1.0, 2.0, 0.0, 0.0]),
    "nan": lambda z: z * NAN,
}


@every_family
@pytest.mark.parametrize("spoil", OFF_SUPPORT.values(), ids=OFF_SUPPORT)
def test_a_value_off_the_support_is_refused(name, spoil):
    law = make(name)
    value = spoil(law.sample((3,)))
    with pytest.raises(ValueError, match="to be within the support"):
        law.log_prob(value)
    with pyro.validation_enabled(False):
        assert law.log_prob(value).shape == (3,)


@every_family
def test_a_value_of_a_wrong_shape_is_refused(name):
    law = make(name)
    for value in law.sample()[:-1], torch.tensor(0.5):
        with pytest.raises(ValueError, match=r"shape|size|dimension"):
            law.log_prob(value)


@every_family
def test_a_distribution_of_vectors_has_no_cdf(name):
    law = make(name)
    with pytest.raises(NotImplementedError):
        law.cdf(law.sample())
