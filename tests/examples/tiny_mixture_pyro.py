"""The tiny mixture in Pyro."""

import numpy as np
import pyro
import torch
from pyro.distributions import Delta
from pyro.optim import Adam
from tiny_mixture import IMAGE, NUM_IMAGES, Parts

from examples.dp_mixture_vae.mixture_pyro import Networks
from examples.dp_mixture_vae.revision_pyro import (
    draw_codes,
    draw_usage,
    grow_sticks,
    judge_components,
    measure,
    split_components,
)
from examples.dp_mixture_vae.vae_pyro import log_likelihoods, make_objectives


class TinyMixture:
    """The networks and objectives of some options."""

    def __init__(self, options, num_importance_samples):
        pyro.clear_param_store()
        pyro.set_rng_seed(0)
        self.networks, self.optimizer = Networks(options, len(IMAGE)), Adam({"lr": 0.1})
        args = self.networks, NUM_IMAGES, self.optimizer, num_importance_samples
        self.objectives = make_objectives(*args)
        self.prior = Delta(torch.tensor(options.concentration))
        self.image = torch.from_numpy(IMAGE)

    def step(self):
        """The loss before it."""
        images = torch.stack([self.image, 1 - self.image])
        return self.objectives.training.step(images, self.prior)

    def grow(self):
        grow_sticks(self.networks, self.optimizer, 2)

    def measure(self, number, means):
        """What so many copies of the image say of components with these means."""
        with torch.no_grad():
            return measure(self.networks, self.image.expand(number, -1), means)

    def usage(self, number, num_draws):
        """What the guide says of so many copies of the image."""
        of, rho = self.to_draw(number), self.networks.options.rho
        return draw_usage(*of, rho, num_draws)

    def codes(self, number, num_draws):
        """The codes alone, from the same draws."""
        return draw_codes(*self.to_draw(number), num_draws)

    def to_draw(self, number):
        pyro.set_rng_seed(0)
        return self.networks, self.prior, self.image.expand(number, -1)

    def judge(self, tried=()):
        """Deletes and merges components; returns those that are left."""
        networks, optimizer, prior, images = self.to_revise()
        of = networks, optimizer, prior, images, images
        return judge_components(*of, tried)

    def split(self, found):
        return split_components(*self.to_revise(), found)

    def to_revise(self):
        images = torch.stack([self.image, 1 - self.image] * (NUM_IMAGES // 2))
        return self.networks, self.optimizer, self.prior, images

    def moments(self):
        """The first moments that Adam has of the means."""
        means = self.networks.means
        state = self.optimizer.optim_objs[means].state[means]
        return state["exp_avg"][:, 0].tolist()

    def parts(self):
        networks = self.networks
        with torch.no_grad():
            features = networks.features(self.image)
            sticks = networks.encode_sticks(features, self.prior.v)
            means = networks.all_means()
            code = networks.encode_code(features, means).base_dist
            weights = torch.ones(len(means))
            scores = 0 * weights
            if not networks.options.has_own_weights:
                scores = networks.encode_component(features, weights)
        found = sticks.loc, sticks.scale, scores, means, code.loc, code.scale
        arrays = [x.double().numpy().reshape(-1) for x in found]
        return Parts(
            *arrays, lambda z: networks.decode(torch.from_numpy(z)).numpy(force=True)
        )

    def draws(self, number):
        """What the objective says of the image, so many times."""
        images = self.image.expand(20, -1)
        svi = self.objectives.training
        return -np.array([svi.evaluate_loss(images, self.prior) for _ in range(number)])

    def weighted_bound(self):
        """The importance-weighted bound of the image."""
        svi = self.objectives.log_likelihood
        return log_likelihoods(svi, self.prior, self.image[None])[0]
