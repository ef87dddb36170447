"""The service on many machines: the same application as a deployment of Ray Serve, in several replicas.

Each replica is a process with models, queue and decoding threads of its own, so batches are formed as in a single
server, from what waits in the replica's fair queue; `serve.batch`, which waits for a fixed window and knows neither
clients nor lengths, is not used.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from regard.errors import ConfigError
from regard.files.json_text import validation_messages
from regard.recipes.ray_cluster import join_cluster
from regard.service.access import make_access
from regard.service.app import create_app
from regard.service.catalog import ModelEntry
from regard.service.glossaries import NamedGlossary
from regard.service.logs import start_logging
from regard.service.metrics import Metrics
from regard.service.server import build_service
from regard.service.settings import ServiceSettings

_LOG = logging.getLogger("regard.service")
NAME = "regard"
"""Name of the application in Ray Serve."""
STOP_SECONDS = 10.0
"""Seconds that a replica has to stop, in addition to the longest time of a request."""
PROXY_SECONDS = 60.0
"""Seconds within which the proxies listen once the replicas are ready."""
_LOGGING = {"log_level": "WARNING", "enable_access_log": False}
# Of Ray Serve itself; the application has a log of requests of its own.
_ENVIRONMENT = {
    "RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH": "regard.service.cluster_proxy.middlewares",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",  # similar lines of a log are not noise
}
Number = Annotated[int, Field(ge=1, le=100_000)]


class ClusterSettings(BaseModel):
    """Settings of the replicas (processes that each run the whole service) on a Ray cluster.

    Attributes:
        min_replicas: Smallest number of replicas.
        max_replicas: Largest number of replicas.
        target_requests: Number of unanswered requests per replica that autoscaling aims at.
        replica_requests: Largest number of unanswered requests that a replica accepts.
        queued_requests: Largest number of requests that wait in a proxy while no replica accepts more.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_replicas: Number = 1
    max_replicas: Number = 4
    target_requests: Annotated[float, Field(gt=0, le=100_000)] = 16.0
    replica_requests: Number = 256
    queued_requests: Number = 256

    @model_validator(mode="after")
    def _check_order(self) -> ClusterSettings:
        if self.min_replicas > self.max_replicas:
            raise ValueError(
                f"min_replicas = {self.min_replicas} is more than max_replicas = {self.max_replicas}: lower "
                "min_replicas, or raise max_replicas"
            )
        return self


@dataclass(frozen=True, slots=True)
class ReplicaPlan:
    """What a replica (process) on a Ray cluster needs to build the service; it is sent to all machines.

    Attributes:
        entries: The models, with absolute paths that exist on each machine.
        settings: Limits of each replica.
        keys: File of API keys, which each machine can read; None = no keys are needed.
        precision: Number type of matrix products, such as `int8`; None = that of the model.
        device: `auto`, `cpu`, `cuda`, …
        threads: Decoding threads of a replica; as many processors are reserved for it.
        memory_limit: Bytes that the loaded models of a replica may take; None = no limit.
        glossaries: Named glossaries, whose files each machine can read.
    """

    entries: tuple[ModelEntry, ...]
    settings: ServiceSettings
    keys: Path | None = None
    precision: str | None = None
    device: str = "auto"
    threads: int = 1
    memory_limit: int | None = None
    glossaries: tuple[NamedGlossary, ...] = ()


def split_settings(texts: Sequence[str]) -> tuple[ClusterSettings, list[str]]:
    """Separates settings that concern the replicas of a cluster from other settings of the command line.

    Args:
        texts: All settings, of the form `KEY=VALUE`.

    Returns:
        The settings of the replicas, and the texts of all other settings.

    Raises:
        ConfigError: A setting of the replicas has an invalid value.
    """
    pairs = [text.partition("=") for text in texts]
    own = {name: value for name, _, value in pairs if name in ClusterSettings.model_fields}
    others = [text for text in texts if text.partition("=")[0] not in ClusterSettings.model_fields]
    try:
        return ClusterSettings.model_validate(own), others
    except ValidationError as error:
        raise ConfigError(f"--set: {'; '.join(validation_messages(error))}") from None


def serve_cluster(plan: ReplicaPlan, settings: ClusterSettings, *, address: str, host: str, port: int) -> None:
    """Runs the translation service in replicas on a Ray cluster until SIGTERM or SIGINT.

    Requests that the replicas have accepted are answered before the function returns.

    Args:
        plan: Models, settings and options from which each replica builds its service.
        settings: Number of replicas, and of the requests that each accepts.
        address: `auto` (the cluster that runs on this machine, or else a new one), `local` (a new cluster on this
            machine), or the address of a cluster.
        host: Address at which the proxy of each machine listens.
        port: Port at which the proxy of each machine listens.

    Raises:
        ConfigError: Ray is missing, the cluster cannot be reached, or the replicas do not start.
    """
    ray, serve = _imported()
    start_logging()
    plan = on_all_machines(plan)
    _connect(ray, address)
    is_started = False
    try:
        _raise_at_signals()
        if serve.status().proxies:
            raise ConfigError(
                f"--cluster {address}: Ray Serve runs there already, and host and port are set when it starts: "
                "end the other service (or run `serve shutdown`) first"
            )
        is_started = True
        serve.start(proxy_location="EveryNode", http_options={"host": host, "port": port}, logging_config=_LOGGING)
        serve.run(_deployment(serve, plan, settings), name=NAME, route_prefix="/")
        _wait_for_proxies(serve)
        _LOG.info("listening", extra={"url": f"http://{host}:{port}", "cluster": address})
        threading.Event().wait()
    except (RuntimeError, ray.exceptions.RayError) as error:
        reason = str(error).strip().rpartition("\n")[2]  # the rest is the call stack of another process
        raise ConfigError(f"--cluster {address}: the service did not start: {reason}") from None
    except _StoppedBySignal:
        _LOG.info("stopping")
    finally:
        if is_started:
            _delete(serve, plan.settings.deadline + STOP_SECONDS)
            serve.shutdown()
        ray.shutdown()
    _LOG.info("stopped")


