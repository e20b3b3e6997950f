"""Beta sticks agree with SciPy and with draws."""

import numpy as np
import pytest
from scipy.stats import beta

from examples.dp_mixture_vae.components import BetaSticks, nearest_gaussian

ALPHA = 1.5


@pytest.fixture
def sticks():
    return BetaSticks.of_counts(np.array([60.0, 40.0, 3.0]), ALPHA)


def test_a_stick_counts_the_images_of_its_component_and_of_those_after_it(sticks):
    assert sticks.first.tolist() == [61, 41]
    assert sticks.second.tolist() == [ALPHA + 43, ALPHA + 3]


def test_mean_log_weights_and_kl_agree_with_integrals(sticks):
    laws, prior = [beta(*each) for each in zip(*sticks, strict=True)], beta(1, ALPHA)
    log_u = [law.expect(np.log) for law in laws]
    log_left = np.cumsum([law.expect(lambda u: np.log1p(-u)) for law in laws])
    expected = [log_u[0], log_left[0] + log_u[1], log_left[1]]
    np.testing.assert_allclose(sticks.mean_log_weights, expected, rtol=1e-6)
    kl = sum(
        law.expect(lambda u, law=law: law.logpdf(u) - prior.logpdf(u)) for law in laws
    )
    assert sticks.kl(ALPHA) == pytest.approx(kl, rel=1e-6)


def test_breaks_have_the_moments_of_the_logits(sticks):
    u = beta(*sticks).rvs((200_000, 2), random_state=0)
    logits = np.log(u) - np.log1p(-u)
    *used, at_the_prior = sticks.breaks(3, ALPHA).astype(float).T
    loc, log_scale = np.transpose(used)
    mean, scale, _ = nearest_gaussian(ALPHA)
    np.testing.assert_allclose(loc + mean, logits.mean(0), atol=0.02)
    np.testing.assert_allclose(scale * np.exp(log_scale), logits.std(0), rtol=0.02)
    assert at_the_prior.tolist() == [0, 0]
