"""The stack: the constructs, in the order in which they need each other."""

from __future__ import annotations

import json
from typing import Any, Final

from aws_cdk import Aws, CfnOutput, Stack, Tags
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk.agents import Agents, bundle_key
from cdk.api import api_function
from cdk.auth import Auth
from cdk.fabric import Fabric
from cdk.firewall import Firewall
from cdk.headers import content_security_policy
from cdk.instance.user_data import user_data
from cdk.lifecycle import Lifecycle
from cdk.live import Live
from cdk.names import PROJECT, Names
from cdk.network import Network
from cdk.parameters import Parameters
from cdk.rest import Rest
from cdk.store import Store
from cdk.watch import Watch

_DAYS: Final = logs.RetentionDays
RETENTION: Final = {
    1: _DAYS.ONE_DAY,
    3: _DAYS.THREE_DAYS,
    5: _DAYS.FIVE_DAYS,
    7: _DAYS.ONE_WEEK,
    14: _DAYS.TWO_WEEKS,
    30: _DAYS.ONE_MONTH,
    60: _DAYS.TWO_MONTHS,
    90: _DAYS.THREE_MONTHS,
    180: _DAYS.SIX_MONTHS,
    365: _DAYS.ONE_YEAR,
}


class FlockStack(Stack):
    """Everything of one flock on AWS. Outputs are what `murmur deploy` needs afterwards."""

    def __init__(self, scope: Construct, id_: str, *, parameters: Parameters, **more: Any) -> None:
        super().__init__(scope, id_, description=f"Murmur: the flock {parameters.flock}", **more)
        names = Names(parameters.flock, Aws.PARTITION, Aws.REGION, Aws.ACCOUNT_ID, parameters.concurrency_cap)
        retention = RETENTION[parameters.log_days]
        Tags.of(self).add("Project", PROJECT)
        Tags.of(self).add("Flock", parameters.flock)

        store = Store(self, "Store", names=names, history_days=parameters.history_days)
        fabric = Fabric(self, "Fabric", names=names, bucket=store.bucket.bucket_name)
        network = Network(self, "Network", names=names)
        agents = Agents(
            self,
            "Agents",
            names=names,
            parameters=parameters,
            network=network,
            retention=retention,
            user_data=_user_data(names, parameters),
        )
        environment = {**_settings(names, parameters), "MURMUR_BUCKET": store.bucket.bucket_name}
        lifecycle = Lifecycle(
            self,
            "Lifecycle",
            names=names,
            environment=environment,
            agents=agents,
            network=network,
            undelivered=fabric.undelivered,
            spot=parameters.spot,
            retention=retention,
        )
        live = Live(self, "Live", names=names, environment=environment, changes=fabric.changes, retention=retention)
        rest = Rest(self, "Rest", names=names, retention=retention, account_logging=parameters.account_logging)
        if rest.log_role is not None:
            live.stage.node.add_dependency(rest.log_role)
        auth = Auth(self, "Auth", names=names, email=parameters.email, page=rest.page)
        api = api_function(
            rest,
            names=names,
            environment={**environment, "MURMUR_CONNECTIONS_TABLE": live.table.table_name},
            table=live.table.table_arn,
            retention=retention,
        )
        rest.open(
            function=api,
            pool=auth.pool,
            settings=json.dumps({"live": live.url, "auth": auth.settings(), "aws": True}),
            policy=content_security_policy(live.origin, auth.origin),
        )
        firewall = Firewall(self, "Firewall", names=names, parameters=parameters)
        firewall.guard(rest.api.deployment_stage.stage_arn)
        functions = {"api": api, "lifecycle": lifecycle.function, **{f"live-{k}": f for k, f in live.functions.items()}}
        queues = {"dead": fabric.dead, "undelivered": fabric.undelivered}
        Watch(self, "Watch", names=names, parameters=parameters, functions=functions, queues=queues)
        self._tell(
            Url=rest.page,
            Bucket=store.bucket.bucket_name,
            UserPool=auth.pool.user_pool_id,
            Client=auth.client.user_pool_client_id,
            Login=auth.origin,
            LiveUrl=live.url,
            ApiKeyParameter=names.api_key,
            LifecycleFunction=names.function("lifecycle"),
            LaunchTemplate=agents.template.ref,
            IpSetV4=firewall.sets[0].attr_id,
            IpSetV6=firewall.sets[1].attr_id,
        )

    def _tell(self, **outputs: str) -> None:
        for name, value in outputs.items():
            CfnOutput(self, name, value=value)


def _settings(names: Names, parameters: Parameters) -> dict[str, str]:
    """What every function is told by its environment (murmur/settings.py), beside the bucket."""
    return {
        "MURMUR_FLOCK": parameters.flock,
        "MURMUR_BUS": names.bus,
        "MURMUR_RUNNERS": ",".join(parameters.runners),
        "MURMUR_CONCURRENCY_CAP": str(parameters.concurrency_cap),
        "MURMUR_PROJECT": PROJECT,
    }


def _user_data(names: Names, parameters: Parameters) -> str:
    custom = {"MURMUR_CUSTOM_COMMAND": parameters.custom_command, "MURMUR_CUSTOM_PASSES": parameters.key_variable}
    return user_data(
        region=names.region,
        bucket=names.bucket,
        flock=names.flock,
        bus=names.bus,
        bundle_key=bundle_key(parameters.bundle_sha256),
        bundle_sha256=parameters.bundle_sha256,
        runners=parameters.runners,
        concurrency_cap=parameters.concurrency_cap,
        log_group=names.agent_logs,
        key_parameter=names.api_key,
        key_variable=parameters.key_variable,
        more={"MURMUR_EMF": "1", **(custom if parameters.custom_command else {})},
    )
