"""A value off the support is refused as Pyro refuses it."""

import numpy as np
import pyro
import pytest
import torch
from pyro_families import every_family, make
from pyro_families import fresh_host as fresh_host

from pyro_igr import ExpectedOneHotCategorical

NAN = float("nan")
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
def test_a_number_as_a_value_is_refused(name):
    with pytest.raises(ValueError, match=r"have 4 entries .*, got shape \(\)"):
        make(name).log_prob(torch.tensor(0.5))


def test_the_mean_of_a_one_hot_variable_is_made_of_numbers_too():
    for numbers in [0.2, 0.8], np.array([0.2, 0.8]):
        law = ExpectedOneHotCategorical(numbers).expand((3,))
        assert type(law) is ExpectedOneHotCategorical
        torch.testing.assert_close(law.probs, torch.as_tensor(numbers).expand(3, 2))
    for name in "probs", "logits":
        with pytest.raises(TypeError, match=f"expected {name} to be made of numbers"):
            ExpectedOneHotCategorical(**{name: "much"})
