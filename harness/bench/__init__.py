"""What the harness itself costs, measured: one benchmark a file, for ``harness bench``.

``suite`` runs them one after another and keeps going when a part breaks; ``figure`` holds what they return,
``environment`` what they stand on, ``table`` and ``document`` turn results into text. A benchmark judges no run and
fails no build: an aim that is missed is reported, not raised. Absolute figures are one machine's; ratios compare two
things measured alternately in one run, and travel better.
"""
