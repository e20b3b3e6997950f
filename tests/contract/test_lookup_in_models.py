"""One model with lookup is run, enumerated and relaxed by the host."""

import numpy as np
import pytest

MEANS = np.array([[-1.0, 0.0], [1.0, 1.0], [0.0, -1.0]])
X = MEANS[np.arange(12) % 3] + 0.4 * np.sin(np.arange(24.0)).reshape(12, 2)
PROBS = [0.5, 0.3, 0.2]


def mixture(host):
    means = host.param("means", host.array(MEANS))
    with host.plate("data", len(X)):
        z = host.sample("z", host.dist.Categorical(host.array(PROBS)))
        x = host.dist.Normal(host.igr.lookup(means, z), 0.4).to_event(1)
        host.sample("x", x, obs=host.array(X))


def switches(host):
    means = host.array([-1.0, 2.0])
    for i in range(2):
        b = host.sample(f"b{i}", host.dist.Bernoulli(host.array(0.3)))
        loc = host.igr.lookup(means, b, event_dim=0)
        host.sample(f"x{i}", host.dist.Normal(loc, 1.0), obs=host.array(0.8 - i))


def bound(host, model, training, options):
    """What a trained pair, once discrete, reaches."""
    fixed = host.block(model, hide_fn=lambda site: site["type"] == "param")
    relaxed = host.igr.relax(fixed, 0.2, **options)
    guide = host.igr.AutoIGR(relaxed, 0.2)
    engine = host.igr.TraceDiscreteKL_ELBO()
    trained = host.train(engine, relaxed, guide, *training)
    pair = (trained(host.igr.discretize(program)) for program in (relaxed, guide))
    return host.elbo(*pair)


@pytest.mark.parametrize(
    ("program", "training", "options"),
    [(mixture, (120, 0.25), {"one_hot": {"z"}}), (switches, (120,), {})],
)
def test_a_trained_pair_reaches_the_evidence_that_enumeration_finds(
    host, program, training, options
):
    def model():
        program(host)

    exact = host.evidence(host.config_enumerate(model))
    assert exact - 0.6 < bound(host, model, training, options) < exact + 0.2
