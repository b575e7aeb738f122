"""The addons in a stock mitmproxy: `mitmdump -s proxy/standalone.py --set seawall_config=config.yaml`.

mitmproxy puts this folder first on `sys.path` and runs this file as a second copy of itself, so it stays a few lines
long and takes that entry out again; what it does stands in `proxy/inspector/alone.py`.
"""

import sys
from pathlib import Path

_here = Path(__file__).resolve().parent
sys.path[:] = [str(_here.parent), *(entry for entry in sys.path if Path(entry or ".").resolve() != _here)]

from proxy.inspector.alone import Alone  # noqa: E402 - the path must be right first

addons = [Alone()]
