"""A survival function with which the hosts' goodness-of-fit tool is calibrated.

The tool bins points by the mass of the ball up to their nearest neighbor and applies
Pearson's test to the bins. Two of its steps are at fault, in both hosts alike:

- A ball that two points share, each the nearest neighbor of the other, counts as two
  independent ones. In the plane that befalls a share c of the points, the area of a
  disc over that of two through each other's centers, so that the statistic of an
  exact sampler is 1 + c times a chi-squared one, and its p-values are too small.
- The survival function sums 100 terms of a series that needs more for statistics
  above 100 and is 1 for those from 400 to 2000, so that bad densities pass.
"""

import math

from scipy.stats import chi2

SHARE_OF_MUTUAL_NEIGHBORS = 6 * math.pi / (8 * math.pi + 3 * math.sqrt(3))


def survival(statistic, degrees_of_freedom):
    """The p-value of the tool's statistic for points of the plane."""
    return chi2.sf(statistic / (1 + SHARE_OF_MUTUAL_NEIGHBORS), degrees_of_freedom)
