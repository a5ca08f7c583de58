"""The store: the flock's bucket, which outlives the stack, and the bucket that notes who touched it."""

from __future__ import annotations

from typing import Any

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk.names import Names
from murmur import keys

ACCESS_DAYS = 90
"""How long access logs are kept."""
CONDITIONAL = (
    f"{keys.STORE}agent-*.ndjson",
    f"{keys.STATE}agent-*.json",
    f"{keys.OUTPUT}*",
    keys.CONTROL,
    keys.ROSTER,
)
"""What nobody may overwrite without saying which version is meant (I4, I5): S3 itself refuses it."""


class Store(Construct):
    """Encrypted, private, over TLS only; tells EventBridge of every object. Kept when the stack goes."""

    def __init__(self, scope: Construct, id_: str, *, names: Names, history_days: int) -> None:
        """``history_days`` 0 keeps earlier runs for ever."""
        super().__init__(scope, id_)
        old = s3.LifecycleRule(id="AccessLogs", expiration=Duration.days(ACCESS_DAYS))
        self.bucket = self._bucket(
            "Bucket",
            names.bucket,
            server_access_logs_bucket=self._bucket("Access", names.access_logs, lifecycle_rules=[old]),
            server_access_logs_prefix="store/",
            lifecycle_rules=_lifecycle(history_days),
        )
        # Not event_bridge_enabled=True, which is a custom resource with a Lambda function of its own.
        inner = self.bucket.node.default_child
        assert isinstance(inner, s3.CfnBucket)  # noqa: S101 - for the type checker; CDK says so
        inner.notification_configuration = s3.CfnBucket.NotificationConfigurationProperty(
            event_bridge_configuration=s3.CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
        )
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="OnlyConditionalWrites",
                effect=iam.Effect.DENY,
                principals=[iam.AnyPrincipal()],
                actions=["s3:PutObject"],
                resources=names.objects(*CONDITIONAL),
                conditions={"Null": {"s3:if-match": "true", "s3:if-none-match": "true"}},
            )
        )

    def _bucket(self, id_: str, name: str, **more: Any) -> s3.Bucket:
        """A bucket as both are: private, encrypted, over TLS only, and kept."""
        return s3.Bucket(
            self,
            id_,
            bucket_name=name,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=RemovalPolicy.RETAIN,
            **more,
        )


def _lifecycle(history_days: int) -> list[s3.LifecycleRule]:
    return [
        s3.LifecycleRule(id="CutOffUploads", abort_incomplete_multipart_upload_after=Duration.days(1)),
        s3.LifecycleRule(
            id="EarlierRuns",
            prefix=keys.HISTORY,
            transitions=[
                s3.Transition(storage_class=s3.StorageClass.INTELLIGENT_TIERING, transition_after=Duration.days(30))
            ],
            expiration=Duration.days(history_days) if history_days else None,
        ),
    ]
