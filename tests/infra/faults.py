"""Faults as they are made in practice, each put into the real template, and the check that must notice it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.infra.template import Template

Spoil = Callable[[Template], object]


@dataclass(frozen=True)
class Fault:
    """``spoil`` changes the template in place; ``caught_by`` is a check of tests.infra.checks, or one of OTHERS."""

    name: str
    caught_by: str
    spoil: Spoil


OTHERS = ("iam questions", "cfn-lint")


def put(prefix: str, kind: str, *path: str | int, value: Any) -> Spoil:
    """Set a property."""

    def spoil(template: Template) -> None:
        *way, last = path
        place: Any = template.raw_properties(prefix, kind)
        for step in way:
            place = place[step]
        place[last] = value

    return spoil


def lose(prefix: str, kind: str, *path: str | int) -> Spoil:
    """Remove a property."""

    def spoil(template: Template) -> None:
        *way, last = path
        place: Any = template.raw_properties(prefix, kind)
        for step in way:
            place = place[step]
        del place[last]

    return spoil


def drop(prefix: str, kind: str) -> Spoil:
    """Remove a resource."""
    return lambda template: template.raw["Resources"].pop(template.id(prefix, kind))


def on(prefix: str, kind: str, key: str, value: Any) -> Spoil:
    """Set something of a resource beside its properties."""
    return lambda template: template.raw["Resources"][template.id(prefix, kind)].update({key: value})


def statement(role: str, sid: str, **changes: Any) -> Spoil:
    """Change a statement of a role's policy."""

    def spoil(template: Template) -> None:
        policy = template.raw_properties(role, "IAM::Policy")
        (found,) = (s for s in policy["PolicyDocument"]["Statement"] if s.get("Sid") == sid)
        found.update(changes)

    return spoil


def grant(role: str, actions: list[str] | str, resources: list[str] | str = "*") -> Spoil:
    """Add a statement to a role's policy."""

    def spoil(template: Template) -> None:
        policy = template.raw_properties(role, "IAM::Policy")
        policy["PolicyDocument"]["Statement"].append({"Effect": "Allow", "Action": actions, "Resource": resources})

    return spoil


def without(prefix: str, kind: str, said: str) -> Spoil:
    """Remove the statement of a resource's policy that contains these words."""

    def spoil(template: Template) -> None:
        document = template.raw_properties(prefix, kind)["PolicyDocument"]
        kept = [s for s in document["Statement"] if said not in str(s)]
        assert len(kept) < len(document["Statement"])
        document["Statement"] = kept

    return spoil


def add(name: str, kind: str, **properties: Any) -> Spoil:
    """Add a resource."""
    return lambda template: template.raw["Resources"].update({name: {"Type": f"AWS::{kind}", "Properties": properties}})


LT, FN = "AgentsTemplate", "Lambda::Function"
DATA = "LaunchTemplateData"
BUCKET_ARN = "arn:aws:s3:::murmur-111122223333-eu-central-1"
WORLD = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "CidrIp": "0.0.0.0/0"}]
TWO_OPERATORS = [{"prefix": "store/", "anything-but": ["store/agent-0.ndjson"]}]

