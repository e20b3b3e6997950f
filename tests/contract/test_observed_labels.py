"""A relaxed distribution does not score labels, at which its density is not finite."""

from functools import partial

import numpy as np
import pytest

ENGINES = {
    "discrete KL": ("TraceDiscreteKL_ELBO", {}),
    "sticking the landing": ("TraceSTL_ELBO", {}),
    "discrete IWAE": ("TraceDiscreteIWAE_ELBO", {"num_samples": 2}),
    "RELAX": ("TraceRELAX_ELBO", {"control_variate": None}),
    "unordered set": ("TraceUnorderedSet_ELBO", {"num_samples": 2}),
    "VIMCO": ("TraceVIMCO_ELBO", {"num_samples": 2}),
    "enumerated": ("TraceEnumeratedDiscrete_ELBO", {}),
}
PROBS = np.array([0.2, 0.3, 0.5])
LABEL = np.array([0.0, 1.0, 0.0])


def try_engine(name, options, host, *pair):
    host.attempt(getattr(host.igr, name)(**options), *pair)


TRIES = {name: partial(try_engine, *made) for name, made in ENGINES.items()}
TRIES["weights"] = lambda host, *pair: host.log_weights(*pair, num_samples=2)
LAWS = {
    "IGR": lambda host: host.igr.IGR.from_probs(0.5, host.array(PROBS)),
    "sticks": lambda host: host.igr.IGRStickBreaking.from_probs(0.5, host.array(PROBS)),
    "straight": lambda host: host.igr.IGRStraightThrough.from_probs(
        0.5, host.array(PROBS)
    ),
    "gumbel": lambda host: host.gumbel(0.5, host.array(np.log(PROBS))),
    "gumbel_straight": lambda host: host.gumbel_straight_through(
        0.5, host.array(np.log(PROBS))
    ),
}


def pair(host, law, value):
    value = host.array(value)

    def guide():
        host.sample("z", LAWS["sticks"](host))

    def model():
        guide()
        host.sample("y", law, obs=value)

    return model, guide


@pytest.mark.filterwarnings("ignore:The control variate is not trained")
@pytest.mark.parametrize("run", TRIES.values(), ids=TRIES)
def test_no_engine_scores_labels_by_a_density(host, run):
    programs = pair(host, LAWS["IGR"](host), LABEL)
    match = "site 'y' is observed at a category, .* of IGR .* by .to_discrete"
    with pytest.raises(ValueError, match=match):
        run(host, *programs)


@pytest.mark.parametrize("make", LAWS.values(), ids=LAWS)
@pytest.mark.parametrize("value", [LABEL, np.array([LABEL, LABEL])], ids=["one", "two"])
def test_no_family_scores_labels_by_a_density(host, make, value):
    law = make(host)
    law = law.expand((2,)).to_event(1) if value.ndim == 2 else law
    with pytest.raises(ValueError, match="'y' is observed at a category"):
        TRIES["discrete KL"](host, *pair(host, law, value))


@pytest.mark.parametrize("make", LAWS.values(), ids=LAWS)
def test_the_remedy_scores_them(host, make):
    programs = pair(host, host.igr.recover(make(host)), LABEL)
    found = host.loss_once(host.igr.TraceDiscreteKL_ELBO(), *programs)
    assert found == pytest.approx(-np.log(0.3), rel=1e-6)


def test_a_one_hot_family_and_a_point_inside_are_scored(host):
    hard = host.igr.RaoBlackwellized(LAWS["IGR"](host), 2)
    soft = LAWS["IGR"](host)
    for law, value in ((hard, LABEL), (soft, PROBS)):
        expected = -float(law.log_prob(host.array(value)))
        found = host.loss_once(host.igr.TraceSTL_ELBO(), *pair(host, law, value))
        assert found == pytest.approx(expected, rel=1e-6)
