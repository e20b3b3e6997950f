"""The bound that enumeration gives in NumPyro, scans included.

The host's ``TraceEnum_ELBO`` takes the steps of a scan for independent, its
``log_density`` for NUTS does not.
"""

from numpyro import handlers
from numpyro.contrib.funsor import config_enumerate, enum
from numpyro.contrib.funsor.infer_util import log_density
from numpyro.infer.elbo import ELBO
from numpyro.infer.util import log_density as log_density_of_guide


def log_evidence(model, args, values, max_plate_nesting):
    """The log-density of the data and of values, discrete sites summed out."""
    seeded = config_enumerate(handlers.seed(model, 0))
    return log_density(enum(seeded, -1 - max_plate_nesting), args, {}, values)[0]


class Enumerated_ELBO(ELBO):
    """The ELBO of a guide to the continuous sites, one sample of it at a time."""

    def __init__(self, max_plate_nesting):
        super().__init__()
        self.max_plate_nesting = max_plate_nesting

    def loss(self, rng_key, param_map, model, guide, *args):
        seeded = handlers.seed(guide, rng_key)
        log_q, trace = log_density_of_guide(seeded, args, {}, param_map)
        sites = trace.items()
        values = {
            n: s["value"]
            for n, s in sites
            if s["type"] == "sample" and not s["infer"].get("is_auxiliary")
        }
        values = {n: x for n, x in values.items() if n not in param_map}
        return log_q - log_evidence(model, args, values, self.max_plate_nesting)
