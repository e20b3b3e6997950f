"""A run without a host that saves itself all the time: to be killed."""

if __name__ == "__main__":
    from examples.harness import command_line

    command_line.end_in_one_line()

from examples.harness.run import RunOptions, keeping, run


def train(options):
    with keeping(options, {}) as kept:
        for epoch in range(kept.epochs_done, options.num_epochs):
            kept.save_if_due(epoch + 1, lambda: bytes(2**20))


if __name__ == "__main__":
    run(RunOptions, train, lambda *_: "", __doc__, "figures")
