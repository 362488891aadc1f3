"""A collector for OTLP over HTTP on a real socket, and what it was sent."""

from collections.abc import Iterator
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.support.upstream_server import UpstreamServer, replies


class OtlpReceiver(UpstreamServer):
    """Takes whatever is exported to ``endpoint``."""

    def __init__(self) -> None:
        super().__init__(replies(200, b"", "application/x-protobuf"))

    @property
    def endpoint(self) -> str:
        """What ``--otel_endpoint`` is set to."""
        return self.base_url.removesuffix("/v1")

    @property
    def sent(self) -> bytes:
        """Everything that came, as it came."""
        return b"".join(exchange.body for exchange in self.exchanges)

    def spans(self) -> dict[str, Span]:
        """The spans by their names."""
        requests = [
            ExportTraceServiceRequest.FromString(each.body) for each in self.exchanges if each.path == "/v1/traces"
        ]
        found = [
            span
            for request in requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        assert len({span.name for span in found}) == len(found), "one turn at a time"
        return {span.name: span for span in found}

    def services(self) -> set[str]:
        """The names of the services that sent spans."""
        requests = [
            ExportTraceServiceRequest.FromString(each.body) for each in self.exchanges if each.path == "/v1/traces"
        ]
        resources = [resource.resource for request in requests for resource in request.resource_spans]
        return {attributes(each.attributes)["service.name"] for each in resources}

    def measured(self) -> dict[str, list[tuple[dict[str, Any], float]]]:
        """The histograms by their names: attributes and sum of each series, as they were sent last."""
        found: dict[str, list[tuple[dict[str, Any], float]]] = {}
        for exchange in self.exchanges:
            if exchange.path == "/v1/metrics":
                for name, series in _histograms(ExportMetricsServiceRequest.FromString(exchange.body)):
                    found[name] = series
        return found


def _histograms(request: ExportMetricsServiceRequest) -> Iterator[tuple[str, list[tuple[dict[str, Any], float]]]]:
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                points = metric.histogram.data_points
                yield metric.name, [(attributes(point.attributes), point.sum) for point in points]


def attributes(pairs: Any) -> dict[str, Any]:
    """The attributes of a span, a series or a resource."""
    return {pair.key: _value(pair) for pair in pairs}


def _value(pair: KeyValue) -> Any:
    value = pair.value
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [each.string_value for each in value.array_value.values]
    return getattr(value, str(kind))
