"""The live view: a WebSocket that opens with a one-time ticket, and the function that tells every dashboard what changed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk import fields
from cdk.api import TICKETS
from cdk.code import LIVE
from cdk.function import Function, allow, only_keys
from cdk.launching import looking
from cdk.logs import log_group
from cdk.names import Names
from murmur import keys

STAGE: Final = "live"
CONNECTIONS: Final = "connection#*"
_ACCESS: Final = {
    "time": "$context.requestTime",
    "connection": "$context.connectionId",
    "route": "$context.routeKey",
    "event": "$context.eventType",
    "ip": "$context.identity.sourceIp",
    "status": "$context.status",
    "error": "$context.error.message",
}


class Live(Construct):
    """``table`` holds tickets and connections; ``functions`` the five functions by name; ``url`` is where dashboards connect."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        names: Names,
        environment: Mapping[str, str],
        changes: sqs.Queue,
        retention: logs.RetentionDays,
    ) -> None:
        super().__init__(scope, id_)
        self._names, self._retention = names, retention
        self.table = self._table()
        self.api = gateway.WebSocketApi(
            self, "Api", api_name=f"{names.flock}-live", route_selection_expression="$request.body.type"
        )
        host = f"{self.api.api_id}.execute-api.{names.region}.amazonaws.com"
        self.origin = f"wss://{host}"
        self.url = f"{self.origin}/{STAGE}"
        told = {
            **environment,
            "MURMUR_CONNECTIONS_TABLE": self.table.table_name,
            "MURMUR_CONNECTIONS_ENDPOINT": f"https://{host}/{STAGE}",
        }
        wide = [*telling(names, self.table.table_arn, self.api.api_id), *showing(names)]
        self.functions = {
            name: self._function(name, told, statements, memory)
            for name, statements, memory in (
                ("authorise", [_own("RedeemTickets", ["dynamodb:DeleteItem"], self.table.table_arn, TICKETS)], 256),
                ("connect", [_own("Add", ["dynamodb:PutItem"], self.table.table_arn, CONNECTIONS)], 256),
                ("disconnect", [_own("Remove", ["dynamodb:DeleteItem"], self.table.table_arn, CONNECTIONS)], 256),
                ("default", wide, 512),
                ("push", wide, 512),
            )
        }
        self.functions["push"].add_event_source(
            sources.SqsEventSource(changes, batch_size=10, max_concurrency=5, report_batch_item_failures=True)
        )
        self._routes()
        self._stage()

    def _table(self) -> dynamodb.Table:
        return dynamodb.Table(
            self,
            "Connections",
            table_name=f"{self._names.flock}-connections",
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            time_to_live_attribute="expires",
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            removal_policy=RemovalPolicy.DESTROY,  # nothing in it is older than two hours
        )

    def _function(
        self, name: str, environment: Mapping[str, str], statements: Sequence[iam.PolicyStatement], memory: int
    ) -> Function:
        return Function(
            self,
            name.title(),
            name=f"live-{name}",
            names=self._names,
            bundle=LIVE,
            handler=f"functions.live.main.{name}",
            environment=environment,
            statements=statements,
            retention=self._retention,
            timeout=Duration.seconds(28 if name in ("default", "push") else 10),
            memory=memory,
        )

    def _routes(self) -> None:
        def to(name: str) -> Any:
            return integrations.WebSocketLambdaIntegration(f"{name.title()}Call", self.functions[name])

        door = authorizers.WebSocketLambdaAuthorizer(
            "Ticket", self.functions["authorise"], identity_source=["route.request.querystring.ticket"]
        )
        self.api.add_route("$connect", integration=to("connect"), authorizer=door)
        self.api.add_route("$disconnect", integration=to("disconnect"))
        self.api.add_route("$default", integration=to("default"))

    def _stage(self) -> None:
        name = f"/murmur/{self._names.flock}/live-access"
        log = log_group(self, "Access", name, self._retention)
        self.stage = gateway.WebSocketStage(
            self,
            "Stage",
            web_socket_api=self.api,
            stage_name=STAGE,
            auto_deploy=True,
            throttle=gateway.ThrottleSettings(rate_limit=50, burst_limit=100),
        )
        inner = self.stage.node.default_child
        assert isinstance(inner, gateway.CfnStage)  # noqa: S101 - for the type checker; CDK says so
        inner.access_log_settings = gateway.CfnStage.AccessLogSettingsProperty(
            destination_arn=self._names.arn("logs", f"log-group:{name}"),
            format=json.dumps(_ACCESS),
        )
        self.stage.node.add_dependency(log)


def telling(names: Names, table: str, api: str) -> list[iam.PolicyStatement]:
    """Send to connections, and forget those that are gone. A scan cannot be narrowed to connections: it shows tickets, too."""
    return [
        _own("Connections", ["dynamodb:UpdateItem", "dynamodb:DeleteItem"], table, CONNECTIONS),
        allow("WhoIsConnected", ["dynamodb:Scan"], [table]),
        allow("Send", ["execute-api:ManageConnections"], [names.arn("execute-api", f"{api}/{STAGE}/*/@connections/*")]),
    ]


def showing(names: Names) -> list[iam.PolicyStatement]:
    """Read what a dashboard shows: documents, logs, heartbeats, queues, load. Files are counted and not read."""
    logs_and_states = fields.under(keys.STORE, keys.STATE, keys.SEGMENTS)
    return [
        *fields.read(names, *fields.DOCUMENTS, *logs_and_states),
        fields.listing(names, fields.under(keys.OUTPUT), "CountFiles"),
        allow(
            "Depths", ["sqs:GetQueueUrl", "sqs:GetQueueAttributes"], [names.agent_queues, names.arn("sqs", names.dead)]
        ),
        allow("Rules", ["events:ListRules"], ["*"]),
        looking(),
        allow("Load", ["cloudwatch:GetMetricData"], ["*"]),
    ]


def _own(sid: str, actions: Sequence[str], table: str, items: str) -> iam.PolicyStatement:
    """Only items whose key begins so."""
    return allow(sid, actions, [table], **only_keys(items))
