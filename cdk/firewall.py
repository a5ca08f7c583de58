"""Who reaches the API at all: an allowlist of networks in front of it, and a limit on how often."""

from __future__ import annotations

from typing import Final

from aws_cdk import aws_wafv2 as waf
from constructs import Construct

from cdk.names import Names
from cdk.parameters import Parameters

RATE: Final = 3000
"""Requests one address may make in five minutes: a dashboard with 64 agents makes a few hundred."""


class Firewall(Construct):
    """Blocks everybody who is not in one of the two sets. With none given, that is everybody."""

    def __init__(self, scope: Construct, id_: str, *, names: Names, parameters: Parameters) -> None:
        super().__init__(scope, id_)
        four = [network for network in parameters.allow_ip if ":" not in network]
        six = [network for network in parameters.allow_ip if ":" in network]
        self.sets = [
            waf.CfnIPSet(
                self,
                f"Allowed{version}",
                name=f"{names.flock}-allowed-{version.lower()}",
                description="Networks that may reach the flock",
                scope="REGIONAL",
                ip_address_version=f"IP{version}",
                addresses=addresses,
            )
            for version, addresses in (("V4", four), ("V6", six))
        ]
        self.acl = waf.CfnWebACL(
            self,
            "Acl",
            name=names.flock,
            description="Only the allowed networks",
            scope="REGIONAL",
            default_action=waf.CfnWebACL.DefaultActionProperty(block={}),
            visibility_config=_seen(names, "acl"),
            rules=[_rate(names), self._allowed(names)],
        )

    def guard(self, stage: str) -> waf.CfnWebACLAssociation:
        """Put it before a stage of the REST API, given by its ARN."""
        return waf.CfnWebACLAssociation(self, "Before", resource_arn=stage, web_acl_arn=self.acl.attr_arn)

    def _allowed(self, names: Names) -> waf.CfnWebACL.RuleProperty:
        statement = waf.CfnWebACL.StatementProperty
        either = [statement(ip_set_reference_statement={"arn": one.attr_arn}) for one in self.sets]
        return waf.CfnWebACL.RuleProperty(
            name="allowed",
            priority=1,
            action=waf.CfnWebACL.RuleActionProperty(allow={}),
            statement=statement(or_statement=waf.CfnWebACL.OrStatementProperty(statements=either)),
            visibility_config=_seen(names, "allowed"),
        )


def _rate(names: Names) -> waf.CfnWebACL.RuleProperty:
    limit = waf.CfnWebACL.RateBasedStatementProperty(aggregate_key_type="IP", limit=RATE)
    return waf.CfnWebACL.RuleProperty(
        name="rate",
        priority=0,
        action=waf.CfnWebACL.RuleActionProperty(block={}),
        statement=waf.CfnWebACL.StatementProperty(rate_based_statement=limit),
        visibility_config=_seen(names, "rate"),
    )


def _seen(names: Names, what: str) -> waf.CfnWebACL.VisibilityConfigProperty:
    return waf.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, sampled_requests_enabled=True, metric_name=f"{names.flock}-{what}"
    )
