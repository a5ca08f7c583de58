"""What every function tells of itself: structured logs, metrics in CloudWatch's embedded format, traces. All of it Powertools'.

Configured by Powertools' own variables (``POWERTOOLS_SERVICE_NAME``, ``POWERTOOLS_METRICS_NAMESPACE``, ``POWERTOOLS_LOG_LEVEL``). Every line of log
carries ``correlation_id``: for a push the trace that goes from the S3 event to the WebSocket message, else the request's id. Metrics have two sets of
dimensions, ``service`` and ``Flock``: the dashboard looks at the flock.

Lambda itself draws the function's segment in X-Ray. Subsegments are drawn where the X-Ray SDK is in the package, and loaded only then: its
import takes as long as all of Powertools'.
"""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Callable, Mapping
from typing import Any, Final

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

Handler = Callable[[dict[str, Any], Any], Any]
NAMESPACE: Final = "Murmur"
_QUIET: Final = ("botocore", "urllib3", "asyncio")


class Telemetry:
    """One process's logs, metrics and traces. ``wrap`` a handler; inside it ``count``, ``took`` and ``carry``."""

    def __init__(self) -> None:
        told = os.environ
        self._flock = told.get("MURMUR_FLOCK", "murmur")
        self._service = told.get("POWERTOOLS_SERVICE_NAME", "murmur")
        self._log = Logger(service=self._service)
        self._metrics = Metrics(namespace=told.get("POWERTOOLS_METRICS_NAMESPACE", NAMESPACE), service=self._service)
        self._tracing = bool(told.get("AWS_XRAY_DAEMON_ADDRESS")) and bool(importlib.util.find_spec("aws_xray_sdk"))
        self._installed = False

    def wrap(self, handler: Handler, correlation: Callable[[Mapping[str, Any]], str]) -> Handler:
        """``handler``, told of: ``correlation`` says which id an event's lines of log carry."""

        def inner(event: dict[str, Any], context: Any) -> Any:
            self._log.set_correlation_id(correlation(event) or getattr(context, "aws_request_id", ""))
            return handler(event, context)

        told = self._log.inject_lambda_context(self._traced(inner), clear_state=True)

        def outer(event: dict[str, Any], context: Any) -> Any:
            self._install()
            self._metrics.add_dimensions(Flock=self._flock)
            try:
                return told(event, context)
            except Exception:
                self.count("Failures", 1)
                logging.getLogger(__name__).exception("the event was not served")
                raise
            finally:
                if self._metrics.provider.metric_set:
                    self._metrics.flush_metrics()
                else:
                    self._metrics.clear_metrics()

        return outer

    def count(self, name: str, value: float) -> None:
        """Add to a metric of this event."""
        self._metrics.add_metric(name, MetricUnit.Count, value)

    def took(self, name: str, milliseconds: float) -> None:
        """Add a duration to this event's metrics."""
        self._metrics.add_metric(name, MetricUnit.Milliseconds, milliseconds)

    def carry(self, **keys: Any) -> None:
        """Keys that the rest of this event's lines of log carry."""
        self._log.append_keys(**keys)

    def _install(self) -> None:
        """Let every logger of this process write as Powertools does."""
        if self._installed:
            return
        root = logging.getLogger()
        handler = self._log.registered_handler
        root.handlers[:] = [handler]
        root.setLevel(self._log.log_level)
        logging.getLogger(self._service).propagate = False  # Powertools' own logger has this handler already
        for name in _QUIET:
            logging.getLogger(name).setLevel(logging.WARNING)
        self._installed = True

    def _traced(self, handler: Handler) -> Handler:
        if not self._tracing:
            return handler
        drawn: Handler | None = None

        def traced(event: dict[str, Any], context: Any) -> Any:
            nonlocal drawn
            if drawn is None:
                from aws_lambda_powertools.tracing import Tracer  # noqa: PLC0415 - it brings the X-Ray SDK

                tracer = Tracer(service=self._service, auto_patch=False)
                drawn = tracer.capture_lambda_handler(handler, capture_response=False)
            return drawn(event, context)

        return traced


def request_id(event: Mapping[str, Any]) -> str:
    """API Gateway's id of the request an event is about; "" if it tells none."""
    return str((event.get("requestContext") or {}).get("requestId") or "")
