"""Networks, distributions of codes and pixels, and ELBOs, as the options choose."""

from functools import partial
from itertools import pairwise

import pyro
import torch
from pyro.distributions import (
    Bernoulli,
    Distribution,
    Normal,
    OneHotCategorical,
    RelaxedOneHotCategorical,
)
from pyro.infer import ELBO, Trace_ELBO, TraceMeanField_ELBO
from pyro.optim import Adam, CosineAnnealingLR, PyroOptim
from torch import Tensor, nn

from examples.discrete_vae.options import (
    ESTIMATORS,
    FIRST_VARIANCE,
    NUM_AVERAGED,
    Options,
)
from examples.discrete_vae.unmatched_pyro import make_paper_sticks, make_planar
from examples.harness.training_pyro import VECTORIZED
from pyro_igr import (
    IGR,
    ExpRelaxedOneHotCategorical,
    IGRStickBreaking,
    OneHotCategoricalReinMax,
    RaoBlackwellized,
    TraceDiscreteIWAE_ELBO,
    TraceDiscreteKL_ELBO,
    TraceEnumeratedDiscrete_ELBO,
    TraceRELAX_ELBO,
    TraceSTL_ELBO,
    TraceUnorderedSet_ELBO,
    TraceVIMCO_ELBO,
    match_moments,
)

GUMBEL_SOFTMAX = ExpRelaxedOneHotCategorical, RelaxedOneHotCategorical
IGR_FAMILIES = {"igr": IGR, "igr-sb": IGRStickBreaking}
UNMATCHED = {"igr-planar": make_planar, "igr-sb-eq18": make_paper_sticks}
ELBOS = {
    "analytic-kl": TraceMeanField_ELBO,
    "analytic-kl-unit": TraceMeanField_ELBO,
    "monte-carlo-kl": Trace_ELBO,
    "stl": TraceSTL_ELBO,
    "discrete-kl": TraceDiscreteKL_ELBO,
    "straight-through": TraceDiscreteKL_ELBO,
    "reinmax": TraceDiscreteKL_ELBO,
    "rao-blackwell": TraceDiscreteKL_ELBO,
    "relax": partial(TraceRELAX_ELBO, name="relax"),
    "rebar": partial(TraceRELAX_ELBO, name="relax", control_variate=None),
}


def make_network(*sizes: int) -> nn.Sequential:
    """Linear maps from size to size, with rectifiers in between."""
    layers = [
        module for pair in pairwise(sizes) for module in (nn.Linear(*pair), nn.ReLU())
    ]
    return nn.Sequential(*layers[:-1])


def make_prior(options: Options, device: torch.device) -> Distribution:
    """Uniform over the categories of each variable, or nearly; what is trained on.

    A relaxed distribution, or with Gumbel-Softmax a discrete one for a discrete model.
    """
    temperature = torch.tensor(options.temperature, device=device)
    logits = torch.zeros(options.num_variables, options.num_categories, device=device)
    if options.estimator in ("reinmax", "reinmax-iwae"):
        return OneHotCategoricalReinMax(temperature, logits=logits)
    if options.estimator == "rao-blackwell":
        base = RelaxedOneHotCategorical(temperature, logits=logits)
        if options.family in IGR_FAMILIES:
            base = IGR_FAMILIES[options.family].from_probs(temperature, logits=logits)
        return RaoBlackwellized(base, NUM_AVERAGED)
    if options.family in UNMATCHED:
        return UNMATCHED[options.family](temperature, logits)
    if options.family == "igr-eq14":
        return IGR(temperature, *match_moments(torch.ones_like(logits), temperature))
    if options.family == "gumbel-softmax":
        prior = ExpRelaxedOneHotCategorical(temperature, logits=logits)
        is_discrete = ESTIMATORS[options.estimator].is_discrete
        return make_discrete(prior) if is_discrete else prior
    return IGR_FAMILIES[options.family].from_probs(temperature, logits=logits)


