"""Connection to a Ray cluster, which `--cluster` names."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import ModuleType

from regard.errors import ConfigError

AUTO, LOCAL = "auto", "local"
"""Instead of an address: the cluster that runs on this machine, or else a new one; a new one of this machine alone."""


def join_cluster(ray: ModuleType, address: str, options: Mapping[str, object]) -> None:
    """Connects this process to a Ray cluster, or starts one that ends with this process.

    Args:
        ray: The module `ray`, an optional dependency.
        address: `auto` (the cluster that runs on this machine, or else a new one), `local` (a new cluster on this
            machine), or the address of a cluster.
        options: Further arguments of `ray.init`.

    Raises:
        ConfigError: The cluster cannot be reached.
    """
    if address != LOCAL:
        try:
            ray.init(address=address, **options)
            return
        except (ConnectionError, RuntimeError, ValueError) as error:
            if address != AUTO or os.environ.get("RAY_ADDRESS"):
                raise ConfigError(
                    f"--cluster {address}: cannot reach Ray: {error}: check the address, and that the cluster runs"
                ) from None
    ray.init(address=LOCAL, include_dashboard=False, **options)
