"""AutoIGR follows the masks and scales of each call: exact ELBOs by enumeration."""

from itertools import product

import numpy as np
import pytest
from scipy.special import logsumexp, xlogy
from scipy.stats import norm

FIRST = np.array([0.5, 0.3, 0.2], np.float32)
ROWS = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.3, 0.3, 0.4]], np.float32)
MEANS = np.array([-1.0, 0.5, 2.0], np.float32)
DATA = np.array([0.3, 1.9, -0.7], np.float32)
KNOWN = np.array([True, False, False])
LABELS = np.eye(3, dtype=np.float32)
TAU, MANY, W_SCALE = 0.5, 2000, 0.1


def chain(host, length):
    """Three steps masked by length, and a site masked by the value of another."""
    z, rows, means = host.array(FIRST), host.array(ROWS), host.array(MEANS)
    for t, x in enumerate(DATA):
        with host.mask(mask=t < length):
            z = host.sample(f"z{t}", host.one_hot(z @ rows if t else z))
            host.sample(f"x{t}", host.normal(z @ means, 1.0), obs=host.array(x))
    w = host.sample("w", host.normal(host.array(0.0), 1.0))
    with host.mask(mask=w > host.array(0.02)):
        host.sample("last", host.one_hot(host.array(FIRST)))


def exact_elbo_of_chain(q, length):
    """The ELBO and the evidence, by a sum over all sequences that are not masked."""
    elbo, joints = 0.0, []
    for states in product(range(3), repeat=length):
        log_p = np.log(FIRST[states[0]]) + norm.logpdf(DATA[0], MEANS[states[0]])
        for t in range(1, length):
            log_p += np.log(ROWS[states[t - 1], states[t]])
            log_p += norm.logpdf(DATA[t], MEANS[states[t]])
        log_q = sum(np.log(q[f"z{t}"][k]) for t, k in enumerate(states))
        elbo += np.exp(log_q) * (log_p - log_q)
        joints.append(log_p)
    last = xlogy(q["last"], q["last"] / FIRST).sum() * norm.sf(0.02, q["w"], W_SCALE)
    w = (W_SCALE**2 + q["w"] ** 2 - 1) / 2 - np.log(W_SCALE)
    return elbo - last - w, logsumexp(joints)


def labelled(host):
    """A mixture with some labels, and all of it counted three times."""
    with host.scale(scale=3.0), host.plate("data", 3):
        z = host.sample(
            "z",
            host.one_hot(host.array(FIRST)),
            obs=host.array(LABELS),
            obs_mask=host.array(KNOWN),
        )
        host.sample("x", host.normal(z @ host.array(MEANS), 1.0), obs=host.array(DATA))


def exact_elbo_of_labelled(q):
    log_joint = np.log(FIRST) + norm.logpdf(DATA[:, None], MEANS)
    free = (q * (log_joint - np.log(q))).sum(-1)
    found = np.where(KNOWN, np.diag(log_joint), free).sum()
    evidence = np.where(KNOWN, np.diag(log_joint), logsumexp(log_joint, -1)).sum()
    return 3 * found, 3 * evidence


class InPyro:
    def __init__(self):
        import pyro
        import torch
        from pyro import poutine
        from pyro.distributions import Normal, OneHotCategorical, Poisson

        import pyro_igr as igr

        pyro.clear_param_store()
        torch.manual_seed(0)
        self.array, self.sample, self.plate = torch.tensor, pyro.sample, pyro.plate
        self.mask, self.scale, self.igr = poutine.mask, poutine.scale, igr
        self.one_hot, self.normal, self.poisson = OneHotCategorical, Normal, Poisson
        self.elbos = pyro.infer.Trace_ELBO, pyro.infer.TraceMeanField_ELBO

    def pair(self, program, *args, **options):
        def model(*args):
            program(self, *args)

        model = self.igr.relax(model, TAU)
        guide = self.igr.AutoIGR(model, TAU, **options)
        guide(*args)
        return model, guide

    def probs(self, guide):
        return {name: x.numpy() for name, x in guide.median().items()}

    def run(self, guide, *args):
        return guide(*args)

    def loss(self, elbo, model, guide, *args):
        many = {"vectorize_particles": True, "max_plate_nesting": 1}
        return elbo(num_particles=MANY, **many).loss(model, guide, *args)


