"""Who may sign in: a Cognito user pool without self-registration, and the one client, which can only do code grant with PKCE."""

from __future__ import annotations

from typing import Final

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from cdk.names import Names

CLI_CALLBACK: Final = "http://localhost:8976/callback"
"""Where `murmur login` waits for the code."""


class Auth(Construct):
    """The API takes the pool's ID tokens: whoever is a user of the pool operates the flock, so there is nothing for scopes to tell apart."""

    def __init__(self, scope: Construct, id_: str, *, names: Names, email: str, page: str) -> None:
        """``page`` is the dashboard's own URL, to which the sign-in page returns."""
        super().__init__(scope, id_)
        self.pool = self._pool(names.flock)
        self.client = self._client(page)
        self.domain = self.pool.add_domain(
            "Login", cognito_domain=cognito.CognitoDomainOptions(domain_prefix=names.login)
        )
        if email:
            self._first_user(email)

    def _pool(self, name: str) -> cognito.UserPool:
        return cognito.UserPool(
            self,
            "Pool",
            user_pool_name=name,
            self_sign_up_enabled=False,
            sign_in_aliases=cognito.SignInAliases(email=True),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            mfa=cognito.Mfa.OPTIONAL,
            mfa_second_factor=cognito.MfaSecondFactor(otp=True, sms=False),
            password_policy=cognito.PasswordPolicy(
                min_length=14,
                require_lowercase=True,
                require_uppercase=True,
                require_digits=True,
                require_symbols=True,
                temp_password_validity=Duration.days(3),
            ),
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _client(self, page: str) -> cognito.UserPoolClient:
        client = self.pool.add_client(
            "Client",
            generate_secret=False,  # a browser and a command keep none; PKCE takes its place
            o_auth=cognito.OAuthSettings(
                flows=cognito.OAuthFlows(
                    authorization_code_grant=True, implicit_code_grant=False, client_credentials=False
                ),
                scopes=[cognito.OAuthScope.OPENID],
                callback_urls=[page, CLI_CALLBACK],
                logout_urls=[page],
            ),
            supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO],
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
            access_token_validity=Duration.minutes(60),
            id_token_validity=Duration.minutes(60),
            refresh_token_validity=Duration.hours(12),
        )
        inner = client.node.default_child
        assert isinstance(inner, cognito.CfnUserPoolClient)  # noqa: S101 - for the type checker; CDK says so
        inner.explicit_auth_flows = [
            "ALLOW_REFRESH_TOKEN_AUTH"
        ]  # left out, it would mean password sign-in from anywhere, too
        return client

    def _first_user(self, email: str) -> None:
        attribute = cognito.CfnUserPoolUser.AttributeTypeProperty
        cognito.CfnUserPoolUser(
            self,
            "FirstUser",
            user_pool_id=self.pool.user_pool_id,
            username=email,
            desired_delivery_mediums=["EMAIL"],
            user_attributes=[attribute(name="email", value=email), attribute(name="email_verified", value="true")],
        )

    @property
    def origin(self) -> str:
        """The sign-in page's origin."""
        return self.domain.base_url()

    def settings(self) -> dict[str, str]:
        """What the page and the command must know to sign in."""
        return {
            "authorize": f"{self.origin}/oauth2/authorize",
            "token": f"{self.origin}/oauth2/token",
            "logout": f"{self.origin}/logout",
            "client": self.client.user_pool_client_id,
            "scope": "openid",
        }
