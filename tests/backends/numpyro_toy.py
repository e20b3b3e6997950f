"""A family as a user would add it: a map of its own before softmax++."""

import jax.numpy as jnp
from numpyro.distributions import constraints
from numpyro.distributions.transforms import ComposeTransform, ParameterFreeTransform

import numpyro_igr as igr


class Sinh(ParameterFreeTransform):
    domain = codomain = constraints.real

    def __call__(self, x):
        return jnp.sinh(x)

    def _inverse(self, y):
        return jnp.arcsinh(y)

    def log_abs_det_jacobian(self, x, y, intermediates=None):
        return jnp.log(jnp.cosh(x))


class SinhIGR(igr.GaussianPushforward):
    support, noise_type = constraints.simplex, igr.distributions.ArgmaxNoise

    def _transform(self):
        to_simplex = igr.SoftmaxPlusPlusTransform(self.temperature)
        return ComposeTransform([Sinh(), to_simplex])

    def _log_probs(self):
        return igr.discrete.log_argmax_probs(self.loc, self.scale)

    @staticmethod
    def _match(log_probs, scale):
        return igr.discrete.match_log_probs(log_probs, scale)
