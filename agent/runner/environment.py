"""What an agent process sees of the host's environment: a short list, and never AWS credentials."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from agent.runner.profile import RunnerProfile

_HANDED_ON: Final = frozenset(
    {
        "LANG",
        "LANGUAGE",
        "LC_ALL",
        "LC_CTYPE",
        "LOGNAME",
        "NODE_EXTRA_CA_CERTS",
        "PATH",
        "REQUESTS_CA_BUNDLE",
        "SHELL",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TERM",
        "TMPDIR",
        "TZ",
        "USER",
    }
)
_PROXIES: Final = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"})
_LOOPBACK: Final = "127.0.0.1,localhost"


def agent_environment(
    host: Mapping[str, str], profile: RunnerProfile, home: Path, additions: Mapping[str, str], model: str = ""
) -> dict[str, str]:
    """The environment of an agent process, whose HOME is ``home``.

    ``additions`` win over the profile's, which win over what is handed on. Names that begin with AWS_ are left out
    wherever they come from: the bucket is reached through the tools only.
    """
    given = {name: value for name, value in host.items() if name in _HANDED_ON or name in profile.handed_on}
    proxies = {name: value for name, value in host.items() if name in _PROXIES}
    if proxies:
        # The tool server is on this machine: no proxy may stand between.
        bypass = ",".join(part for part in (host.get("NO_PROXY", host.get("no_proxy", "")), _LOOPBACK) if part)
        proxies |= {"NO_PROXY": bypass, "no_proxy": bypass}
    merged = {**given, **proxies, **profile.variables(model), **additions, "HOME": str(home)}
    return {name: value for name, value in merged.items() if not name.upper().startswith("AWS_")}
