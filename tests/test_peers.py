"""Our laws and maps pass the test suites of the hosts, where these are at hand."""

import importlib.util
import os

import pytest
from peers.suites import SUITES, run


@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_of_a_host_has_no_failure(suite):
    variable, _ = SUITES[suite]
    if variable not in os.environ:
        pytest.skip(f"{variable} does not name a checkout of {suite}")
    if importlib.util.find_spec(suite.lower()) is None:
        pytest.skip(f"{suite} is not installed")
    outcomes = run(suite)
    failed = [reason for reason in outcomes.reasons if reason[0] == "failed"]
    assert not failed
    assert outcomes.counts["passed"] > 20
