"""Our distributions and maps pass the suites of the hosts, where these are at hand."""

import importlib.util
import os

import pytest
from peers.suites import SUITES, run


@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_of_a_host_has_no_failure(suite):
    variable, needs = SUITES[suite].variable, SUITES[suite].needs
    if variable not in os.environ:
        pytest.skip(f"{variable} does not name a checkout of {suite}")
    for module in needs:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    outcomes = run(suite)
    failed = [reason for reason in outcomes.reasons if reason[0] == "failed"]
    assert not failed
    assert outcomes.counts["passed"] > 20
