"""The network: where instances live. Nothing comes in; what goes out is HTTPS, and S3 by its own gateway."""

from __future__ import annotations

from aws_cdk import Aws
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk.names import Names

PACKAGES = "al2023-repos-*-de612dc2"
"""Amazon Linux's own package repositories: buckets of the region, reached through the same gateway."""


class Network(Construct):
    """Public subnets (a NAT gateway would cost more than the flock), a security group without inbound, an S3 gateway endpoint."""

    def __init__(self, scope: Construct, id_: str, *, names: Names) -> None:
        super().__init__(scope, id_)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr("10.83.0.0/16"),
            max_azs=2,
            nat_gateways=0,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=20, map_public_ip_on_launch=True
                )
            ],
            restrict_default_security_group=False,  # a custom resource; nothing uses that group
        )
        self.security_group = ec2.SecurityGroup(
            self, "Agents", vpc=self.vpc, description="Agents: nothing in, HTTPS out", allow_all_outbound=False
        )
        self.security_group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "HTTPS")
        gateway = self.vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        for statement in _through_the_gateway(names):
            gateway.add_to_policy(statement)

    @property
    def subnets(self) -> list[str]:
        """Ids of the subnets instances may be launched in."""
        return self.vpc.select_subnets(subnet_type=ec2.SubnetType.PUBLIC).subnet_ids


def _through_the_gateway(names: Names) -> list[iam.PolicyStatement]:
    """From inside the VPC one can reach this flock's bucket and Amazon Linux's packages, and no other bucket to carry things to."""
    return [
        iam.PolicyStatement(
            sid="OwnBucket",
            principals=[iam.AnyPrincipal()],
            actions=["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
            resources=[names.bucket_arn, *names.objects("*")],
            conditions={"StringEquals": {"aws:PrincipalAccount": names.account}},
        ),
        iam.PolicyStatement(
            sid="Packages",
            principals=[iam.AnyPrincipal()],
            actions=["s3:GetObject"],
            resources=[f"arn:{Aws.PARTITION}:s3:::{PACKAGES}/*"],
        ),
    ]