def _deployment(serve: Any, plan: ReplicaPlan, settings: ClusterSettings) -> Any:  # noqa: ANN401 # Ray may be missing
    """The application that Ray Serve runs."""

    def build() -> FastAPI:
        return build_application(plan)

    options = serve.deployment(
        name=NAME,
        autoscaling_config={
            "min_replicas": settings.min_replicas,
            "max_replicas": settings.max_replicas,
            "target_ongoing_requests": settings.target_requests,
        },
        max_ongoing_requests=settings.replica_requests,
        max_queued_requests=settings.queued_requests,
        graceful_shutdown_wait_loop_s=0.5,
        graceful_shutdown_timeout_s=plan.settings.deadline + STOP_SECONDS,
        health_check_period_s=5,
        health_check_timeout_s=30,
        logging_config=_LOGGING,
        ray_actor_options={"num_cpus": plan.threads, "num_gpus": int(plan.device.startswith("cuda"))},
    )
    return options(serve.ingress(build)(Replica)).bind()


def on_all_machines(plan: ReplicaPlan) -> ReplicaPlan:
    """Changes a plan so that replicas on any machine can use it: with absolute paths, and without file translation.

    The translation of a file is a job in the memory of one replica, and later requests for its result may reach another
    replica. So the service of a cluster does not translate files.

    Args:
        plan: Plan from which each replica builds its service.

    Returns:
        The changed plan.
    """
    entries = [replace(entry, paths=tuple(path.absolute() for path in entry.paths)) for entry in plan.entries]
    return replace(
        plan,
        entries=tuple(entries),
        keys=None if plan.keys is None else plan.keys.absolute(),
        settings=plan.settings.model_copy(update={"files": False}),
        glossaries=tuple(replace(glossary, path=glossary.path.absolute()) for glossary in plan.glossaries),
    )


class Replica:
    """One of the processes of Ray Serve that each run the whole service; Ray Serve starts and replaces them.

    Attributes:
        app: The application that `build_application` returned, which Ray Serve sets.
    """

    app: FastAPI

    def check_health(self) -> None:
        """Checks that all decoding threads run; Ray Serve calls this, and replaces the replica if it raises.

        Raises:
            RuntimeError: A decoding thread has ended.
        """
        if not self.app.state.service.decoder.is_alive:
            raise RuntimeError("a decoding thread has ended; the log of the replica has the reason")


def build_application(plan: ReplicaPlan) -> FastAPI:
    """Builds the web application of the service, in a process of Ray Serve (a replica).

    Args:
        plan: Models, settings and options of the service.

    Returns:
        The application. Its attribute `state.service` is the `TranslationService`.
    """
    _, serve = _imported()
    start_logging()
    metrics = Metrics(replica=serve.get_replica_context().replica_id.unique_id)
    service = build_service(
        plan.entries,
        plan.settings,
        metrics,
        precision=plan.precision,
        device=plan.device,
        threads=plan.threads,
        memory_limit=plan.memory_limit,
        glossaries=plan.glossaries,
    )
    app = create_app(service, access=make_access(plan.settings, plan.keys), metrics=metrics)
    app.state.service = service
    return app


def _imported() -> tuple[Any, Any]:
    for name, value in _ENVIRONMENT.items():  # which Ray reads when it is imported
        os.environ.setdefault(name, value)
    try:
        import ray
        from ray import serve
    except ImportError as error:
        raise ConfigError(f"--cluster: the package {error.name} is missing: pip install 'regard[cluster]'") from None
    return ray, serve


def _connect(ray: Any, address: str) -> None:  # noqa: ANN401
    """Connects to a cluster, or starts one that ends with this process."""
    options = {"logging_level": logging.WARNING, "runtime_env": {"env_vars": _ENVIRONMENT}}
    join_cluster(ray, address, options)


def _wait_for_proxies(serve: Any) -> None:  # noqa: ANN401
    """Waits until the proxies listen, which may be later than the replicas are ready."""
    end = time.monotonic() + PROXY_SECONDS
    while {status.value for status in serve.status().proxies.values()} != {"HEALTHY"}:
        if time.monotonic() > end:
            raise RuntimeError(
                f"the HTTP proxies of Ray Serve do not listen after {PROXY_SECONDS:g} seconds: check that the port is "
                "free on each machine, or choose another one with --port"
            )
        time.sleep(0.2)


class _StoppedBySignal(BaseException):
    """SIGTERM or SIGINT has come."""


def _raise_at_signals() -> None:
    """Replaces the handlers of Ray, which would end a local cluster together with its requests."""

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # the second one does not wait for requests
        raise _StoppedBySignal

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _delete(serve: Any, seconds: float) -> None:  # noqa: ANN401
    """Ends the replicas, which first answer what they accepted."""
    end = time.monotonic() + seconds
    while NAME in serve.status().applications:
        try:
            serve.delete(NAME)
        except TimeoutError:  # after a minute, however long requests may take
            if time.monotonic() > end:
                _LOG.warning("the replicas did not stop in time")
                return
