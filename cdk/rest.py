"""The REST API: /cluster behind Cognito, the dashboard's files from the bucket, settings.json, all behind the firewall."""

from __future__ import annotations

import json
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_apigateway as gateway
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk import headers
from cdk.logs import log_group
from cdk.names import Names
from murmur import keys

STAGE: Final = "app"
_ACCESS: Final = {
    "time": "$context.requestTime",
    "request": "$context.requestId",
    "trace": "$context.xrayTraceId",
    "ip": "$context.identity.sourceIp",
    "user": "$context.authorizer.claims.sub",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "ms": "$context.responseLatency",
    "waf": "$context.wafResponseCode",
    "error": "$context.error.message",
}


class Rest(Construct):
    """Made in two steps, for the sign-in client must know the API's address and the API must know the client: ``open`` is the second."""

    def __init__(
        self, scope: Construct, id_: str, *, names: Names, retention: logs.RetentionDays, account_logging: bool
    ) -> None:
        super().__init__(scope, id_)
        self._names = names
        access = log_group(self, "Access", f"/murmur/{names.flock}/api-access", retention)
        self.api = gateway.RestApi(
            self,
            "Api",
            rest_api_name=names.flock,
            description="Murmur: operate the flock, and see it",
            endpoint_types=[gateway.EndpointType.REGIONAL],
            binary_media_types=["*/*"],
            cloud_watch_role=account_logging,
            deploy_options=gateway.StageOptions(
                stage_name=STAGE,
                throttling_rate_limit=100,
                throttling_burst_limit=200,
                tracing_enabled=True,
                metrics_enabled=True,
                access_log_destination=gateway.LogGroupLogDestination(access),
                access_log_format=gateway.AccessLogFormat.custom(json.dumps(_ACCESS)),
            ),
        )
        self.log_role = self.api.node.try_find_child("Account")
        """API Gateway's account-wide log role: whoever logs waits for it. None where the account has one already."""
        self.page = f"https://{self.api.rest_api_id}.execute-api.{names.region}.amazonaws.com/{STAGE}/"
        """The dashboard's address. From the id and the stage's literal name, because ``api.url`` would be a cycle."""

    def open(
        self,
        *,
        function: lambda_.IFunction,
        pool: cognito.IUserPool,
        settings: str,
        policy: str,
    ) -> None:
        """Add the routes. ``settings`` is settings.json; ``policy`` the dashboard's Content-Security-Policy."""
        authoriser = gateway.CognitoUserPoolsAuthorizer(
            self, "SignedIn", cognito_user_pools=[pool], results_cache_ttl=Duration.minutes(5)
        )
        handler = gateway.LambdaIntegration(function, proxy=True, allow_test_invoke=False)
        for path, method in ((("cluster", "{proxy+}"), "ANY"), (("openapi.json",), "GET")):
            place: gateway.IResource = self.api.root
            for part in path:
                place = place.add_resource(part)
            place.add_method(
                method, handler, authorizer=authoriser, authorization_type=gateway.AuthorizationType.COGNITO
            )
        self._pages(policy)
        self._settings(settings)
        for kind, status, words in headers.REFUSALS:
            self.api.add_gateway_response(
                f"Refusal{kind.response_type.title().replace('_', '')}",
                type=kind,
                status_code=str(status) if status else None,
                response_headers=headers.quoted(headers.NO_PAGE),
                templates={"application/json": words},
            )

    def _pages(self, policy: str) -> None:
        """GET of any other path is a file below web/ in the bucket; API Gateway reads it with a role that can read nothing else."""
        role = iam.Role(self, "Pages", assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"))
        role.add_to_policy(
            iam.PolicyStatement(sid="Pages", actions=["s3:GetObject"], resources=self._names.objects(f"{keys.WEB}*"))
        )
        root = self.api.root
        for resource, path, parameters in (
            (root, "index.html", {}),
            (root.add_resource("{proxy+}"), "{proxy}", {"integration.request.path.proxy": "method.request.path.proxy"}),
        ):
            resource.add_method(
                "GET",
                gateway.AwsIntegration(
                    service="s3",
                    integration_http_method="GET",
                    path=f"{self._names.bucket}/{keys.WEB}{path}",
                    options=gateway.IntegrationOptions(
                        credentials_role=role,
                        request_parameters=parameters,
                        passthrough_behavior=gateway.PassthroughBehavior.WHEN_NO_MATCH,
                        integration_responses=headers.page_answers(policy),
                    ),
                ),
                request_parameters=dict.fromkeys(parameters.values(), True),
                method_responses=headers.page_shapes(),
            )

    def _settings(self, settings: str) -> None:
        self.api.root.add_resource("settings.json").add_method(
            "GET",
            gateway.MockIntegration(
                passthrough_behavior=gateway.PassthroughBehavior.NEVER,
                # Everything counts as binary here, and a MOCK answer must be text.
                content_handling=gateway.ContentHandling.CONVERT_TO_TEXT,
                request_templates={"application/json": '{"statusCode": 200}'},
                integration_responses=[
                    gateway.IntegrationResponse(
                        status_code="200",
                        response_templates={"application/json": settings},
                        response_parameters=headers.on_method(headers.NO_PAGE),
                    )
                ],
            ),
            method_responses=[
                gateway.MethodResponse(
                    status_code="200", response_parameters=dict.fromkeys(headers.on_method(headers.NO_PAGE), True)
                )
            ],
        )
