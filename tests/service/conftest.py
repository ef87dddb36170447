"""Tests of the running service; they need the packages of the extra `serve`."""

import pytest

pytest.importorskip("uvicorn")
