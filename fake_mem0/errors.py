"""Every error the fake raises on purpose. Imports nothing.

FakeMem0Error
├── BadSettingError        400 on the admin API, exit 2 on the command line: which field, which value, what is accepted
├── PortError              exit 1: a port could not be had
├── AdminUnreachableError  exit 1: the admin API did not answer, or refused
└── ReleasedError          never leaves the data plane: the request is released by ``POST /release``
"""


class FakeMem0Error(Exception):
    """The root: something the fake can name went wrong."""


class BadSettingError(FakeMem0Error):
    """A rule or a setting is wrong. The message names the field, the value and what is accepted."""


class PortError(FakeMem0Error):
    """A port can't be bound. The message names it and the remedy."""


class AdminUnreachableError(FakeMem0Error):
    """The admin API did not answer, or answered with an error. The message names its address and the remedy."""


class ReleasedError(FakeMem0Error):
    """Raised into a hung request when ``POST /release`` releases it."""
