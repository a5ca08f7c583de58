"""A small ACP agent without any library, that misbehaves as told: ``python agent.py BEHAVIOUR``."""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import obedient

BEHAVIOUR = sys.argv[1]
SPAWNED = Path(os.environ["HOME"]) / "spawned"


def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def raw(text):
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def answer(request, result):
    say({"jsonrpc": "2.0", "id": request["id"], "result": result})


def refuse(request, code, message, data=None):
    say({"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": message, "data": data}})


def speak(text):
    update = {"sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": text}}
    say({"jsonrpc": "2.0", "method": "session/update", "params": {"sessionId": "s", "update": update}})


def hear():
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    return json.loads(line)


class Http:
    def __init__(self, server):
        parts = urlsplit(server["url"])
        self.path = parts.path
        self.headers = {h["name"]: h["value"] for h in server["headers"]}
        self.headers |= {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=20)

    def call(self, method, params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        self.connection.request("POST", self.path, body, self.headers)
        return json.loads(self.connection.getresponse().read())

    def close(self):
        self.connection.close()


class Stdio:
    def __init__(self, server):
        environment = {**os.environ, **{v["name"]: v["value"] for v in server["env"]}}
        self.process = subprocess.Popen(
            [server["command"], *server["args"]],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def call(self, method, params):
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


def connect(server):
    return Http(server) if "url" in server else Stdio(server)


def broadcast(tools, action="worked"):
    said = {"action": action, "result": str(Path.cwd()), "next_intent": "rest"}
    return tools.call("tools/call", {"name": "broadcast", "arguments": said})


def grandchild():
    child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    SPAWNED.write_text(str(child.pid))


def turn(prompt, tools):
    """What happens between the prompt and its answer; returns the answer's result."""
    match BEHAVIOUR:
        case "lists_late":
            tools.call("tools/list", {})
        case "no_tools":
            speak("I wrote output/result.md and told everybody.")
            return {"stopReason": "end_turn"}
        case "two_broadcasts":
            broadcast(tools)
            broadcast(tools, "worked again")
            return {"stopReason": "end_turn"}
        case "cut_short":
            broadcast(tools)
            return {"stopReason": "max_tokens"}
        case "cut_short_silent":
            return {"stopReason": "max_turn_requests"}
        case "limit_with_retries":
            retry = {"sessionUpdate": "retry_warning", "message": "trying again (2/3)", "delaySecs": 9.0}
            say({"jsonrpc": "2.0", "method": "_kiro.dev/session/update", "params": {"update": retry}})
            params = {"message": "slow down, please"}
            say({"jsonrpc": "2.0", "method": "_kiro.dev/error/rate_limit", "params": params})
            refuse(prompt, -32603, "Internal error")
            return None
        case "sign_in_as_text":
            speak("API Error: 401 Invalid API key " + os.environ.get("SECRET_KEY", ""))
            return {"stopReason": "end_turn"}
        case "exits_quietly":
            os._exit(0)
        case "claims_falsely":
            broadcast(tools, "wrote output/never.md and output/old.md.")
            return {"stopReason": "end_turn"}
        case "obedient":
            obedient.obey(prompt["params"]["prompt"][0]["text"], tools)
            return {"stopReason": "end_turn"}
        case "works":
            write = {"path": "output/new.md", "content": "x", "mode": "create"}
            tools.call("tools/call", {"name": "fs_write", "arguments": write})
            broadcast(tools, "wrote output/new.md")
            return {"stopReason": "end_turn"}
        case "no_broadcast":
            speak("I am done, I think.")
            return {"stopReason": "end_turn"}
        case "limit_as_text":
            speak("API Error: 429 Too Many Requests")
            return {"stopReason": "end_turn"}
        case "unknown_stop":
            return {"stopReason": "because"}
        case "refusal":
            return {"stopReason": "refusal"}
        case "not_an_object":
            return 7
        case "exits":
            sys.stderr.write("out of cheese\nkey=" + os.environ.get("SECRET_KEY", "") + "\n")
            sys.stderr.flush()
            os._exit(3)
        case "answers_and_exits":
            broadcast(tools)
            answer(prompt, {"stopReason": "end_turn"})
            os._exit(0)
        case "grandchild_holds_stdout":
            grandchild()
            os._exit(4)
        case "stderr_flood":
            for _ in range(400):
                sys.stderr.write("x" * 5000 + "\n")
        case "long_line":
            speak("y" * 20_000_000)
        case "endless_line":
            for _ in range(400):
                sys.stdout.write("z" * 10_000)
            sys.stdout.flush()
            time.sleep(60)
        case "garbage":
            raw("Welcome to the agent!")
            raw("{not json")
            raw('{"id": [1], "result": 1}')
        case "garbage_flood":
            for _ in range(2000):
                raw("blah")
            time.sleep(60)
        case "scalar":
            raw("42")
            time.sleep(60)
        case "deep":
            raw("[" * 100_000)
        case "null_error":
            say({"jsonrpc": "2.0", "id": prompt["id"], "error": "no"})
            return None
        case "closes_stdout":
            os.close(1)
            time.sleep(60)
        case "request_flood":
            for n in range(1000):
                say({"jsonrpc": "2.0", "id": n, "method": "fs/read_text_file", "params": {}})
            time.sleep(60)
        case "hangs":
            while True:
                if hear().get("method") == "session/cancel":
                    return {"stopReason": "cancelled"}
        case "ignores_cancel":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            grandchild()
            time.sleep(60)
        case "chatters":
            while True:
                speak("still at it")
                time.sleep(0.05)
        case "rate_limit":
            refuse(prompt, -32603, "Internal error", {"message": "rate limit", "retryAfter": 12})
            return None
        case "asks":
            options = [
                {"optionId": "no", "kind": "reject_once", "name": "No"},
                {"optionId": "ever", "kind": "allow_always", "name": "Always"},
                {"optionId": "yes", "kind": "allow_once", "name": "Yes"},
            ]
            params = {"sessionId": "s", "toolCall": {"toolCallId": "t"}, "options": options}
            say({"jsonrpc": "2.0", "id": 100, "method": "session/request_permission", "params": params})
            permission = hear()
            say({"jsonrpc": "2.0", "id": 101, "method": "terminal/create", "params": {}})
            terminal = hear()
            said = f"{permission['result']['outcome']['optionId']} {terminal['error']['code']}"
            broadcast(tools, said)
            return {"stopReason": "end_turn"}
        case "costs":
            update = {"sessionUpdate": "usage_update", "used": 1, "size": 2, "cost": {"amount": 0.5, "currency": "USD"}}
            say({"jsonrpc": "2.0", "method": "session/update", "params": {"sessionId": "s", "update": update}})
            broadcast(tools)
            usage = {"inputTokens": 11, "outputTokens": 7, "totalTokens": 18}
            return {"stopReason": "end_turn", "usage": usage}
        case "tells_mode":
            broadcast(tools, Path("mode").read_text())
            return {"stopReason": "end_turn"}
        case "tells_pid":
            broadcast(tools, str(os.getpid()))
            return {"stopReason": "end_turn"}
        case "environment":
            broadcast(tools, " ".join(sorted(os.environ)))
            return {"stopReason": "end_turn"}
    broadcast(tools)
    return {"stopReason": "end_turn"}


def main():
    if BEHAVIOUR == "exits_at_start":
        sys.exit(0)
    if BEHAVIOUR == "dies_at_once":
        sys.stderr.write("ImportError: no module named brain\n")
        sys.exit(1)
    if BEHAVIOUR == "never_reads":
        time.sleep(60)
    tools = None
    while True:
        message = hear()
        method = message.get("method")
        if method == "initialize":
            http_too = BEHAVIOUR != "stdio_only"
            answer(
                message,
                {
                    "protocolVersion": 9 if BEHAVIOUR == "wrong_version" else 1,
                    "agentCapabilities": {"mcpCapabilities": {"http": http_too}, "sessionCapabilities": {"close": {}}},
                },
            )
        elif method == "session/new":
            if BEHAVIOUR == "session_hangs":
                time.sleep(60)
            if BEHAVIOUR == "exits_at_session":
                sys.exit(0)
            if BEHAVIOUR == "not_signed_in":
                refuse(message, -32000, "Authentication required")
                continue
            assert not list(Path(message["params"]["cwd"]).iterdir())
            os.chdir(message["params"]["cwd"])
            Path("left-over").write_text("x")
            tools = connect(message["params"]["mcpServers"][0])
            if BEHAVIOUR not in ("no_tools", "lists_late"):
                tools.call(
                    "initialize",
                    {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
                )
                tools.call("tools/list", {})
            answer(message, {"sessionId": "s"})
        elif method == "session/prompt":
            result = turn(message, tools)
            if result is not None:
                answer(message, result)
        elif method == "session/set_mode":
            Path("mode").write_text(message["params"]["modeId"])
            answer(message, {})
        elif method == "session/refuse_me":
            refuse(message, -32601, "Method not found")
        elif method == "session/close":
            tools.close()
            os.chdir("/")
            answer(message, {})


main()
