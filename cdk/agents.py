"""The agents' side: the role their instances have, and the template they are launched from."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import CfnTag, Fn
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk.function import allow, deny
from cdk.logs import log_group
from cdk.names import PROJECT, Names
from cdk.network import Network
from cdk.parameters import Parameters
from murmur import keys

BUNDLES = "agent/"
"""Where `murmur deploy` puts what an instance runs."""
DISK_GIB = 16
_T = ec2.CfnLaunchTemplate
_DISK = _T.EbsProperty(encrypted=True, volume_type="gp3", volume_size=DISK_GIB, delete_on_termination=True)
_METADATA = _T.MetadataOptionsProperty(
    http_tokens="required",
    http_put_response_hop_limit=1,
    http_endpoint="enabled",
    instance_metadata_tags="enabled",  # an instance learns from its tags which agents are its own
)
_IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
_READ = (keys.STORE, keys.STATE, keys.SEGMENTS, keys.OUTPUT, keys.KNOWLEDGE, keys.VERSIONS + keys.OUTPUT)
_READ_DOCUMENTS = (keys.CONFIG, keys.DIRECTION, keys.CONTROL, keys.ROSTER)
_NEVER_WRITTEN = (*_READ_DOCUMENTS, f"{keys.STORE}*.directive.md", f"{keys.WEB}*", f"{BUNDLES}*", f"{keys.HISTORY}*")


def bundle_key(sha256: str) -> str:
    """Where the bundle with this SHA-256 lies in the bucket (``cdk.instance.bundle.Bundle.key``)."""
    return f"{BUNDLES}bundle-{sha256[:16]}.zip"


class Agents(Construct):
    """``role`` is what an instance may do; ``template`` how it is made. User data is ``user_data`` as plain text."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        names: Names,
        parameters: Parameters,
        network: Network,
        retention: logs.RetentionDays,
        user_data: str,
    ) -> None:
        super().__init__(scope, id_)
        log_group(self, "Log", names.agent_logs, retention)
        self.role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
        for statement in agent_statements(names, parameters):
            self.role.add_to_policy(statement)
        profile = iam.CfnInstanceProfile(self, "Profile", roles=[self.role.role_name])
        image = ec2.MachineImage.from_ssm_parameter(_IMAGE, os=ec2.OperatingSystemType.LINUX).get_image(self)
        tags = [CfnTag(key="Project", value=PROJECT), CfnTag(key="Flock", value=names.flock)]
        self.template = _T(
            self,
            "Template",
            launch_template_data=_T.LaunchTemplateDataProperty(
                image_id=image.image_id,
                instance_type="t4g.medium",  # what RunInstances says counts; this is for whoever launches by hand
                iam_instance_profile=_T.IamInstanceProfileProperty(arn=profile.attr_arn),
                security_group_ids=[network.security_group.security_group_id],
                instance_initiated_shutdown_behavior="terminate",
                metadata_options=_METADATA,
                block_device_mappings=[_T.BlockDeviceMappingProperty(device_name="/dev/xvda", ebs=_DISK)],
                user_data=Fn.base64(user_data),
                tag_specifications=[
                    _T.TagSpecificationProperty(resource_type=kind, tags=tags)
                    for kind in ("instance", "volume", "network-interface")
                ],
            ),
        )


def agent_statements(names: Names, parameters: Parameters) -> list[iam.PolicyStatement]:
    """What an instance may do. The agent process itself runs as a user that cannot reach this role at all."""
    writes = [f"{keys.STORE}agent-*.ndjson", f"{keys.STATE}agent-*.json", f"{keys.SEGMENTS}agent-*.ndjson"]
    writes += [f"{prefix}{keys.OUTPUT}*" for prefix in ("", keys.VERSIONS)]
    never = list(_NEVER_WRITTEN)
    if parameters.knowledge_writable:
        writes += [f"{prefix}{keys.KNOWLEDGE}*" for prefix in ("", keys.VERSIONS)]
    else:
        never.append(f"{keys.KNOWLEDGE}*")
    folders = [f"{prefix}*" for prefix in _READ]
    statements = [
        allow("Read", ["s3:GetObject"], names.objects(*_READ_DOCUMENTS, *folders, f"{BUNDLES}*")),
        # For a key that is not there S3 asks for ListBucket with the key as prefix; without it the answer would be 403.
        allow("List", ["s3:ListBucket"], [names.bucket_arn], StringLike={"s3:prefix": [*_READ_DOCUMENTS, *folders]}),
        allow("Write", ["s3:PutObject"], names.objects(*writes)),
        deny("NeverWrite", ["s3:PutObject", "s3:DeleteObject", "s3:PutObjectAcl"], names.objects(*never)),
        allow(
            "OwnQueues",
            [
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:ChangeMessageVisibility",
                "sqs:GetQueueUrl",
                "sqs:GetQueueAttributes",
            ],
            [names.agent_queues],
        ),
        allow("ApiKey", ["ssm:GetParameter"], [names.arn("ssm", f"parameter{names.api_key}")]),
        allow(
            "OwnLog",  # metrics, too: CloudWatch makes them of lines in its embedded format
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [names.arn("logs", f"log-group:{names.agent_logs}:*")],
        ),
    ]
    return [*statements, *([_models(names, parameters.bedrock_models)] if parameters.bedrock_models else [])]


def _models(names: Names, models: Sequence[str]) -> iam.PolicyStatement:
    """Ask these models on Bedrock, directly or by way of an inference profile, which leads to any region."""
    everywhere = f"arn:{names.partition}:bedrock:*::foundation-model"
    return allow(
        "Models",
        ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
        [
            resource
            for model in models
            for resource in (f"{everywhere}/{model}", names.arn("bedrock", f"inference-profile/*{model}"))
        ],
    )
