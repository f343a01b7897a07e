"""A program that is started, found and stopped as Home Assistant is, in 50 ms.

It takes `-c FOLDER` and listens where the folder says. `# stand-in: WORD` in `configuration.yaml` makes it

- `never`: not listen;
- `dies`: say why and end with status 1;
- `restarts`: end with status 100, as Home Assistant does when its owner asks for a restart, the first time;
- `deaf`: ignore SIGTERM;
- `parent`: start a child of its own that ignores SIGTERM, and be deaf.

It writes what it sees of its environment to `environment.json`.
"""

import http.server
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

DEAF = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'[{"step": "user", "done": false}]')

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    folder = Path(sys.argv[sys.argv.index("-c") + 1])
    configuration = (folder / "configuration.yaml").read_text()
    words = {
        line.split(":")[1].strip() for line in configuration.splitlines() if line.startswith("# stand-in:")
    }
    (folder / "environment.json").write_text(json.dumps(dict(os.environ)))
    sys.stdout.write(f"stand-in started in {folder}\n")
    sys.stdout.flush()
    if "dies" in words:
        sys.stderr.write("Traceback: no such thing as an \x1b[31minvention\x1b[0m\n")
        sys.exit(1)
    if "restarts" in words and not (folder / "restarted").exists():
        (folder / "restarted").touch()
        sys.exit(100)
    if words & {"deaf", "parent"}:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if "parent" in words:
        child = subprocess.Popen([sys.executable, "-c", DEAF])
        (folder / "child").write_text(str(child.pid))
    if "never" in words:
        time.sleep(600)
    listen = json.loads((folder / "wyoming_central_http.yaml").read_text().splitlines()[1])
    http.server.HTTPServer((listen["server_host"][0], listen["server_port"]), Handler).serve_forever()


main()
