"""The remedies of the incident, one a file, each a strategy with its two or three behaviours.

``chosen`` says which behaviour of each is in force; ``behaviour`` has the vocabulary. The listing of this folder is
the list of the fixes.
"""
