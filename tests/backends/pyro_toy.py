"""A family as a user would add it: a map of its own before softmax++."""

import torch
from torch.distributions import constraints
from torch.distributions.transforms import Transform

import pyro_igr as igr


class Sinh(Transform):
    domain = codomain = constraints.real
    bijective = True

    def _call(self, x):
        return x.sinh()

    def _inverse(self, y):
        return y.asinh()

    def log_abs_det_jacobian(self, x, y):
        return x.cosh().log()


class SinhIGR(igr.GaussianPushforward):
    support, noise_type = constraints.simplex, igr.distributions.ArgmaxNoise

    def _transform(self):
        to_simplex = igr.SoftmaxPlusPlusTransform(self.temperature)
        return torch.distributions.ComposeTransform([Sinh(), to_simplex])

    def _log_probs(self):
        return igr.discrete.log_argmax_probs(self.loc, self.scale)

    @staticmethod
    def _match(log_probs, scale):
        return igr.discrete.match_log_probs(log_probs, scale)
