"""One revision a file. A revision imports nothing of the worker: it must not change when the model does."""
