"""What stored results come to: heaps, the end of an incarnation, the shared time axis, what a record lacks.

Pure, and free of layout: the rooms beside it draw and word what is computed here. ``heap_profile`` alone opens files,
memray's captures.
"""
