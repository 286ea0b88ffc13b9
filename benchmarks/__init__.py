"""Side by side with the alternatives, in one run: `make bench`, or `python -m benchmarks speed`."""
