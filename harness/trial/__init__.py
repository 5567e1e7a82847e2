"""One trial: one worker, one workload, one folder of records.

``trial`` tells the whole story in four verbs: prepare, run, drain, collect. ``worker_program`` says which program the
worker is, ``drain`` when everything has settled, ``retry_job`` plays the hours after it.
"""

from harness.trial.trial import Environment, Trial, TrialPlan

__all__ = ["Environment", "Trial", "TrialPlan"]
