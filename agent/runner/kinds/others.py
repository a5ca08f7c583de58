"""Agents from elsewhere, with the settings they were found to need (docs/reference/runners.md says which were tried).

Each is told to send no telemetry, to update nothing, and, where it can be told so, to offer its model no tools but the flock's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from agent.runner.profile import RunnerProfile

CLAUDE: Final = RunnerProfile(
    "claude",
    ("claude-agent-acp",),
    {
        "ENABLE_TOOL_SEARCH": "false",  # with it the model has to look for our tools before it may call them
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "3",  # by itself it is silent for minutes; the back-off of the loop can be seen
        "DISABLE_AUTOUPDATER": "1",
        "DISABLE_ERROR_REPORTING": "1",
        "DISABLE_TELEMETRY": "1",
        "NO_BROWSER": "1",
    },
    passes=("ANTHROPIC_BASE_URL",),
    keys=("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"),
    sign_in=(".claude/.credentials.json",),
    model_environment={"ANTHROPIC_MODEL": "{model}"},
    session_meta={
        "claudeCode": {
            "options": {
                "tools": [],
                "settingSources": [],
                "strictMcpConfig": True,
                # Otherwise every new session costs two more calls, for a title and for what to say next.
                "title": "A turn",
                "promptSuggestions": False,
            }
        }
    },
    # In its mode "auto" a classifier judges every call of our tools.
    session_setup=(("session/set_mode", {"modeId": "default"}),),
    about="Claude Code, through its ACP adapter",
    remedy="npm install -g @agentclientprotocol/claude-agent-acp (node 22 or newer)",
)

_CODEX_WITHOUT: Final = (
    "apps",
    "browser_use",
    "computer_use",
    "goals",
    "hooks",
    "image_generation",
    "in_app_browser",
    "memories",
    "multi_agent",
    "plugins",
    "shell_snapshot",
    "shell_tool",
    "skill_mcp_dependency_install",
    "skill_search",
    "sleep_tool",
    "tool_suggest",
)
_CODEX_SETTINGS: Final = "\n".join(
    (
        "model = '{model}'",
        "check_for_update_on_startup = false",
        "web_search = 'disabled'",
        "[analytics]\nenabled = false",
        "[history]\npersistence = 'none'",
        "[features]",
        *(f"{name} = false" for name in _CODEX_WITHOUT),
        "",
    )
)


def _is_tool_of_ours(asked: Mapping[str, Any]) -> bool:
    """Whether codex asks about a call of an MCP tool; there is no server but ours."""
    meta = asked.get("_meta")
    return isinstance(meta, Mapping) and meta.get("is_mcp_tool_approval") is True


CODEX: Final = RunnerProfile(
    "codex",
    ("codex-acp",),
    {
        # It then asks before each call of our tools, and before anything that is not reading. In the mode "agent" a second
        # model judges every call instead, at a price of several calls each.
        "INITIAL_AGENT_MODE": "read-only",
        "DEFAULT_AUTH_REQUEST": json.dumps({"methodId": "api-key"}),
        "NO_BROWSER": "1",
    },
    passes=("CODEX_CONFIG", "MODEL_PROVIDER"),
    keys=("CODEX_API_KEY", "OPENAI_API_KEY"),
    sign_in=(".codex/auth.json",),
    home_files={".codex/config.toml": _CODEX_SETTINGS},
    allows=_is_tool_of_ours,
    model_environment={},
    about="OpenAI Codex, through its ACP adapter",
    remedy="npm install -g @agentclientprotocol/codex-acp",
)

_TOOLS_OF_GEMINI: Final = (
    "activate_skill",
    "ask_user",
    "enter_plan_mode",
    "exit_plan_mode",
    "glob",
    "google_web_search",
    "grep_search",
    "invoke_agent",
    "list_background_processes",
    "list_directory",
    "read_background_output",
    "read_file",
    "read_many_files",
    "replace",
    "run_shell_command",
    "save_memory",
    "update_topic",
    "web_fetch",
    "write_file",
    "write_todos",
)
GEMINI: Final = RunnerProfile(
    "gemini",
    ("gemini", "--acp", "--skip-trust"),
    passes=("GOOGLE_GEMINI_BASE_URL",),
    keys=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
    home_files={
        ".gemini/settings.json": json.dumps(
            {
                "security": {"auth": {"selectedType": "gemini-api-key"}},
                "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False, "maxAttempts": 3},
                "privacy": {"usageStatisticsEnabled": False},
                "telemetry": {"enabled": False},
                "tools": {"exclude": list(_TOOLS_OF_GEMINI)},
            },
            indent=2,
        )
    },
    model_arguments=("--model", "{model}"),
    model_environment={},
    about="Gemini CLI",
    remedy="npm install -g @google/gemini-cli (node 20 or newer)",
)

GOOSE: Final = RunnerProfile(
    "goose",
    ("goose", "acp"),
    {"GOOSE_MODE": "auto", "GOOSE_DISABLE_KEYRING": "1", "GOOSE_TELEMETRY_ENABLED": "false"},
    passes=("ANTHROPIC_HOST", "GOOSE_PROVIDER", "OLLAMA_HOST", "OPENAI_BASE_PATH", "OPENAI_HOST"),
    keys=("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "OPENROUTER_API_KEY"),
    sign_in=(".config/goose/config.yaml", ".config/goose/secrets.yaml"),
    model_environment={"GOOSE_MODEL": "{model}"},
    about="goose; GOOSE_PROVIDER names the provider",
    remedy="https://github.com/block/goose: its release, as the command goose",
)

_TOOLS_OF_OPENCODE: Final = (
    "bash",
    "edit",
    "glob",
    "grep",
    "list",
    "patch",
    "question",
    "read",
    "skill",
    "task",
    "todoread",
    "todowrite",
    "webfetch",
    "websearch",
    "write",
)
_OPENCODE_SETTINGS: Final = {
    "autoupdate": False,
    "share": "disabled",
    # Every session of ours is new: without this each costs a second call, to find it a title.
    "agent": {"title": {"disable": True}},
    "tools": dict.fromkeys(_TOOLS_OF_OPENCODE, False),
}
OPENCODE: Final = RunnerProfile(
    "opencode",
    ("opencode", "acp"),
    {
        "OPENCODE_DISABLE_AUTOUPDATE": "1",
        "OPENCODE_DISABLE_CLAUDE_CODE": "1",
        "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
        "OPENCODE_DISABLE_PROJECT_CONFIG": "1",
        "OPENCODE_DISABLE_SHARE": "1",
        "OPENCODE_CONFIG_CONTENT": json.dumps(_OPENCODE_SETTINGS),
        # It would install a package from the npm registry into every agent's HOME; it needs it for plugins only.
        "npm_config_offline": "true",
    },
    passes=("OPENCODE_CONFIG", "OPENCODE_DISABLE_MODELS_FETCH"),
    keys=("OPENCODE_API_KEY", "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "OPENROUTER_API_KEY", "GEMINI_API_KEY"),
    sign_in=(".local/share/opencode/auth.json",),
    model_environment={"OPENCODE_CONFIG_CONTENT": json.dumps({**_OPENCODE_SETTINGS, "model": "{model}"})},
    about="opencode; model as provider/model",
    remedy="npm install -g opencode-ai",
)
