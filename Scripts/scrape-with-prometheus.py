#!/usr/bin/env python3
"""Has a real Prometheus scrape pages of metrics, and asks it about them.

Serves the two pages, each under a job of its own ("text", "openmetrics"), starts prometheus on them, waits until it has
taken each in, and prints as JSON what it sent as Accept, what it says of its targets, and its answers to the queries.
Everything it starts ends with it. Needs prometheus in PATH (Debian's package has it).
"""

import argparse
import http.server
import json
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.parse
import urllib.request

TYPES = {
    "/text": "text/plain; version=0.0.4; charset=utf-8",
    "/openmetrics": "application/openmetrics-text; version=1.0.0; charset=utf-8",
}


class Pages(http.server.ThreadingHTTPServer):
    """Serves the pages, and knows when Prometheus comes for one again: then it has taken in the last."""

    daemon_threads = True

    def __init__(self, pages):
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages, self.scrapes, self.accept = pages, dict.fromkeys(pages, 0), ""
        self.changed = threading.Condition()

    def wait_for(self, scrapes, seconds):
        with self.changed:
            return self.changed.wait_for(lambda: min(self.scrapes.values()) >= scrapes, seconds)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        page = self.server.pages.get(self.path)
        if page is None:
            return self.send_error(404)
        with self.server.changed:
            self.server.scrapes[self.path] += 1
            self.server.accept = self.headers.get("Accept", "")
            self.server.changed.notify_all()
        self.send_response(200)
        self.send_header("Content-Type", TYPES[self.path])
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, *arguments):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", required=True, metavar="FILE", help="a page in the text format 0.0.4")
    parser.add_argument("--open-metrics", required=True, metavar="FILE", help="the same in OpenMetrics 1.0.0")
    parser.add_argument("--exemplars", metavar="SELECTOR", help="also ask for the exemplars of these series")
    parser.add_argument("--seconds", type=float, default=60, help="how long to wait for the scrapes (default 60)")
    parser.add_argument(
        "--query", action="append", default=[], metavar="PROMQL", help="answered by an instant vector; may be repeated")
    options = parser.parse_args()

    pages = {"/text": open(options.text, "rb").read(), "/openmetrics": open(options.open_metrics, "rb").read()}
    server = Pages(pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    target, port = "127.0.0.1:%d" % server.server_port, free_port()

    def ask(path, **parameters):
        url = "http://127.0.0.1:%d/api/v1/%s?%s" % (port, path, urllib.parse.urlencode(parameters))
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/prometheus.yml", "w") as file:
            json.dump({
                "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms"},
                "scrape_configs": [
                    {"job_name": path[1:], "metrics_path": path, "static_configs": [{"targets": [target]}]}
                    for path in pages
                ],
            }, file)
        with open(folder + "/log", "w+b") as log:
            prometheus = subprocess.Popen([
                "prometheus", "--config.file=" + file.name, "--storage.tsdb.path=" + folder + "/data",
                "--web.listen-address=127.0.0.1:%d" % port, "--enable-feature=exemplar-storage",
            ], stdout=log, stderr=log)
            try:
                if not server.wait_for(3, options.seconds):
                    log.seek(0)
                    sys.exit("prometheus did not come three times:\n" + log.read().decode(errors="replace")[-2000:])
                targets = ask("targets")["activeTargets"]
                json.dump({
                    "accept": server.accept,
                    "targets": {
                        t["labels"]["job"]: {"health": t["health"], "error": t["lastError"]} for t in targets
                    },
                    "answers": [
                        [{"labels": s["metric"], "value": s["value"][1]} for s in ask("query", query=q)["result"]]
                        for q in options.query
                    ],
                    "exemplars": [
                        exemplar for series in ask("query_exemplars", query=options.exemplars, start=0, end=2**32)
                        for exemplar in series["exemplars"]
                    ] if options.exemplars else [],
                }, sys.stdout)
            finally:
                prometheus.kill()
                prometheus.wait()
    server.shutdown()


if __name__ == "__main__":
    main()
