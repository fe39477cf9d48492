#!/usr/bin/env python3
"""Runs every query of the dashboards against a Prometheus that scrapes a running stack, and lists those without a result.

    docker/observability/check_queries.py [http://localhost:9090]
"""
import json
import pathlib
import sys
import urllib.parse
import urllib.request

server = sys.argv[1] if len(sys.argv) > 1 else "http://localhost:9090"
boards = sorted((pathlib.Path(__file__).parent / "grafana" / "dashboards").glob("*.json"))
queries = [
    (board.stem, panel["title"], target["expr"])
    for board in boards
    for panel in json.loads(board.read_text())["panels"]
    for target in panel["targets"]
]
empty = 0
for board, title, query in queries:
    for variable, value in (("$__rate_interval", "1m"), ("$__range", "1h"), ("$contract", ".*")):
        query = query.replace(variable, value)
    url = f"{server}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    try:
        with urllib.request.urlopen(url) as answer:
            result = json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as error:
        result = f"error: {json.load(error)['error']}"
    if not result or isinstance(result, str):
        empty += 1
        print(f"{board}: {title}: {result or 'no result'}: {query}")
print(f"{len(queries)} queries, {empty} without a result")
sys.exit(1 if empty else 0)
