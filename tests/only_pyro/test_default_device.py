"""Tensors stay where they are, and noise is the same, whatever torch's default is."""

import pyro
import pytest
import torch
from pyro import poutine
from pyro.distributions import Bernoulli, Beta, Normal, OneHotCategorical
from torch.distributions import kl_divergence

from pyro_igr import (
    GEM,
    IGR,
    AutoIGR,
    IGRStickBreaking,
    InfiniteIGR,
    Kumaraswamy,
    PlanarTransform,
    argmax_probs,
    lookup,
    match_moments,
    match_probs,
    num_active,
    relax,
    reordered_start,
    tail_start,
    truncate,
)
from pyro_igr._numerics.antithetic_noise import antithetic_noise
from pyro_igr.discrete import (
    largest_weight_probs,
    leave_one_out_weights,
    match_stick_probs,
    set_weights,
)
from pyro_igr.infer._joint_values import all_values
from pyro_igr.infer.relax_elbo.control_network import _start

LOC, SCALE = torch.tensor([0.3, -0.2]), torch.tensor([1.0, 1.2])
WIDE, PROBS = torch.tensor([1.0, 9.0]), torch.tensor([0.5, 0.3, 0.2])
PRIOR = GEM(torch.tensor(2.0), 2)
STICKS = InfiniteIGR(1.0, LOC, SCALE, tail=PRIOR)
BETAS = Kumaraswamy(WIDE, SCALE), Beta(SCALE, WIDE)
ORDER = torch.tensor([1, 0])
LAYER = PlanarTransform(LOC, SCALE, 0.5)


def model():
    with pyro.plate("data", 2, device="cpu"):
        pyro.sample("z", OneHotCategorical(PROBS))


def relaxed_probs():
    sites = poutine.trace(relax(model, 0.5)).get_trace().nodes
    return sites["z"]["fn"].probs


def guided_probs():
    guide = AutoIGR(model, 0.5)
    guide()
    return guide.median()["z"].detach()


ALWAYS_THE_SAME = {
    "all_values": lambda: all_values({"z": OneHotCategorical(PROBS)}, (), 3)["z"],
    "antithetic_noise": lambda: antithetic_noise(4, torch.zeros(3, device="cpu")),
    "argmax_probs": lambda: argmax_probs(LOC, SCALE),
    "argmax_probs, panels": lambda: argmax_probs(LOC, WIDE),
    "auto_igr": guided_probs,
    "control_network": lambda: _start(torch.zeros(2, 3, device="cpu"), 5),
    "from_discrete": lambda: InfiniteIGR.from_discrete(0.5, Bernoulli(PROBS)).probs,
    "gem": lambda: PRIOR.log_prob(PROBS),
    "igr": lambda: IGR(0.5, LOC, SCALE).log_prob(PROBS),
    "kl": lambda: kl_divergence(STICKS, PRIOR),
    "kl, of Kumaraswamy": lambda: kl_divergence(*BETAS),
    "largest_weight_probs": lambda: largest_weight_probs(LOC, SCALE),
    "leave_one_out_weights": lambda: leave_one_out_weights(PROBS.log())[1],
    "lookup": lambda: lookup(LOC, torch.ones((), dtype=torch.long, device="cpu")),
    "match_moments": lambda: match_moments(PROBS, 0.5, num_samples=10)[0],
    "match_probs": lambda: match_probs(PROBS),
    "match_stick_probs": lambda: match_stick_probs(PROBS),
    "num_active": lambda: num_active(PROBS, 0.7),
    "planar": lambda: LAYER.inv(LAYER(LOC)),
    "recovered": lambda: IGRStickBreaking(0.5, LOC, SCALE).to_discrete().probs,
    "relax": relaxed_probs,
    "reordered_start": lambda: reordered_start(STICKS, ORDER)[0],
    "set_weights": lambda: set_weights(PROBS[:2].log())[1],
    "tail_start": lambda: tail_start(STICKS, 2)[0],
    "truncate": lambda: truncate(PROBS, 0.7),
}


@pytest.mark.parametrize("draw", ALWAYS_THE_SAME.values(), ids=ALWAYS_THE_SAME)
def test_what_is_made_of_tensors_is_where_they_are_whatever_the_default_device_is(draw):
    expected = draw()
    with torch.device("meta"):
        torch.testing.assert_close(draw(), expected, rtol=0, atol=0)


@pytest.mark.parametrize("tail", [GEM(2.0, 3), Normal(0.0, 2.0)], ids=repr)
def test_a_tail_of_plain_numbers_is_where_the_sticks_are(tail):
    there = torch.ones(2, device="meta")
    sticks = InfiniteIGR(1.0, there, there, tail=tail, validate_args=False)
    for found in (kl_divergence(sticks, sticks), *tail_start(sticks, 2)):
        assert found.device == there.device
