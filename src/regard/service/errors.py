"""Errors of the service: each has an HTTP status and a code that programs can test."""

from __future__ import annotations

from regard.errors import RegardError

INTERNAL_ERROR = "internal error; the log of the service has the reason"
"""Sentence of errors whose reason is none of the client's business."""


class ServiceError(RegardError):
    """Error for a request that the service refuses, or that failed.

    Args:
        message: What is wrong, as a sentence for the user.
        status: HTTP status of the response.
        code: Short name of the kind of error, such as `queue_full`, for programs.
        retry_after: Seconds after which the client may try again, sent as the header `Retry-After`; None = no header.
    """

    def __init__(
        self, message: str, *, status: int = 400, code: str = "invalid_request", retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.retry_after = status, code, retry_after


class QueueFullError(ServiceError):
    """More text is waiting than the service accepts.

    Args:
        seconds: Estimated seconds until there is room; the message asks the client to wait that long, 1 to 60 seconds.
    """

    def __init__(self, seconds: float) -> None:
        wait = max(1, min(60, round(seconds)))
        super().__init__(
            f"Slowdown: too much text is waiting; try again in {wait} seconds",
            status=429,
            code="queue_full",
            retry_after=wait,
        )


class DeadlineError(ServiceError):
    """A request took longer than the service allows.

    Args:
        seconds: The time limit of a request, in seconds.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"the translation was not finished within {seconds:g} seconds: send less text at once, or try again later",
            status=503,
            code="deadline_exceeded",
            retry_after=5,
        )


class StoppedError(ServiceError):
    """The service is shutting down and accepts no more text."""

    def __init__(self) -> None:
        super().__init__("the service is shutting down", status=503, code="shutting_down", retry_after=5)
