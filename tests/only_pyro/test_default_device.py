"""Noise that is always the same is drawn where torch's default device is another."""

import pytest
import torch

from pyro_igr._numerics.antithetic_noise import antithetic_noise
from pyro_igr.infer.relax_elbo.control_network import _start

ALWAYS_THE_SAME = {
    "antithetic_noise": lambda: antithetic_noise(4, torch.zeros(3, device="cpu")),
    "control_network": lambda: _start(torch.zeros(2, 3, device="cpu"), 5),
}


@pytest.mark.parametrize("draw", ALWAYS_THE_SAME.values(), ids=ALWAYS_THE_SAME)
def test_fixed_noise_is_the_same_whatever_the_default_device_is(draw):
    expected = draw()
    with torch.device("meta"):
        torch.testing.assert_close(draw(), expected, rtol=0, atol=0)
