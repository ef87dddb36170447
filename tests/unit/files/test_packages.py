"""Optional packages: the message if one is not installed."""

from __future__ import annotations

import pytest

from regard.errors import ConfigError
from regard.files.packages import require_package


def test_installed_packages() -> None:
    require_package("json", to="read JSON")
    require_package("xml.dom", to="read XML")


@pytest.mark.parametrize("package", ["no_such_package", "no_such_package.part", "json.no_such_part"])
def test_a_missing_package_is_named_with_its_cure(package: str) -> None:
    with pytest.raises(
        ConfigError, match=rf"^to read it, the package {package} is needed: pip install 'regard\[data\]'$"
    ):
        require_package(package, to="read it", extra="data")
