"""The ground floor: plain arrays, for every other part of the package."""
