"""Plays the phases of a scenario in incident time, and puts their faults in force when they are due.

``phases`` is the story; ``faults_in_force`` applies and heals. It starts no part and judges nothing: what happened goes
into the trial's events.
"""
