"""Has a node of ours write its log of definitions out, before a test kills it.

A node keeps the definition of a new queue in a buffer of its own for a moment, confirmed messages in it or not; killed
meanwhile, it has neither. A test of what a broker promises is not about that moment.
"""

import subprocess

from harness.environment.broker.broker import OwnBroker
from harness.environment.broker.node import BrokerNode

CONTROL = "/usr/lib/rabbitmq/bin/rabbitmqctl"
_LIMIT_S = 60
SYNC_LOG = "mnesia:sync_log()."


def write_definitions_out(node: OwnBroker) -> None:
    """Have the node write its log of definitions: it keeps that of a new queue in its own buffer for a moment."""
    assert isinstance(node.node, BrokerNode)
    env = node.node._env
    argv = [CONTROL, "-n", env["RABBITMQ_NODENAME"], "eval", SYNC_LOG]
    subprocess.run(argv, env=env, check=True, capture_output=True, timeout=_LIMIT_S)
