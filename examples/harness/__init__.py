"""What the programs share: command lines, checkpoints, and the end of a run."""
