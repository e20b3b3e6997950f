"""Programs that show what the packages are for; run from the root of the repository."""
