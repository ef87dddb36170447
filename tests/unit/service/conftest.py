"""Fixtures of the service's tests."""

from __future__ import annotations

import pytest
from service_jobs import EchoTranslator, MakeJob, job_maker


@pytest.fixture
def echo() -> EchoTranslator:
    """A translator to capitals."""
    return EchoTranslator()


@pytest.fixture
def make_job(echo: EchoTranslator) -> MakeJob:
    """A function that makes a job with segments of given lengths, named `client:number`."""
    return job_maker(echo)