FAULTS = [
    # -- functions
    Fault("a handler that is not there", "handlers_exist", put("RestFunction", FN, "Handler", value="functions.api.main.serve")),
    Fault("a module that is not there", "handlers_exist", put("LivePush", FN, "Handler", value="functions.live.pusher.push")),
    Fault("x86 with arm wheels", "functions_run_on_arm_with_the_python_of_their_wheels", put("LivePush", FN, "Architectures", value=["x86_64"])),
    Fault("a Python without wheels", "functions_run_on_arm_with_the_python_of_their_wheels", put("RestFunction", FN, "Runtime", value="python3.12")),
    Fault("a variable forgotten", "functions_are_told_what_they_need", lose("RestFunction", FN, "Environment", "Variables", "MURMUR_BUCKET")),
    Fault("the connections' address forgotten", "functions_are_told_what_they_need", lose("LivePush", FN, "Environment", "Variables", "MURMUR_CONNECTIONS_ENDPOINT")),
    Fault("a secret in a variable", "functions_hold_no_secret", put("RestFunction", FN, "Environment", "Variables", "MURMUR_API_KEY", value="x")),
    Fault("a function forgotten", "every_function_is_there", drop("LiveDisconnect", FN)),
    Fault("a log without an end", "functions_log_with_an_end_and_are_traced", lose("RestFunctionLog", "Logs::LogGroup", "RetentionInDays")),
    Fault("tracing off", "functions_log_with_an_end_and_are_traced", lose("LifecycleFunction", FN, "TracingConfig")),
    Fault("an API slower than its gateway", "the_api_answers_before_the_gateway_gives_up", put("RestFunction", FN, "Timeout", value=60)),
    Fault("lifecycle events are lost", "the_lifecycle_is_tried_again_and_never_lost", lose("Lifecycle", "Lambda::EventInvokeConfig", "DestinationConfig")),
    Fault("changes come again while they are told", "changes_feed_the_live_view", put("FabricChanges", "SQS::Queue", "VisibilityTimeout", value=30)),
    Fault("one bad message fails its batch", "changes_feed_the_live_view", lose("LivePush", "Lambda::EventSourceMapping", "FunctionResponseTypes")),
    # -- instances
    Fault("IMDSv1", "instances_are_hardened", put(LT, "EC2::LaunchTemplate", DATA, "MetadataOptions", "HttpTokens", value="optional")),
    Fault("a hop more to the metadata", "instances_are_hardened", put(LT, "EC2::LaunchTemplate", DATA, "MetadataOptions", "HttpPutResponseHopLimit", value=2)),
    Fault("a disk in the clear", "instances_are_hardened", put(LT, "EC2::LaunchTemplate", DATA, "BlockDeviceMappings", 0, "Ebs", "Encrypted", value=False)),
    Fault("an SSH key", "instances_are_hardened", put(LT, "EC2::LaunchTemplate", DATA, "KeyName", value="ops")),
    Fault("no tags to find and end it by", "instances_are_told_of_their_flock_and_of_nothing_secret", put(LT, "EC2::LaunchTemplate", DATA, "TagSpecifications", 0, "Tags", value=[])),
    Fault("an instance with the lifecycle's role", "an_instances_role_is_the_agents", put("AgentsProfile", "IAM::InstanceProfile", "Roles", value=["LifecycleFunctionRole"])),
    # -- network
    Fault("SSH from everywhere", "nothing_comes_in_and_only_https_goes_out", put("NetworkAgents", "EC2::SecurityGroup", "SecurityGroupIngress", value=WORLD)),
    Fault("everything out", "nothing_comes_in_and_only_https_goes_out", put("NetworkAgents", "EC2::SecurityGroup", "SecurityGroupEgress", value=[{"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"}])),
    Fault("a way to any bucket", "the_gateway_to_s3_leads_to_this_bucket_only", put("NetworkVpcS3", "EC2::VPCEndpoint", "PolicyDocument", "Statement", 0, "Resource", value="*")),
    # -- doors
    Fault("no permission for API Gateway", "gateways_may_call_their_functions", drop("RestApiclusterproxyANYApiPermission", "Lambda::Permission")),
    Fault("no permission for the WebSocket", "gateways_may_call_their_functions", drop("LiveApiconnectRouteConnectCallPermission", "Lambda::Permission")),
    Fault("no permission for the tick", "gateways_may_call_their_functions", drop("LifecycleTickMay", "Lambda::Permission")),
    Fault("anybody's API may call", "gateways_may_call_their_functions", lose("LifecycleGoneMay", "Lambda::Permission", "SourceArn")),
    Fault("a method without sign-in", "every_method_but_the_pages_needs_a_sign_in", put("RestApiclusterproxyANY", "ApiGateway::Method", "AuthorizationType", value="NONE")),
    Fault("an open method that runs code", "every_method_but_the_pages_needs_a_sign_in", put("RestApiproxyGET", "ApiGateway::Method", "Integration", "Type", value="AWS_PROXY")),
    Fault("another pool's users", "the_authoriser_asks_this_pool", put("RestSignedIn", "ApiGateway::Authorizer", "ProviderARNs", value=["arn:aws:cognito-idp:eu-central-1:1:userpool/x"])),
    Fault("deployed before its methods", "a_deployment_waits_for_every_method", on("RestApiDeployment", "ApiGateway::Deployment", "DependsOn", [])),
    Fault("the firewall before nothing", "the_firewall_stands_before_the_api", drop("FirewallBefore", "WAFv2::WebACLAssociation")),
    Fault("the firewall lets in by default", "the_firewall_lets_nobody_in_but_the_allowed", put("FirewallAcl", "WAFv2::WebACL", "DefaultAction", value={"Allow": {}})),
    Fault("an address without its length", "the_firewall_lets_nobody_in_but_the_allowed", put("FirewallAllowedV4", "WAFv2::IPSet", "Addresses", value=["203.0.113.7"])),
    Fault("anybody may sign up", "only_invited_people_sign_in", put("AuthPool", "Cognito::UserPool", "AdminCreateUserConfig", "AllowAdminCreateUserOnly", value=False)),
    Fault("a client without callback", "the_client_can_only_do_a_code_grant", lose("AuthPoolClient", "Cognito::UserPoolClient", "CallbackURLs")),
    Fault("the implicit flow", "the_client_can_only_do_a_code_grant", put("AuthPoolClient", "Cognito::UserPoolClient", "AllowedOAuthFlows", value=["code", "implicit"])),
    Fault("a socket without ticket", "the_socket_opens_by_ticket_only", put("LiveApiconnectRoute", "ApiGatewayV2::Route", "AuthorizationType", value="NONE")),
    Fault("inline scripts", "every_answer_of_the_gateway_itself_is_hardened", put("RestApiGET", "ApiGateway::Method", "Integration", "IntegrationResponses", 0, "ResponseParameters", "method.response.header.Content-Security-Policy", value="'default-src 'self' 'unsafe-inline'; frame-ancestors 'none';'")),
    Fault("no throttle", "gateways_are_throttled_logged_and_traced", lose("RestApiDeploymentStage", "ApiGateway::Stage", "MethodSettings", 0, "ThrottlingRateLimit")),
    # -- store, queues, rules
    Fault("EventBridge off", "the_store_tells_eventbridge", lose("StoreBucket", "S3::Bucket", "NotificationConfiguration")),
    Fault("results go with the stack", "buckets_are_private_encrypted_and_kept", on("StoreBucket", "S3::Bucket", "DeletionPolicy", "Delete")),
    Fault("a bucket that may be public", "buckets_are_private_encrypted_and_kept", put("StoreBucket", "S3::Bucket", "PublicAccessBlockConfiguration", "BlockPublicPolicy", value=False)),
    Fault("the store without TLS", "everything_is_refused_without_tls", without("StoreBucketPolicy", "S3::BucketPolicy", "aws:SecureTransport")),
    Fault("blind overwrites", "nobody_overwrites_blindly", without("StoreBucketPolicy", "S3::BucketPolicy", "s3:if-match")),
    Fault("a pattern with two operators", "patterns_are_legal", put("FabricWakes", "Events::Rule", "EventPattern", "detail", "object", "key", value=TWO_OPERATORS)),
    Fault("a pattern that forgets the direction", "rules_say_what_the_code_means", put("FabricWakes", "Events::Rule", "EventPattern", "detail", "object", "key", value=[{"prefix": "store/"}])),
    Fault("a tick that asks for nothing", "rules_say_what_the_code_means", put("LifecycleTick", "Events::Rule", "Targets", 0, "Input", value="{}")),
    Fault("a rule that is off", "rules_reach_their_targets_or_keep_what_they_could_not", put("FabricTell", "Events::Rule", "State", value="DISABLED")),
    Fault("a queue closed to its rule", "rules_reach_their_targets_or_keep_what_they_could_not", without("FabricChangesPolicy", "SQS::QueuePolicy", "OnlyTell")),
    Fault("a rule without dead letters", "rules_reach_their_targets_or_keep_what_they_could_not", lose("FabricWakes", "Events::Rule", "Targets", 0, "DeadLetterConfig")),
    Fault("a forward without a role", "rules_reach_their_targets_or_keep_what_they_could_not", lose("FabricWakes", "Events::Rule", "Targets", 0, "RoleArn")),
    Fault("poison tried for ever", "queues_keep_what_fails", lose("FabricChanges", "SQS::Queue", "RedrivePolicy")),
    Fault("tickets that never expire", "tickets_and_connections_expire", lose("LiveConnections", "DynamoDB::Table", "TimeToLiveSpecification")),
    Fault("an alarm that rings nowhere", "alarms_ring_somewhere", put("WatchSpend", "CloudWatch::Alarm", "AlarmActions", value=[])),
    Fault("alarms that may not tell their topic", "alarms_ring_somewhere", without("WatchAlarmsPolicy", "SNS::TopicPolicy", "cloudwatch.amazonaws.com")),
    Fault("a policy longer than IAM takes", "roles_fit_what_iam_takes", grant("RestFunctionRole", "s3:GetObject", [f"{BUCKET_ARN}/output/{n}" for n in range(200)])),
    Fault("a dashboard without wake latency", "the_dashboard_tells_health_and_wake_latency", put("WatchDashboard", "CloudWatch::Dashboard", "DashboardBody", value='{"widgets": []}')),
    Fault("a custom resource", "nothing_is_a_custom_resource_or_a_container", add("Custom", "CloudFormation::CustomResource", ServiceToken="arn:aws:lambda:x")),
    # -- permissions
    Fault("a wildcard action", "no_action_is_a_wildcard_and_every_one_exists", grant("RestFunctionRole", "s3:*", f"{BUCKET_ARN}/murmur")),
    Fault("an action that AWS does not have", "no_action_is_a_wildcard_and_every_one_exists", statement("AgentsRole", "Read", Action="s3:GetObjects")),
    Fault("everything where AWS knows resources", "everything_is_allowed_only_where_aws_knows_no_resources", statement("AgentsRole", "OwnQueues", Resource="*")),
    Fault("a role another account may take", "roles_trust_one_service_and_hold_no_foreign_policy", put("AgentsRole", "IAM::Role", "AssumeRolePolicyDocument", "Statement", 0, "Principal", value={"AWS": "arn:aws:iam::999999999999:root"})),
    Fault("AdministratorAccess", "roles_trust_one_service_and_hold_no_foreign_policy", put("LifecycleFunctionRole", "IAM::Role", "ManagedPolicyArns", value=["arn:aws:iam::aws:policy/AdministratorAccess"])),
    Fault("another account's queues", "permissions_stay_in_this_account_and_flock", grant("AgentsRole", "sqs:SendMessage", "arn:aws:sqs:eu-central-1:999999999999:murmur-x")),
    Fault("the API starts instances itself", "the_two_ways_to_power_are_narrow", grant("RestFunctionRole", "ec2:RunInstances", "arn:aws:ec2:eu-central-1:111122223333:instance/*")),
    Fault("any role may be passed", "the_two_ways_to_power_are_narrow", statement("LifecycleFunctionRole", "OnlyAgentsRole", Resource="arn:aws:iam::111122223333:role/*")),
    Fault("anybody's instances may be ended", "the_two_ways_to_power_are_narrow", statement("LifecycleFunctionRole", "EndOwn", Condition={})),
    Fault("no deny behind the allows", "agents_are_denied_what_steers_the_flock", statement("AgentsRole", "NeverWrite", Effect="Allow", Action="s3:PutObjectAcl")),
    Fault("agents write all of the bucket", "iam questions", statement("AgentsRole", "Write", Resource=f"{BUCKET_ARN}/*")),
    Fault("agents list all of the bucket", "iam questions", statement("AgentsRole", "List", Condition={})),
    Fault("agents read another flock's inboxes", "iam questions", statement("AgentsRole", "OwnQueues", Resource="arn:aws:sqs:eu-central-1:111122223333:murmur-*")),
    Fault("the live view reads results", "iam questions", grant("LivePushRole", "s3:GetObject", f"{BUCKET_ARN}/output/*")),
    Fault("the door makes tickets", "iam questions", grant("LiveAuthoriseRole", "dynamodb:PutItem", "arn:aws:dynamodb:eu-central-1:111122223333:table/murmur-connections")),
    Fault("the log cannot be appended to", "iam questions", statement("AgentsRole", "Write", Resource=f"{BUCKET_ARN}/output/*")),
    Fault("rules of any bus", "iam questions", statement("LifecycleFunctionRole", "Rules", Resource="arn:aws:events:eu-central-1:111122223333:rule/*")),
    # -- what generic tools know better
    Fault("a property that does not exist", "cfn-lint", put("LivePush", FN, "MemorySizes", value=512)),
    Fault("a runtime that does not exist", "cfn-lint", put("LiveConnect", FN, "Runtime", value="python3.99")),
    Fault("a reference to nothing", "cfn-lint", put("AgentsProfile", "IAM::InstanceProfile", "Roles", value=[{"Ref": "Nobody"}])),
    Fault("a timeout longer than Lambda's", "cfn-lint", put("LifecycleFunction", FN, "Timeout", value=1800)),
    Fault("a network that is none", "cfn-lint", put("NetworkVpc", "EC2::VPC", "CidrBlock", value="10.83.0.0/99")),
    Fault("a retention that CloudWatch does not know", "cfn-lint", put("AgentsLog", "Logs::LogGroup", "RetentionInDays", value=31)),
]  # fmt: skip

NOTICED = {
    "SSH from everywhere": {"AwsSolutions-EC23", "W2508"},
    "the store without TLS": {"AwsSolutions-S10"},
    "a bucket that may be public": {"AwsSolutions-S2"},
    "a wildcard action": {"AwsSolutions-IAM5[Action::s3:*]"},
    "AdministratorAccess": {"AwsSolutions-IAM4[Policy::arn:aws:iam::aws:policy/AdministratorAccess]"},
    "the firewall before nothing": {"AwsSolutions-APIG3"},
}
"""Faults that cdk-nag, or CDK's own validator (W…), must notice as well: so that a rule pack that fell silent would be missed."""
