"""How fast the API answers on a workspace with scores: one server process, one client, over loopback.

    python bench/bench_api.py [--workspace DIR] [--requests N]

Prints a table and writes bench/results/api.json. Each latency is of one whole HTTP request as the client sees it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import random
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

RESULTS = Path(__file__).parent / "results" / "api.json"
#: Bars for the 95th percentile; the others are for the record.
TARGETS_MS = {
    "customer": 10,
    "churn risk": 10,
    "neighbourhood, depth 2": 50,
    "the same customers again": 50,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", default="habitue-workspace")
    parser.add_argument("--requests", type=int, default=400)
    options = parser.parse_args()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "habitue", "serve", "--port", str(port), "--workspace", options.workspace]
    environment = {key: value for key, value in os.environ.items() if key != "HABITUE_API_KEY"}
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        started = time.perf_counter()
        wait_for(port, server)
        seconds = round(time.perf_counter() - started, 2)
        result: dict[str, Any] = {**measure(port, options.requests), "seconds_until_ready": seconds}
    finally:
        server.terminate()
        server.wait()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(f"{'request':<26}{'p50 ms':>10}{'p95 ms':>10}{'p99 ms':>10}{'bar p95':>10}")
    for name, row in result["latency_ms"].items():
        bar = TARGETS_MS.get(name)
        print(f"{name:<26}{row['p50']:>10.2f}{row['p95']:>10.2f}{row['p99']:>10.2f}{bar or '–':>10}")


def wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            status, _ = get(http.client.HTTPConnection("127.0.0.1", port, timeout=5), "/readyz")
        except OSError:
            time.sleep(0.1)
            continue
        if status == 200:
            return
        time.sleep(0.1)
    raise SystemExit("The server is not ready: does the workspace have a published run (`habitue demo`)?")


def get(connection: http.client.HTTPConnection, path: str) -> tuple[int, bytes]:
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read()


def measure(port: int, requests: int) -> dict[str, object]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    listed = json.loads(get(connection, "/v1/churn-risk?limit=1000&sort=-hyperscore")[1])
    customers = [quote(item["id"], safe="") for item in listed["items"]]
    random.Random(0).shuffle(customers)
    paths = {
        "customer": "/v1/customers/{}",
        "churn risk": "/v1/customers/{}/churn-risk",
        "hyperscore": "/v1/customers/{}/hyperscore",
        "neighbourhood, depth 1": "/v1/customers/{}/neighbourhood",
        "neighbourhood, depth 2": "/v1/customers/{}/neighbourhood?depth=2",
        "the same customers again": "/v1/customers/{}/neighbourhood?depth=2",
        "similar": "/v1/customers/{}/similar",
        "churn list": "/v1/churn-risk?min=0.2&limit=50",
    }
    latency = {}
    for name, pattern in paths.items():
        milliseconds = []
        for number in range(requests + 20):
            path = pattern.format(customers[number % len(customers)])
            begin = time.perf_counter()
            status, _ = get(connection, path)
            milliseconds.append((time.perf_counter() - begin) * 1000)
            if status != 200:
                raise SystemExit(f"{path} answered {status}")
        cuts = statistics.quantiles(milliseconds[20:], n=100)
        latency[name] = {"p50": round(cuts[49], 3), "p95": round(cuts[94], 3), "p99": round(cuts[98], 3)}
    return {
        "requests_each": requests,
        "customers": listed["total"],
        "machine": f"{os.cpu_count()} cores, Python {platform.python_version()}",
        "latency_ms": latency,
    }


if __name__ == "__main__":
    main()
