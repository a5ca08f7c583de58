"""Watching the flock: one CloudWatch dashboard, and the alarms that mail whoever operates it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk.names import NAMESPACE, Names
from cdk.parameters import Parameters

_FIVE: Final = Duration.minutes(5)
_MORE: Final = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
_IGNORE: Final = cloudwatch.TreatMissingData.NOT_BREACHING


class Watch(Construct):
    """Alarms go to one topic; the e-mail of the parameters is subscribed to it."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        names: Names,
        parameters: Parameters,
        functions: Mapping[str, lambda_.Function],
        queues: Mapping[str, sqs.Queue],
    ) -> None:
        super().__init__(scope, id_)
        self._names = names
        self.topic = self._topic(parameters.email)
        self._alarms(functions, queues)
        self._alarm(
            "spend",
            self.metric("EstimatedDollarsPerHour", "Maximum"),
            parameters.spend_alarm,
            "The flock costs more an hour than was agreed. `murmur stop` ends it.",
        )
        self._dashboard(functions, queues)

    def metric(self, name: str, statistic: str, period: Duration = _FIVE) -> cloudwatch.Metric:
        """One of the flock's own metrics."""
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=name,
            dimensions_map={"Flock": self._names.flock},
            statistic=statistic,
            period=period,
        )

    def _topic(self, email: str) -> sns.Topic:
        names = self._names
        topic = sns.Topic(self, "Alarms", topic_name=f"{names.flock}-alarms", enforce_ssl=True)
        # A policy of its own (enforce_ssl) takes the place of the one by which alarms may publish to a topic of their account.
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="Alarms",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={
                    "StringEquals": {"aws:SourceAccount": names.account},
                    "ArnLike": {"aws:SourceArn": names.arn("cloudwatch", f"alarm:{names.flock}-*")},
                },
            )
        )
        if email:
            topic.add_subscription(subscriptions.EmailSubscription(email))
        return topic

    def _alarms(self, functions: Mapping[str, lambda_.Function], queues: Mapping[str, sqs.Queue]) -> None:
        for name, function in functions.items():
            self._alarm(
                f"{name}-errors",
                function.metric_errors(period=_FIVE),
                0,
                f"The function {name} failed. Look at its log.",
            )
        for name, queue in queues.items():
            depth = queue.metric_approximate_number_of_messages_visible(period=_FIVE, statistic="Maximum")
            self._alarm(
                f"{name}-letters",
                depth,
                0,
                f"Messages lie in {name}: they could not be handled. `murmur queues` shows them.",
            )
        self._alarm("rescues", self.metric("Rescues", "Sum"), 5, "Agents found by looking what no event had told them.")
        missing = self.metric("AgentsMissing", "Maximum", Duration.minutes(1))
        self._alarm(
            "agents-missing", missing, 0, "Agents of the run have no instance. `murmur status` says which.", periods=5
        )

    def _alarm(self, name: str, metric: cloudwatch.IMetric, threshold: float, words: str, *, periods: int = 1) -> None:
        alarm = cloudwatch.Alarm(
            self,
            name.title().replace("-", ""),
            alarm_name=f"{self._names.flock}-{name}",
            alarm_description=words,
            metric=metric,
            threshold=threshold,
            comparison_operator=_MORE,
            evaluation_periods=periods,
            treat_missing_data=_IGNORE,
        )
        alarm.add_alarm_action(actions.SnsAction(self.topic))

    def _dashboard(self, functions: Mapping[str, lambda_.Function], queues: Mapping[str, sqs.Queue]) -> None:
        minute = Duration.minutes(1)
        board = cloudwatch.Dashboard(
            self, "Dashboard", dashboard_name=self._names.flock, default_interval=Duration.hours(3)
        )
        latency = [
            self.metric("WakeLatency", quantile, minute).with_(label=quantile) for quantile in ("p50", "p95", "p99")
        ]
        counts = [self.metric(name, "Sum", minute) for name in ("Wakes", "Gated", "Turns", "Rescues")]
        hosts = [self.metric(name, "Maximum", minute) for name in ("AgentsExpected", "AgentsMissing")]
        errors = [one.metric_errors(period=_FIVE, label=name) for name, one in functions.items()]
        times = [one.metric_duration(period=_FIVE, statistic="p95", label=name) for name, one in functions.items()]
        depths = [
            one.metric_approximate_number_of_messages_visible(period=_FIVE, label=name) for name, one in queues.items()
        ]
        spend = self.metric("EstimatedDollarsPerHour", "Maximum", minute)
        for row in (
            (
                ("Wake latency: a neighbour's append to this turn's start, ms", latency),
                ("Wakes, and what came of them", counts),
            ),
            (("Agents", hosts), ("Estimated dollars an hour", [spend])),
            (("Functions: errors", errors), ("Functions: p95, ms", times), ("Letters nobody took", depths)),
        ):
            board.add_widgets(
                *(
                    cloudwatch.GraphWidget(title=title, left=list(left), width=24 // len(row), height=6)
                    for title, left in row
                )
            )
