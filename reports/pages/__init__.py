"""Whole documents: ``report.html`` and ``report.md``, the matrix, the pages of a heap, a gate's comment."""
