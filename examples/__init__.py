"""Programs that show uses of the packages; run them from the root of the repository."""
