"""The benchmark of scripts/bench: tunnels side by side between two hosts of this machine. See docs/performance.md."""

import os
import sys

ROOT = os.path.abspath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))
sys.dont_write_bytecode = True
for folder in ("scripts", "tests/support", "tests/interop"):
    sys.path.insert(0, os.path.join(ROOT, folder))
