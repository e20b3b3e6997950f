"""What programs share: command lines, checkpoints, and how a run ends."""
