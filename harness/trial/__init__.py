"""One trial: one worker, one workload, one folder of records.

``run`` tells the whole story in nested ``with`` blocks; ``subject`` says which program the worker is; ``drain`` when
everything has settled.
"""

from harness.trial.run import Site, TrialPlan, run_trial

__all__ = ["Site", "TrialPlan", "run_trial"]
