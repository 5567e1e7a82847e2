"""What goes wrong, one fault a file, and the timeline that applies them in incident time.

Each occurrence leaves a fault event in the events.
"""