def make_posterior(prior: Distribution, parameters: Tensor) -> Distribution:
    """The distribution of the prior's family that has these parameters.

    The Gaussians of IGR have scale 1 unless there are parameters for it. It is of one
    entry, which is known to be the same for all.
    """
    if isinstance(prior, RaoBlackwellized):
        base = make_posterior(prior.base_dist, parameters)
        return RaoBlackwellized(base, prior.num_samples)
    if isinstance(prior, OneHotCategoricalReinMax):
        return OneHotCategoricalReinMax(prior.temperature, logits=parameters)
    if isinstance(prior, OneHotCategorical):
        return OneHotCategorical(logits=parameters)
    if isinstance(prior, GUMBEL_SOFTMAX):
        return type(prior)(prior.temperature, logits=parameters)
    loc, *log_scale = parameters.split(prior.event_shape[0] - 1, -1)
    scale = log_scale[0].exp() if log_scale else loc.new_ones(1)
    own = {n: getattr(prior, n) for n in prior.options if n != "delta"}  # which is 1
    return type(prior)(prior.temperature, loc, scale, **own)


def make_discrete(prior: Distribution) -> Distribution:
    """The prior for a discretized model, where the sites of IGR are one-hot."""
    is_free = isinstance(prior, (ExpRelaxedOneHotCategorical, OneHotCategoricalReinMax))
    return prior.to_discrete() if is_free else prior


def sample_code(code: Distribution) -> Tensor:
    """A code from the site "code", whose value may be the logarithm of it."""
    value = pyro.sample("code", code.to_event(1))
    return value.exp() if isinstance(code, ExpRelaxedOneHotCategorical) else value


def sample_pixels(logits: Tensor, images: Tensor, *, is_gray: bool) -> Tensor:
    """These images at the site "pixels"; returns the means of the pixels.

    Gray ones are Gaussian around sigmoids, with one variance for all that is learned
    (Rybkin, Daniilidis and Levine, 2021).
    """
    pixels, means = Bernoulli(logits=logits), logits.sigmoid()
    if is_gray:
        first = logits.new_tensor(FIRST_VARIANCE).log()
        log_variance = pyro.param("log_variance", first)
        pixels = Normal(means, (log_variance / 2).exp())
    pyro.sample("pixels", pixels.to_event(1), obs=images)
    return means


def make_optimizer(options: Options) -> PyroOptim:
    """Adam, with a learning rate that falls epoch by epoch if it is to decay."""
    rate = {"lr": options.learning_rate}
    if options.decay != "cosine":
        return Adam(rate)
    adam = {"optimizer": torch.optim.Adam, "optim_args": rate}
    return CosineAnnealingLR(adam | {"T_max": options.num_epochs})


def make_elbo(estimator: str, num_samples: int) -> ELBO:
    """The objective of an estimator, one of `ESTIMATORS`.

    Args:
        estimator: Its name.
        num_samples: Codes for each image, to average over or to make a set of.
    """
    if estimator == "exact":
        return TraceEnumeratedDiscrete_ELBO(max_plate_nesting=1)
    if estimator in ("discrete-iwae", "reinmax-iwae"):
        return TraceDiscreteIWAE_ELBO(num_samples, max_plate_nesting=1)
    if estimator == "discrete-iwae-dr":
        return TraceDiscreteIWAE_ELBO(
            num_samples, gradient="doubly reparameterized", max_plate_nesting=1
        )
    if estimator in ("unordered-set", "leave-one-out"):
        replacement = estimator == "leave-one-out"
        return TraceUnorderedSet_ELBO(
            num_samples, replacement=replacement, max_plate_nesting=1
        )
    if estimator == "vimco":
        return TraceVIMCO_ELBO(num_samples, max_plate_nesting=1)
    return ELBOS[estimator](num_particles=num_samples, **VECTORIZED)