class InNumPyro:
    def __init__(self):
        import jax
        import jax.numpy as jnp
        import numpyro
        from numpyro.distributions import Normal, Poisson

        import numpyro_igr as igr

        self.jax, self.numpyro = jax, numpyro
        self.array, self.sample, self.plate = jnp.array, numpyro.sample, numpyro.plate
        self.scale, self.igr = numpyro.handlers.scale, igr
        self.one_hot, self.normal, self.poisson = igr.OneHotCategorical, Normal, Poisson
        self.elbos = numpyro.infer.Trace_ELBO, numpyro.infer.TraceMeanField_ELBO

    def mask(self, mask):
        mask = mask if mask is True else self.array(mask)
        return self.numpyro.handlers.mask(mask=mask)

    def pair(self, program, *args, **options):
        def model(*args):
            program(self, *args)

        model = self.igr.relax(model, TAU)
        guide = self.igr.AutoIGR(model, TAU, **options)
        seeded = self.numpyro.handlers.seed(guide, 0)
        trace = self.numpyro.handlers.trace(seeded).get_trace(*args)
        sites = trace.items()
        self.params = {n: s["value"] for n, s in sites if s["type"] == "param"}
        return model, guide

    def probs(self, guide):
        return {name: np.asarray(x) for name, x in guide.median(self.params).items()}

    def run(self, guide, *args):
        return self.numpyro.handlers.seed(guide, 0)(*args)

    def loss(self, elbo, model, guide, *args):
        loss, key = elbo(num_particles=MANY).loss, self.jax.random.key(0)
        run = self.jax.jit(lambda *args: loss(key, self.params, model, guide, *args))
        return float(run(*args))


@pytest.fixture(params=[InPyro, InNumPyro])
def host(request):
    pytest.importorskip(request.param.__name__[2:].lower())
    return request.param()


def test_the_discretized_pair_has_the_elbo_of_the_steps_that_are_not_masked(host):
    model, guide = host.pair(chain, 3)
    q = host.probs(guide)
    discrete = host.igr.discretize(model), host.igr.discretize(guide)
    for length in (2, 3):
        elbo, evidence = exact_elbo_of_chain(q, length)
        assert elbo < evidence
        found = -host.loss(host.elbos[0], *discrete, length)
        assert found == pytest.approx(elbo, abs=0.1)


def test_mean_field_losses_are_elbos_under_masks_that_change(host):
    model, guide = host.pair(chain, 3)
    for length in (1, 3):
        losses = [host.loss(elbo, model, guide, length) for elbo in host.elbos]
        assert losses[0] == pytest.approx(losses[1], abs=0.1)


def test_a_partly_observed_site_counts_where_it_is_not_observed(host):
    model, guide = host.pair(labelled, scale=1.0)
    (q,) = host.probs(guide).values()
    elbo, evidence = exact_elbo_of_labelled(q)
    assert elbo < evidence
    discrete = host.igr.discretize(model), host.igr.discretize(guide)
    found = -host.loss(host.elbos[0], *discrete)
    assert found == pytest.approx(elbo, abs=0.3)
    losses = [host.loss(elbo, model, guide) for elbo in host.elbos]
    assert losses[0] == pytest.approx(losses[1], abs=0.3)
    assert np.isfinite(host.loss(host.igr.TraceDiscreteKL_ELBO, model, guide))


def late(host, length=None):
    """Two steps, of which those after the length have Python's False for a mask."""
    length = length.get("length") if isinstance(length, dict) else length
    for t in range(2):
        with host.mask(mask=True if length is None else t < length):
            z = host.sample(f"z{t}", host.one_hot(host.array(FIRST)))
            mean = z @ host.array(MEANS)
            host.sample(f"x{t}", host.normal(mean, 1.0), obs=host.array(DATA[t]))


