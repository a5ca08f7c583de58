"""A function's traces: what reaches X-Ray's daemon when a wrapped handler runs as it does in Lambda."""

import json
import os
import socket
import subprocess
import sys

HANDLER = """
from types import SimpleNamespace
from murmur.aws.telemetry import Telemetry
def handler(event, context):
    if event.get("fails"):
        raise ValueError("it broke")
    return {"answer": "not for traces"}
told = Telemetry().wrap(handler, lambda event: "c-1")
context = SimpleNamespace(aws_request_id="r-1", function_name="f", memory_limit_in_mb=128, invoked_function_arn="a")
print(told({}, context))
try:
    told({"fails": True}, context)
except ValueError:
    print("failed")
"""


def run_traced(daemon: socket.socket) -> str:
    host, port = daemon.getsockname()
    environment = {
        **os.environ,
        "AWS_XRAY_DAEMON_ADDRESS": f"{host}:{port}",
        "LAMBDA_TASK_ROOT": "/var/task",
        "_X_AMZN_TRACE_ID": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
        "POWERTOOLS_SERVICE_NAME": "murmur-api",
    }
    done = subprocess.run(
        [sys.executable, "-c", HANDLER], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_handler_s_work_is_a_subsegment_of_lambda_s_own_trace_and_says_if_it_failed():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        daemon.settimeout(10)
        out = run_traced(daemon)
        served, failed = (json.loads(daemon.recv(65536).decode().partition("\n")[2]) for _ in range(2))
    assert "not for traces" in out
    assert "failed" in out
    assert served["trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"
    assert served["parent_id"] == "53995c3f42cd8ad8"
    assert served["annotations"]["Service"] == "murmur-api"
    assert "not for traces" not in json.dumps(served)
    assert failed["fault"] is True
