"""AutoIGR samples continuous sites themselves: mean-field losses are ELBOs in both."""

import numpy as np
import pytest
from scipy import integrate, stats

LOC, SCALE = 0.3, 0.5  # of every Gaussian
PRIORS = {
    "weight": (stats.gamma(2.0, scale=1 / 3), np.exp, lambda u: u),
    "share": (
        stats.beta(2.0, 3.0),
        lambda u: 1 / (1 + np.exp(-u)),
        lambda u: -u - 2 * np.log1p(np.exp(-u)),
    ),
    "center": (stats.norm(1.0, 2.0), lambda u: u, np.zeros_like),
}


def exact_kl():
    """The KL of the guide to the model, by quadrature over the Gaussians."""
    q = stats.norm(LOC, SCALE)

    def integrand(u, prior, bijection, log_slope):
        log_ratio = q.logpdf(u) - prior.logpdf(bijection(u)) - log_slope(u)
        return q.pdf(u) * log_ratio

    return sum(integrate.quad(integrand, -7, 7, p)[0] for p in PRIORS.values())


def pyro_losses():
    import pyro
    import pyro.distributions as dist
    import torch

    from pyro_igr import AutoIGR, TraceDiscreteKL_ELBO

    def model():
        pyro.sample("weight", dist.Gamma(torch.tensor(2.0), torch.tensor(3.0)))
        pyro.sample("share", dist.Beta(torch.tensor(2.0), torch.tensor(3.0)))
        pyro.sample("center", dist.Normal(1.0, 2.0))

    torch.manual_seed(0)
    pyro.clear_param_store()
    guide = AutoIGR(model, 0.5)
    guide()
    for name in PRIORS:
        setattr(guide[0].locs, name, torch.tensor(LOC))
        setattr(guide[0].scales, name, torch.tensor(SCALE))
    many = {"num_particles": 4000, "vectorize_particles": True, "max_plate_nesting": 0}
    for elbo in (pyro.infer.TraceMeanField_ELBO, TraceDiscreteKL_ELBO):
        yield elbo(**many).loss(model, guide)


def numpyro_losses():
    import jax
    import numpyro
    import numpyro.distributions as dist

    from numpyro_igr import AutoIGR, TraceDiscreteKL_ELBO

    def model():
        numpyro.sample("weight", dist.Gamma(2.0, 3.0))
        numpyro.sample("share", dist.Beta(2.0, 3.0))
        numpyro.sample("center", dist.Normal(1.0, 2.0))

    guide = AutoIGR(model, 0.5)
    params = {f"{name}_auto_loc": LOC for name in PRIORS}
    params |= {f"{name}_auto_scale": SCALE for name in PRIORS}
    for elbo in (numpyro.infer.TraceMeanField_ELBO, TraceDiscreteKL_ELBO):
        loss = elbo(4000).loss
        yield float(jax.jit(lambda: loss(jax.random.key(0), params, model, guide))())  # noqa: B023


@pytest.mark.parametrize("host", ["pyro", "numpyro"])
def test_the_loss_is_the_exact_kl_beside_constrained_sites(host):
    pytest.importorskip(host)
    losses = {"pyro": pyro_losses, "numpyro": numpyro_losses}[host]()
    np.testing.assert_allclose(list(losses), exact_kl(), atol=0.06)
