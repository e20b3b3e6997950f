"""The host's reweighted wake-sleep trains a discretized pair, as it is enumerated."""

import pyro
import pyro.distributions as dist
import torch
from pyro.infer import ReweightedWakeSleep
from pyro_families import fresh_host as fresh_host

from pyro_igr import IGRStickBreaking, discretize

PRIOR = torch.tensor([0.5, 0.3, 0.2])
MEANS, X = torch.tensor([-1.0, 0.5, 1.5]), torch.tensor(0.8)


def model():
    means = pyro.param("means", MEANS)
    z = pyro.sample("z", IGRStickBreaking.from_probs(0.5, PRIOR))
    pyro.sample("x", dist.Normal((z * means).sum(-1), 0.7), obs=X)


def guide():
    loc = pyro.param("loc", torch.tensor([0.2, -0.4]))
    pyro.sample("z", IGRStickBreaking(0.5, loc, torch.ones(2)))


def exact():
    """Gradients of -log p(x), and of the KL from the posterior to the guide."""
    means = MEANS.clone().requires_grad_()
    loc = torch.tensor([0.2, -0.4], requires_grad=True)
    log_joint = PRIOR.log() + dist.Normal(means, 0.7).log_prob(X)
    log_evidence = log_joint.logsumexp(-1)
    posterior = (log_joint - log_evidence).exp().detach()
    log_q = IGRStickBreaking(0.5, loc, torch.ones(2)).logits
    losses = -log_evidence, -(posterior * log_q).sum()
    return [
        torch.autograd.grad(loss, x)[0]
        for loss, x in zip(losses, (means, loc), strict=True)
    ]


def test_its_gradients_are_those_of_enumeration():
    engine = ReweightedWakeSleep(20_000, insomnia=1.0, max_plate_nesting=0)
    engine.loss_and_grads(discretize(model), discretize(guide))
    parameters = dict(pyro.get_param_store().named_parameters())
    for name, expected in zip(("means", "loc"), exact(), strict=True):
        torch.testing.assert_close(parameters[name].grad, expected, rtol=0, atol=0.03)
        assert expected.abs().max() > 0.1
