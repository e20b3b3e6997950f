"""The unordered-set estimator, and leave-one-out with it."""

from pyro_igr.infer.unordered_set.elbo import TraceUnorderedSet_ELBO

__all__ = ["TraceUnorderedSet_ELBO"]
