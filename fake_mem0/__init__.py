"""A fake of an HTTP dependency that hangs, fails and worse, at rates set while it runs; by itself it is pika-mem0.

``harness.environment.dependency`` starts it as a process (``python -m fake_mem0 serve``) and steers it over its admin
API; an engineer can do the same by hand. It knows nothing of the harness, the worker or the reports, and remembers
nothing of a request but its message id.

Read in this order: ``app`` (one request, start to end), ``endpoints``, ``rules`` (which mode meets it), ``modes/``
(what each mode does), ``admin``, ``serve``.
"""
