"""A stand-in for ``kiro-cli acp``: its command line, capabilities and notifications as documented and captured, no model behind it.

Run as ``kiro-cli acp --agent-engine v2 --agent NAME [--model ID]``. The API key chooses the scene: ``ksk_works``, ``ksk_rate_limit``,
``ksk_spent``, ``ksk_fallback``, ``ksk_hangs``. It is stricter than a fake need be, because the real one is: it leaves without a word
where an http server entry has no list of headers, and goes on with another agent, saying so only in a notification, where its agent
file is missing or broken.
"""

import http.client
import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

SCENE = os.environ.get("KIRO_API_KEY", "").removeprefix("ksk_")
KNOWN_MODELS = ("", "auto", "claude-sonnet-5")
LIMIT = "The model you've selected is temporarily unavailable."


def say(message):
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def notify(method, **params):
    say({"method": f"_kiro.dev/{method}", "params": params})


def arguments(words):
    """Leaves as the third engine does where the engine is not named."""
    options = dict(zip(words[1::2], words[2::2], strict=False))
    if (
        words[:1] != ["acp"]
        or options.get("--agent-engine") != "v2"
        or set(options)
        - {
            "--agent-engine",
            "--agent",
            "--model",
        }
    ):
        sys.stderr.write("error: unexpected argument found\n")
        sys.exit(2)
    return options.get("--agent", "kiro_default"), options.get("--model", "")


class Session:
    """One session, and the one tool server it may reach."""

    def __init__(self, number, server, agent):
        self.id = f"391bfbd2-{number}"
        self.agent = agent
        parts = urlsplit(server["url"])
        self.path = parts.path
        self.headers = {h["name"]: h["value"] for h in server["headers"]}
        self.headers |= {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)

    def call(self, method, params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        self.connection.request("POST", self.path, body, self.headers)
        return json.loads(self.connection.getresponse().read())

    def tool(self, name, **given):
        return self.call("tools/call", {"name": name, "arguments": given})


class Kiro:
    def __init__(self, agent, model):
        self.agent = agent
        self.model = model
        self.sessions = {}
        self.opened = 0

    def loaded(self, session):
        """The agent's file; None, told by a notification, if it would run another agent instead."""
        file = Path.home() / ".kiro" / "agents" / f"{self.agent}.json"
        try:
            return json.loads(file.read_text())
        except FileNotFoundError:
            notify("agent/not_found", sessionId=session, requestedAgent=self.agent, fallbackAgent="kiro_default")
        except ValueError as error:
            notify("agent/config_error", sessionId=session, path=str(file), error=str(error))
        return None

    def new(self, request):
        if not os.environ.get("KIRO_API_KEY"):
            error = {"code": -32000, "message": "Authentication required"}
            return say({"id": request["id"], "error": error})
        self.opened += 1
        servers = [server for server in request["params"]["mcpServers"] if server.get("type") == "http"]
        if any(not isinstance(server.get("headers"), list) for server in servers):
            sys.exit(0)
        name = f"391bfbd2-{self.opened}"
        agent = self.loaded(name)
        if self.model not in KNOWN_MODELS:
            notify("model/not_found", sessionId=name, requestedModel=self.model, fallbackModel="auto")
        allowed = agent is not None and "@murmur" in agent["tools"] and "@murmur" in agent["allowedTools"]
        if servers and allowed:
            session = Session(self.opened, servers[0], agent)
            self.sessions[name] = session
            session.call("tools/list", {})
            notify("mcp/server_initialized", sessionId=name, serverName=servers[0]["name"])
        else:
            self.sessions[name] = None  # entries of other kinds are passed over in silence
        notify("commands/available", sessionId=name, commands=[], mcpServers=[], tools=[])
        modes = {"currentModeId": self.agent, "availableModes": [{"id": self.agent, "name": self.agent}]}
        return say({"id": request["id"], "result": {"sessionId": name, "modes": modes}})

    def prompt(self, request):
        name = request["params"]["sessionId"]
        session = self.sessions[name]
        if SCENE in ("rate_limit", "spent"):
            return self.limited(request, name)
        if SCENE == "hangs":
            notify("session/update", sessionId=name, update={"sessionUpdate": "tool_call_chunk", "toolCallId": "t"})
            while json.loads(sys.stdin.readline()).get("method") != "session/cancel":
                pass
            return say({"id": request["id"], "result": {"stopReason": "cancelled"}})
        if SCENE == "fallback":
            moved = {"sessionUpdate": "model_fallback", "from": "claude-sonnet-5", "to": "claude-haiku-4.5"}
            moved |= {"cause": "unavailable", "source": "user", "promoted": False}
            notify("session/update", sessionId=name, update=moved)
        if session is not None:
            facts = f"sessions={len(self.sessions)} model={self.model} json={session.agent['includeMcpJson']}"
            session.tool("broadcast", action="worked", result=facts, next_intent="rest")
        chunk = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "Done."}}
        say({"method": "session/update", "params": {"sessionId": name, "update": chunk}})
        notify("metadata", sessionId=name, contextUsagePercentage=6.1875)
        metered = [{"value": 0.0125, "unit": "credit", "unitPlural": "credits"}]
        notify("metadata", sessionId=name, meteringUsage=metered, turnDurationMs=1155)
        return say({"id": request["id"], "result": {"stopReason": "end_turn"}})

    def limited(self, request, name):
        """As captured: warnings of its own retries, the rate limit, and an error that says nothing."""
        for attempt, seconds in ((2, 3.0), (3, 5.0), (2, 9.0)):
            words = f"Retrying in {seconds:.0f}s (attempt {attempt}/3)"
            update = {"sessionUpdate": "retry_warning", "attempt": attempt, "maxAttempts": 3, "delaySecs": seconds}
            notify("session/update", sessionId=name, update={**update, "message": words})
        message = "The monthly usage limit has been reached" if SCENE == "spent" else LIMIT
        notify("error/rate_limit", sessionId=name, message=message)
        notify("metadata", sessionId=name, turnDurationMs=101455)
        say({"id": request["id"], "error": {"code": -32603, "message": "Internal error"}})

    def serve(self):
        capabilities = {"loadSession": True, "mcpCapabilities": {"http": True, "sse": False}}
        hello = {"protocolVersion": 1, "agentCapabilities": capabilities, "agentInfo": {"version": "2.28.0"}}
        for line in sys.stdin:
            request = json.loads(line)
            match request.get("method"):
                case "initialize":
                    say({"id": request["id"], "result": hello})
                case "session/new":
                    self.new(request)
                case "session/prompt":
                    self.prompt(request)
                case "_kiro.dev/session/terminate":
                    del self.sessions[request["params"]["sessionId"]]
                    say({"id": request["id"], "result": {}})
                case _ if "id" in request:
                    say({"id": request["id"], "error": {"code": -32601, "message": "Method not found"}})


if __name__ == "__main__":
    Kiro(*arguments(sys.argv[1:])).serve()
