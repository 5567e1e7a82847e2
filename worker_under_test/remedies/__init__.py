"""The remedies of the incident: each module holds one, with its two or three behaviours.

``default_settings`` holds two that only change a default. ``chosen`` lists them all and says which behaviour of each is
in force; ``behaviour`` has the vocabulary.
"""
