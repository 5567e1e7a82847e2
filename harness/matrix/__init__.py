"""The matrix: many scenarios, each a run of its own, played side by side and read together.

Used by ``harness verify``. What is played is decided and remembered here, so that a matrix that was cut off goes on
where it ended; what a run means is the checkers' to say, and how it looks that of ``reports.pages.matrix``.
"""
