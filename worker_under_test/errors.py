"""Every error the worker raises on purpose.

Imports nothing. ``command_line`` alone turns one into an exit code; the consumer turns the others into a ``Failure``.

    WorkerError
    ├── ConfigurationError        exit 2   an environment variable or an option can't be used
    ├── UnparseableMessageError            the body is not a conversation; no retry will change that
    ├── MemoryApiTimeoutError              pika-mem0 did not answer before the deadline
    ├── MemoryApiResponseError             pika-mem0 answered, and the answer can't be used
    ├── LlmTimeoutError                    the LLM did not answer before the deadline
    ├── LlmResponseError                   the LLM answered, and the answer can't be used
    ├── DatabaseUnavailableError           an outcome could not be made durable in time
    ├── OutcomeRefusedError                the database is there, and will never take this outcome
    ├── AlreadyInHandError                 another thread works on an earlier delivery of the same message
    ├── PublishFailedError                 the ingress' message may not be in the queue
    └── DeadLetterError                    a message that nothing can help could not be put aside
"""


class WorkerError(Exception):
    """The root: something the worker can name went wrong."""


class ConfigurationError(WorkerError):
    """An environment variable or an option can't be used. The message names it, its value, and what would do."""


class UnparseableMessageError(WorkerError):
    """The body is not a conversation message. The text says where, and never what it holds: a body is 3 MB."""


class MemoryApiTimeoutError(WorkerError):
    """pika-mem0 did not answer before the deadline of the call."""


class MemoryApiResponseError(WorkerError):
    """pika-mem0 answered with something else than facts: no 2xx, no JSON, too much, or a broken connection."""


class LlmTimeoutError(WorkerError):
    """The LLM did not answer before the deadline of the call."""


class LlmResponseError(WorkerError):
    """The LLM answered with something else than an analysis."""


class DatabaseUnavailableError(WorkerError):
    """The database could not be read or written within the hold; the message must stay with the broker."""


class OutcomeRefusedError(WorkerError):
    """The database answered, and refused the outcome for what is in it; no redelivery will change that."""


class AlreadyInHandError(WorkerError):
    """Another thread of this worker is at work on an earlier delivery of the same message."""


class PublishFailedError(WorkerError):
    """The broker did not confirm a message of the ingress; it may be in the queue all the same."""


class DeadLetterError(WorkerError):
    """The broker did not confirm a dead letter; the message must stay where it is."""
