"""How things are called in the account, so that constructs, permissions and tests agree. Nothing else spells a name or an ARN."""

from __future__ import annotations

from dataclasses import dataclass

from murmur.aws.policy import dead_letters
from murmur.settings import Settings

PROJECT = "murmur"
NAMESPACE = "Murmur"
"""Of the flock's own CloudWatch metrics."""
_RUN = "2???????T??????Z"
"""A run's name (its UTC start) as an IAM pattern. It keeps the flock ``a`` out of the flock ``a-b``: no flock's name has an upper-case T."""


@dataclass(frozen=True, slots=True)
class Names:
    """Names and ARNs of one flock. ``account``, ``region`` and ``partition`` may be CDK tokens."""

    flock: str
    partition: str
    region: str
    account: str
    agents: int = 1
    """How many there may be at once."""

    @property
    def bucket(self) -> str:
        """The flock's bucket. Fixed, so that a later deployment finds an earlier one's results."""
        return f"{self.flock}-{self.account}-{self.region}"

    @property
    def access_logs(self) -> str:
        """The bucket that takes the access logs."""
        return f"{self.bucket}-access"

    @property
    def buses(self) -> tuple[str, ...]:
        """The flock's own event buses: one, unless the flock may have more agents than a bus takes rules."""
        return Settings.buses_for(self.bus, self.agents)

    @property
    def bus(self) -> str:
        """The flock's own event bus."""
        return self.flock

    @property
    def changes(self) -> str:
        """Queue and rule through which dashboards hear of changes."""
        return f"{self.flock}-changes"

    @property
    def wakes(self) -> str:
        """The rule that forwards wakes to the flock's own bus."""
        return f"{self.flock}-wakes"

    @property
    def dead(self) -> str:
        """Messages that agents or the live view gave up."""
        return dead_letters(self.flock)

    @property
    def undelivered(self) -> str:
        """Events that a rule, or an asynchronous invocation, could not hand over."""
        return f"{self.flock}-undelivered"

    @property
    def agent_logs(self) -> str:
        """Log group of the instances."""
        return f"/murmur/{self.flock}/agents"

    @property
    def api_key(self) -> str:
        """SSM parameter that holds the model's API key."""
        return f"/murmur/{self.flock}/api-key"

    @property
    def login(self) -> str:
        """Domain prefix of the sign-in page."""
        return f"{self.flock}-{self.account}"

    def function(self, name: str) -> str:
        """Name of a Lambda function."""
        return f"{self.flock}-{name}"

    def arn(self, service: str, resource: str) -> str:
        """ARN of something in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def objects(self, *patterns: str) -> list[str]:
        """ARNs of objects in the flock's bucket."""
        return [f"arn:{self.partition}:s3:::{self.bucket}/{pattern}" for pattern in patterns]

    @property
    def bucket_arn(self) -> str:
        """ARN of the flock's bucket."""
        return f"arn:{self.partition}:s3:::{self.bucket}"

    @property
    def agent_queues(self) -> str:
        """ARN pattern of the readers' queues, of any run."""
        return self.arn("sqs", f"{self.flock}-{_RUN}-agent-*")

    @property
    def agent_rules(self) -> list[str]:
        """ARN patterns of the readers' rules on the flock's own buses, of any run."""
        return [self.arn("events", f"rule/{bus}/{self.flock}-{_RUN}-agent-*") for bus in self.buses]
