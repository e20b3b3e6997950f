"""Studies of many runs, with one line of results for each."""
