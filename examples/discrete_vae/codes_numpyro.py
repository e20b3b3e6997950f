"""Networks, distributions of codes and pixels, and ELBOs, as the options choose."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpyro
from jax import Array
from jax.example_libraries import stax
from numpyro.distributions import Bernoulli, Distribution, Normal
from numpyro.infer import Trace_ELBO, TraceMeanField_ELBO
from numpyro.infer.elbo import ELBO

from examples.discrete_vae.options import (
    ESTIMATORS,
    FIRST_VARIANCE,
    NUM_AVERAGED,
    Options,
)
from examples.discrete_vae.unmatched_numpyro import make_paper_sticks, make_planar
from examples.harness.training_numpyro import CosineDecay
from numpyro_igr import (
    IGR,
    ExpRelaxedOneHotCategorical,
    IGRStickBreaking,
    OneHotCategorical,
    OneHotCategoricalReinMax,
    RaoBlackwellized,
    RelaxedOneHotCategorical,
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


def make_network(*sizes: int) -> tuple[Callable, Callable]:
    """Linear maps to size after size, with rectifiers in between."""
    layers = [layer for size in sizes for layer in (stax.Dense(size), stax.Relu)]
    return stax.serial(*layers[:-1])


def make_prior(options: Options) -> Distribution:
    """Uniform over the categories of each variable, or nearly; what is trained on.

    A relaxed distribution, or with Gumbel-Softmax a discrete one for a discrete model.
    """
    temperature = jnp.array(options.temperature)
    logits = jnp.zeros((options.num_variables, options.num_categories))
    if options.estimator in ("reinmax", "reinmax-iwae"):
        return OneHotCategoricalReinMax(temperature, logits=logits)
    if options.estimator == "rao-blackwell":
        base = RelaxedOneHotCategorical(temperature, logits=logits)
        if options.family in IGR_FAMILIES:
            base = _from_logits(IGR_FAMILIES[options.family], temperature, logits)
        return RaoBlackwellized(base, NUM_AVERAGED)
    if options.family in UNMATCHED:
        return UNMATCHED[options.family](temperature, logits)
    if options.family == "igr-eq14":
        return IGR(temperature, *match_moments(jnp.ones_like(logits), temperature))
    if options.family == "gumbel-softmax":
        prior = ExpRelaxedOneHotCategorical(temperature, logits=logits)
        is_discrete = ESTIMATORS[options.estimator].is_discrete
        return make_discrete(prior) if is_discrete else prior
    return _from_logits(IGR_FAMILIES[options.family], temperature, logits)


@partial(jax.jit, static_argnames="family")
def _from_logits(
    family: type[Distribution], temperature: Array, logits: Array
) -> Distribution:
    return family.from_probs(temperature, logits=logits)


def make_posterior(prior: Distribution, parameters: Array) -> Distribution:
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
    loc, log_scale = jnp.split(parameters, [prior.event_shape[0] - 1], -1)
    scale = jnp.exp(log_scale) if log_scale.size else jnp.ones(1, loc.dtype)
    own = {n: getattr(prior, n) for n in prior.options if n != "delta"}  # which is 1
    return type(prior)(prior.temperature, loc, scale, **own)


def make_discrete(prior: Distribution) -> Distribution:
    """The prior for a discretized model, where the sites of IGR are one-hot."""
    is_free = isinstance(prior, (ExpRelaxedOneHotCategorical, OneHotCategoricalReinMax))
    return prior.to_discrete() if is_free else prior


def sample_code(code: Distribution) -> Array:
    """A code from the site "code", whose value may be the logarithm of it."""
    value = numpyro.sample("code", code.to_event(1))
    return jnp.exp(value) if isinstance(code, ExpRelaxedOneHotCategorical) else value


def sample_pixels(logits: Array, images: Array, *, is_gray: bool) -> Array:
    """These images at the site "pixels"; returns the means of the pixels.

    Gray ones are Gaussian around sigmoids, with one variance for all that is learned
    (Rybkin, Daniilidis and Levine, 2021).
    """
    pixels, means = Bernoulli(logits=logits), jax.nn.sigmoid(logits)
    if is_gray:
        first = jnp.log(jnp.array(FIRST_VARIANCE, logits.dtype))
        log_variance = numpyro.param("log_variance", first)
        pixels = Normal(means, jnp.exp(log_variance / 2))
    numpyro.sample("pixels", pixels.to_event(1), obs=images)
    return means


def make_rate(options: Options, rate: Array, num_images: int) -> Array | CosineDecay:
    """What Adam takes: a learning rate, or one that falls from it as it is to decay."""
    if options.decay != "cosine":
        return rate
    return CosineDecay(rate, options.num_epochs, num_images // options.batch_size)


def make_elbo(estimator: str, num_samples: int) -> ELBO:
    """The objective of an estimator, one of `ESTIMATORS`.

    Args:
        estimator: Its name.
        num_samples: Codes for each image, to average over or to make a set of.
    """
    if estimator == "exact":
        return TraceEnumeratedDiscrete_ELBO()
    if estimator in ("discrete-iwae", "reinmax-iwae"):
        return TraceDiscreteIWAE_ELBO(num_samples)
    if estimator == "discrete-iwae-dr":
        return TraceDiscreteIWAE_ELBO(num_samples, gradient="doubly reparameterized")
    if estimator in ("unordered-set", "leave-one-out"):
        replacement = estimator == "leave-one-out"
        return TraceUnorderedSet_ELBO(num_samples, replacement=replacement)
    if estimator == "vimco":
        return TraceVIMCO_ELBO(num_samples)
    return ELBOS[estimator](num_particles=num_samples)
