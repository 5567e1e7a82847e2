"""Charts of a run as SVG and PNG, drawn with matplotlib: memory, its kinds, queues, load, calls, history."""
