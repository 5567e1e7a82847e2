"""A fake of pika-mem0, the dependency that failed: it hangs, fails and worse, at rates set while it runs.

``harness.environment.dependency`` starts it as a process (``python -m fake_mem0 serve``) and steers it over its admin
API; an engineer can do the same by hand. It knows nothing of the harness, the worker or the reports, and remembers
nothing of a request but its conversation id.

Read in this order: ``app`` (one request, start to end), ``rules`` (which mode meets it), ``modes/`` (what each mode
does), ``admin``, ``serve``.
"""
