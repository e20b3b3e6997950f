"""The semi-supervised VAE of the table in NumPyro: model M2 of Kingma et al. (2014)."""

from contextlib import contextmanager

import jax
import jax.numpy as jnp
import numpyro
from jax import random
from jax.example_libraries import stax
from jax.nn import log_softmax
from numpyro import handlers
from numpyro.distributions import Bernoulli, Normal
from numpyro.infer import SVI, TraceMeanField_ELBO
from numpyro.optim import Adam

from numpyro_igr import (
    IGR,
    IGRStickBreaking,
    OneHotCategorical,
    RelaxedOneHotCategorical,
    TraceDiscreteKL_ELBO,
    relax,
)

FAMILIES = {
    "IGR-SB (sticks)": IGRStickBreaking,
    "IGR": IGR,
    "Gumbel-Softmax": RelaxedOneHotCategorical,
}
CLASSES, STYLES, HIDDEN, NUM_SAMPLES = 10, 10, 128, 10
PRIOR = OneHotCategorical(logits=jnp.zeros(CLASSES))


def network(name, inputs, outputs):
    layers = stax.serial(stax.Dense(HIDDEN), stax.Relu, stax.Dense(outputs))
    return numpyro.module(name, layers, (1, inputs))


def class_of(x, method, temperature):
    """q(y | x): the family of the method, its Gaussians of scale 1."""
    is_igr = method.startswith("IGR")
    parameters = network("classifier", x.shape[-1], CLASSES - is_igr)(x)
    if method == "enumeration":
        return OneHotCategorical(logits=parameters)
    family = FAMILIES[method]
    if is_igr:
        return family(temperature, parameters, 1.0)
    return family(temperature, logits=parameters)


def style_of(x, y):
    """q(style | x, y)."""
    encoder = network("encoder", x.shape[-1] + CLASSES, 2 * STYLES)
    loc, log_scale = jnp.split(encoder(jnp.concatenate([x, y], -1)), 2, -1)
    return Normal(loc, jnp.exp(log_scale)).to_event(1)


def pixels_of(style, y, x):
    decoder = network("decoder", STYLES + CLASSES, x.shape[-1])
    logits = decoder(jnp.concatenate([style, y], -1))
    return Bernoulli(logits=logits).to_event(1)


def image(suffix, x, y):
    style = numpyro.sample(f"style_{suffix}", Normal(jnp.zeros(STYLES), 1).to_event(1))
    numpyro.sample(f"x_{suffix}", pixels_of(style, y, x), obs=x)


def images_without(x, method, temperature):
    """The images without a class, each by a sample of the class."""
    with numpyro.plate("images", len(x)), handlers.scale(scale=1 / len(x)):
        image("u", x, numpyro.sample("y", PRIOR))


def guide_without(x, method, temperature):
    with numpyro.plate("images", len(x)), handlers.scale(scale=1 / len(x)):
        y = numpyro.sample("y", class_of(x, method, temperature))
        numpyro.sample("style_u", style_of(x, y))


@contextmanager
def every_class(x, method, temperature):
    """All classes of all images, each weighed by its q(y | x); the loss of that."""
    images = numpyro.plate("images", len(x), dim=-1)
    log_q = log_softmax(class_of(x, method, temperature).logits)
    scale = handlers.scale(scale=jnp.exp(log_q).T / len(x))
    y = jnp.broadcast_to(jnp.eye(CLASSES)[:, None], (CLASSES, len(x), CLASSES))
    with numpyro.plate("classes", CLASSES, dim=-2), images, scale:
        yield y, jnp.broadcast_to(x, (CLASSES, *x.shape)), log_q


def enumerated(x, method, temperature):
    """The images without a class, summed over the classes."""
    with every_class(x, method, temperature) as (y, xs, log_q):
        image("u", xs, y)
        numpyro.factor("class", -log_q.T - jnp.log(CLASSES))


def enumerated_guide(x, method, temperature):
    with every_class(x, method, temperature) as (y, xs, _):
        numpyro.sample("style_u", style_of(xs, y))


def images_with(x, y, method, temperature):
    """The images with a class, and the loss of the classifier."""
    with numpyro.plate("labeled", len(x)), handlers.scale(scale=1 / len(x)):
        image("l", x, numpyro.sample("y_l", PRIOR, obs=y))
        log_q = log_softmax(class_of(x, method, temperature).logits)
        numpyro.factor("classifier_loss", (y * log_q).sum(-1))


def guide_with(x, y):
    with numpyro.plate("labeled", len(x)), handlers.scale(scale=1 / len(x)):
        numpyro.sample("style_l", style_of(x, y))


def pair(method, temperature):
    """The model and the guide of a method, of images without and with a class."""
    is_enumerated = method == "enumeration"
    model = enumerated
    if not is_enumerated:
        model = relax(images_without, temperature, family=FAMILIES[method])
    guide = enumerated_guide if is_enumerated else guide_without

    def both(x, labeled):
        model(x, method, temperature)
        images_with(*labeled, method, temperature)

    def both_guides(x, labeled):
        guide(x, method, temperature)
        guide_with(*labeled)

    return both, both_guides


def train(choice, data, batches):
    """Trains; returns a function of images and classes: accuracy and discrete ELBO."""
    method, temperature = choice.method, choice.temperature
    elbo = TraceMeanField_ELBO() if method == "enumeration" else TraceDiscreteKL_ELBO()
    svi = SVI(*pair(method, temperature), Adam(choice.learning_rate), elbo)
    update = jax.jit(svi.update)
    state = svi.init(random.key(choice.seed), data.unlabeled[:2], data.labeled)
    for x in batches:
        state, _ = update(state, x, data.labeled)
    params = svi.get_params(state)

    @jax.jit
    def accuracy_and_elbo(x, y):
        run = handlers.substitute(class_of, params)
        right = run(x, method, temperature).logits.argmax(-1) == y.argmax(-1)
        score = TraceMeanField_ELBO(NUM_SAMPLES)
        inputs = x, method, temperature
        programs = enumerated, enumerated_guide
        return right.mean(), -score.loss(random.key(0), params, *programs, *inputs)

    return accuracy_and_elbo
