"""HTTP and WebSocket on this machine: what API Gateway, CloudFront and a Lambda trigger are on AWS."""

from murmur.local.gateway.gateway import Gateway
from murmur.local.gateway.publisher import LocalPublisher

__all__ = ["Gateway", "LocalPublisher"]
