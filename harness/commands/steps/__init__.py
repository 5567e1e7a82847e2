"""The steps that verbs share: from what was typed to an order, then play, judge, write, remember and print."""
