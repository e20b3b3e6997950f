"""The tiny mixture in NumPyro."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jax.example_libraries import optimizers
from numpyro.distributions import Delta
from tiny_mixture import IMAGE, NUM_IMAGES, Parts

from examples.dp_mixture_vae.revision_numpyro import (
    draw_codes,
    draw_usage,
    grow_sticks,
    judge_components,
    measure,
    split_components,
    trained_networks,
)
from examples.dp_mixture_vae.vae_numpyro import (
    initialize,
    log_likelihoods,
    make_objectives,
)


class TinyMixture:
    """The networks and objectives of some options."""

    def __init__(self, options, num_importance_samples):
        self.options = options
        args = options, NUM_IMAGES, 0.1, num_importance_samples
        self.objectives = make_objectives(*args)
        self.prior = Delta(jnp.array(options.concentration))
        self.image, self.key = jnp.asarray(IMAGE), jax.random.PRNGKey(0)
        svi = self.objectives.training
        self.state = initialize(svi, self.prior, self.image[None], self.key)

    @property
    def params(self):
        return self.objectives.training.get_params(self.state)

    def step(self):
        """The loss before it."""
        images = jnp.stack([self.image, 1 - self.image])
        svi = self.objectives.training
        self.state, loss = update(svi, self.state, images, self.prior)
        return float(loss)

    def grow(self):
        self.state = grow_sticks(self.objectives.training, self.state, 2)

    def measure(self, number, means):
        """What so many copies of the image say of components with these means."""
        images = jnp.broadcast_to(self.image, (number, len(IMAGE)))
        return np.asarray(measure(self.options, self.params, images, self.key, means))

    def usage(self, number, num_draws):
        """What the guide says of so many copies of the image."""
        return draw_usage(*self.to_draw(number, num_draws))

    def codes(self, number, num_draws):
        """The codes alone, from the same draws."""
        return draw_codes(*self.to_draw(number, num_draws))

    def to_draw(self, number, num_draws):
        images = jnp.broadcast_to(self.image, (number, len(IMAGE)))
        of = self.options, self.params, self.prior, images
        return *of, self.options.rho, num_draws, self.key

    def judge(self, tried=()):
        """Deletes and merges components; returns those that are left."""
        of = self.to_revise()
        self.state, found = judge_components(*of, of[-1], self.key, tried)
        return found

    def split(self, found):
        self.state, tried = split_components(*self.to_revise(), found, self.key)
        return tried

    def to_revise(self):
        images = jnp.stack([self.image, 1 - self.image] * (NUM_IMAGES // 2))
        svi = self.objectives.training
        return self.options, svi, self.state, self.prior, images

    def moments(self):
        """The first moments that Adam has of the means."""
        points = optimizers.unpack_optimizer_state(self.state.optim_state[1])
        return jax.tree.leaves(points["means"].subtree)[1][:, 0].tolist()

    def parts(self):
        found = say(self.options, self.params, self.image, self.prior.v)
        arrays = [np.asarray(x, np.float64).reshape(-1) for x in found]
        [(weight, bias)] = jax.tree.map(np.asarray, self.params["decode$params"])
        return Parts(*arrays, lambda z: z @ weight + bias)

    def draws(self, number):
        """What the objective says of the image, so many times."""
        svi, params = self.objectives.training, self.params
        images = jnp.broadcast_to(self.image, (20, len(IMAGE)))

        def draw(key):
            return svi.loss.loss(key, params, svi.model, svi.guide, images, self.prior)

        return -np.asarray(jax.jit(jax.vmap(draw))(jax.random.split(self.key, number)))

    def weighted_bound(self):
        """The importance-weighted bound of the image."""
        of = self.prior, self.image[None], self.params, self.key
        return log_likelihoods(self.objectives.log_likelihood, *of)[0]


@partial(jax.jit, static_argnames="svi")
def update(svi, state, images, prior):
    return svi.update(state, images, prior)


@partial(jax.jit, static_argnames="options")
def say(options, params, image, concentration):
    """What the networks say of the image, but for what they decode."""
    networks = trained_networks(options, params, len(IMAGE))
    features = networks.features(image)
    sticks = networks.encode_sticks(features, concentration)
    means = networks.all_means()
    code = networks.encode_code(features, means).base_dist
    weights = jnp.ones(len(means))
    scores = 0 * weights
    if not options.has_own_weights:
        scores = networks.encode_component(features, weights)
    return sticks.loc, sticks.scale, scores, means, code.loc, code.scale
