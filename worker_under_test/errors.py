"""Every error the worker raises on purpose.

Imports nothing. Only ``command_line`` turns an error into an exit code; the consumer turns the others into a
``Failure``.

    WorkerError
    ├── ConfigurationError        exit 2   an environment variable or an option can't be used
    ├── UnparseableMessageError            the body is not a conversation; no retry will change that
    ├── MemoryApiTimeoutError              pika-mem0 did not answer before the deadline
    ├── MemoryApiResponseError             pika-mem0 answered, and the answer can't be used
    ├── LlmTimeoutError                    the LLM did not answer before the deadline
    ├── LlmResponseError                   the LLM answered, and the answer can't be used
    ├── DatabaseUnavailableError           an outcome could not be made durable in time
    ├── OutcomeRefusedError                the database refuses this outcome for its content
    ├── AlreadyInHandError                 another thread works on an earlier delivery of the same message
    ├── PublishFailedError                 the ingress' message may not be in the queue
    └── DeadLetterError                    a message could not be stored among the dead letters
"""


class WorkerError(Exception):
    """The root of the worker's own errors."""


class ConfigurationError(WorkerError):
    """An environment variable or an option can't be used. The message names it, its value, and a valid one."""


class UnparseableMessageError(WorkerError):
    """The body is not a conversation message. The text names the place, never the content: a body is 3 MB."""


class MemoryApiTimeoutError(WorkerError):
    """pika-mem0 did not answer before the deadline of the call."""


class MemoryApiResponseError(WorkerError):
    """pika-mem0's answer can't be used: no 2xx, no JSON, too large, or a broken connection."""


class LlmTimeoutError(WorkerError):
    """The LLM did not answer before the deadline of the call."""


class LlmResponseError(WorkerError):
    """The LLM's answer can't be used."""


class DatabaseUnavailableError(WorkerError):
    """The database could not be read or written within the hold; the message must stay with the broker."""


class OutcomeRefusedError(WorkerError):
    """The database refused the outcome because of its content; no redelivery will change that."""


class AlreadyInHandError(WorkerError):
    """Another thread of this worker works on an earlier delivery of the same message."""


class PublishFailedError(WorkerError):
    """The broker did not confirm a message of the ingress, which may be in the queue nevertheless."""


class DeadLetterError(WorkerError):
    """The broker did not confirm a dead letter; the message must stay where it is."""
