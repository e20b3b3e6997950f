"""The semi-supervised VAE of the table in Pyro: model M2 of Kingma et al. (2014)."""

import pyro
import torch
from pyro import poutine
from pyro.distributions import (
    Bernoulli,
    Normal,
    OneHotCategorical,
    RelaxedOneHotCategorical,
)
from pyro.infer import SVI, TraceEnum_ELBO, config_enumerate
from pyro.optim import Adam
from torch import nn

from pyro_igr import (
    IGR,
    IGRStickBreaking,
    TraceDiscreteKL_ELBO,
    discretize,
    relax,
)

FAMILIES = {
    "IGR-SB (sticks)": IGRStickBreaking,
    "IGR": IGR,
    "Gumbel-Softmax": RelaxedOneHotCategorical,
}
CLASSES, STYLES, HIDDEN, NUM_SAMPLES = 10, 10, 128, 10


class SemiSupervisedVAE(nn.Module):
    """The programs of a method, of images without and with a class."""

    def __init__(self, method, temperature, num_pixels):
        super().__init__()
        self.method, self.temperature = method, temperature
        self.classifier = network(num_pixels, CLASSES - method.startswith("IGR"))
        self.encoder = network(num_pixels + CLASSES, 2 * STYLES)
        self.decoder = network(STYLES + CLASSES, num_pixels)
        self.prior = OneHotCategorical(torch.ones(CLASSES) / CLASSES)
        self.style = Normal(torch.zeros(STYLES), 1.0).to_event(1)

    def class_of(self, x):
        """q(y | x): the family of the method, its Gaussians of scale 1."""
        parameters = self.classifier(x)
        if self.method == "enumeration":
            return OneHotCategorical(logits=parameters)
        family = FAMILIES[self.method]
        if self.method.startswith("IGR"):
            return family(self.temperature, parameters, 1.0)
        return family(torch.tensor(self.temperature), logits=parameters)

    def style_of(self, x, y):
        """q(style | x, y)."""
        loc, log_scale = self.encoder(joined(x, y)).chunk(2, -1)
        return Normal(loc, log_scale.exp()).to_event(1)

    def image(self, suffix, x, y):
        style = pyro.sample(f"style_{suffix}", self.style)
        logits = self.decoder(joined(style, y))
        pyro.sample(f"x_{suffix}", Bernoulli(logits=logits).to_event(1), obs=x)

    def images_without(self, x):
        """The images without a class, each by a sample of the class."""
        with pyro.plate("images", len(x)), poutine.scale(scale=1 / len(x)):
            self.image("u", x, pyro.sample("y", self.prior))

    def guide_without(self, x):
        with pyro.plate("images", len(x)), poutine.scale(scale=1 / len(x)):
            y = pyro.sample("y", self.class_of(x))
            pyro.sample("style_u", self.style_of(x, y))

    def images_with(self, x, y):
        """The images with a class, and the loss of the classifier."""
        with pyro.plate("labeled", len(x)), poutine.scale(scale=1 / len(x)):
            self.image("l", x, pyro.sample("y_l", self.prior, obs=y))
            log_q = self.class_of(x).logits.log_softmax(-1)
            pyro.factor("classifier_loss", (y * log_q).sum(-1))

    def guide_with(self, x, y):
        with pyro.plate("labeled", len(x)), poutine.scale(scale=1 / len(x)):
            pyro.sample("style_l", self.style_of(x, y))

    def model(self, x, labeled):
        pyro.module("vae", self)
        self.images_without(x)
        self.images_with(*labeled)

    def guide(self, x, labeled):
        self.guide_without(x)
        self.guide_with(*labeled)


def joined(a, b):
    """Side by side in their last dimension, whatever classes are enumerated."""
    batch = torch.broadcast_shapes(a.shape[:-1], b.shape[:-1])
    return torch.cat([a.expand(*batch, -1), b.expand(*batch, -1)], -1)


def network(inputs, outputs):
    return nn.Sequential(
        nn.Linear(inputs, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, outputs)
    )


def train(choice, data, batches):
    """Trains; returns a function of images and classes: accuracy and discrete ELBO."""
    torch.set_num_threads(1)
    pyro.set_rng_seed(choice.seed)
    pyro.clear_param_store()
    vae = SemiSupervisedVAE(*choice[:2], data.unlabeled.shape[-1])
    labeled = tuple(map(torch.tensor, data.labeled))
    model, guide = vae.model, config_enumerate(vae.guide, "parallel")
    elbo = TraceEnum_ELBO(max_plate_nesting=1)
    if choice.method != "enumeration":
        model = relax(model, choice.temperature, family=FAMILIES[choice.method])
        guide, elbo = vae.guide, TraceDiscreteKL_ELBO()
    svi = SVI(model, guide, Adam({"lr": choice.learning_rate}), elbo)
    for x in batches:
        svi.step(torch.tensor(x), labeled)

    @torch.no_grad()
    def accuracy_and_elbo(x, y):
        x, y = torch.tensor(x), torch.tensor(y)
        right = vae.class_of(x).logits.argmax(-1) == y.argmax(-1)
        guide = config_enumerate(discretize(vae.guide_without), "parallel")
        score = TraceEnum_ELBO(max_plate_nesting=1)
        losses = [score.loss(vae.images_without, guide, x) for _ in range(NUM_SAMPLES)]
        return right.float().mean(), -sum(losses) / NUM_SAMPLES

    return accuracy_and_elbo