@pytest.mark.parametrize(
    ("first", "later"), [((), 1), ((2,), 1), (({},), {"length": 1})]
)
def test_a_mask_that_comes_later_with_other_arguments_is_followed(host, first, later):
    model, guide = host.pair(late, *first)
    q = host.probs(guide)["z0"]
    log_joint = np.log(FIRST) + norm.logpdf(DATA[0], MEANS)
    programs = host.igr.discretize(model), host.igr.discretize(guide)
    found = -host.loss(host.elbos[0], *programs, later)
    assert found == pytest.approx((q * (log_joint - np.log(q))).sum(), abs=0.1)


def padded(host, x=None):
    """A mixture with a mask over its last two points."""
    with host.plate("data", 3), host.mask(mask=host.array(KNOWN)):
        z = host.sample("z", host.one_hot(host.array(FIRST)))
        host.sample("x", host.normal(z @ host.array(MEANS), 1.0), obs=x)


def padded_data(host, x=None):
    """The mask is over the data alone."""
    with host.plate("data", 3):
        z = host.sample("z", host.one_hot(host.array(FIRST)))
        with host.mask(mask=host.array(KNOWN)):
            host.sample("x", host.normal(z @ host.array(MEANS), 1.0), obs=x)


def padded_counts(host, x=None):
    with host.plate("data", 3), host.mask(mask=host.array(KNOWN)):
        host.sample("z", host.one_hot(host.array(FIRST)))
        host.sample("x", host.poisson(host.array(DATA**2)), obs=x)


@pytest.mark.parametrize("program", [padded, padded_data, padded_counts])
def test_what_was_observed_is_no_site_of_the_guide_where_it_is_predicted(host, program):
    _, guide = host.pair(program, host.array(DATA.round() ** 2))
    assert set(host.run(guide)) == {"z"}


def mixture(host, labels=None):
    with host.plate("data", 3):
        z = host.sample("z", host.one_hot(host.array(FIRST)), obs=labels)
        mean = z @ host.array(MEANS)
        host.sample("x", host.normal(mean, 1.0), obs=host.array(DATA))


def test_a_site_that_a_later_call_observes_is_none_of_the_guide_there(host):
    model, guide = host.pair(mixture)
    exact = (np.log(FIRST) + norm.logpdf(DATA, MEANS)).sum()
    for elbo in (*host.elbos, host.igr.TraceDiscreteKL_ELBO, host.igr.TraceSTL_ELBO):
        found = -host.loss(elbo, model, guide, host.array(LABELS))
        assert found == pytest.approx(exact, abs=1e-3)


def test_a_site_that_the_first_run_observes_is_to_be_latent_there(host):
    model, guide = host.pair(mixture, host.array(LABELS))
    for elbo in host.igr.TraceDiscreteKL_ELBO, host.igr.TraceSTL_ELBO:
        with pytest.raises(ValueError, match="'z' is latent.*latent in the first run"):
            host.loss(elbo, model, guide)


def annealed(host, weight=1.0):
    with host.scale(scale=weight):
        z = host.sample("z", host.one_hot(host.array(FIRST)))
    host.sample("x", host.normal(z @ host.array(MEANS), 1.0), obs=host.array(DATA[0]))


@pytest.mark.parametrize("first", [1.0, np.float32(1), 0.5])
def test_a_weight_of_the_kl_may_be_one_at_first(host, first):
    model, guide = host.pair(annealed, first)
    programs = host.igr.discretize(model), host.igr.discretize(guide)
    found = -host.loss(host.elbos[0], *programs, 0.1)
    expected = (FIRST * norm.logpdf(DATA[0], MEANS)).sum()  # the KL is 0 at first
    assert found == pytest.approx(expected, abs=0.1)


def test_names_of_data_and_long_lists_do_not_run_the_model_again(host):
    runs = []

    def model(host, batch):
        runs.append(batch)
        host.sample("z", host.one_hot(host.array(FIRST)))

    _, guide = host.pair(model, {"names": ["a"], "pages": [1.0] * 30})
    first = len(runs)
    host.run(guide, {"names": ["b"], "pages": [host.array(FIRST)] * 25})
    assert len(runs) == first
