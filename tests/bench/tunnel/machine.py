"""What was measured on: a figure without these means nothing."""

import json
import os
import platform
import re
import subprocess

from labtest import BUILD, ROOT

SPEEDUPS = ("aes", "pclmulqdq", "avx2", "avx512f", "vaes", "vpclmulqdq", "sha_ni", "gfni", "asimd", "pmull")


def said_by(*words):
    """The first line a program says; None when it cannot be run."""
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return next((line.strip() for line in done.stdout.splitlines() if line.strip()), None)


def _git(*words):
    done = subprocess.run(["git", "-c", "safe.directory=*", "-C", ROOT, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def _field(path, pattern):
    with open(path, encoding="utf-8", errors="replace") as source:
        found = re.search(pattern, source.read(), re.M)
    return found.group(1).strip() if found else None


def _build():
    """How the programs were built; optimisation decides a lot."""
    try:
        options = json.loads(subprocess.run(["meson", "introspect", BUILD, "--buildoptions"], check=True, stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL, text=True).stdout)
    except (OSError, subprocess.CalledProcessError, json.JSONDecodeError):
        return None
    wanted = ("buildtype", "optimization", "debug", "b_sanitize", "b_lto")
    return {option["name"]: option["value"] for option in options if option["name"] in wanted}


def describe():
    flags = (_field("/proc/cpuinfo", r"^(?:flags|Features)\s*:(.*)$") or "").split()
    return {
        "processor": _field("/proc/cpuinfo", r"^model name\s*:(.*)$") or platform.machine(),
        "cores": os.cpu_count(),
        "instructions": [name for name in SPEEDUPS if name in flags],
        "memory_mib": int(_field("/proc/meminfo", r"^MemTotal:\s*(\d+)")) // 1024,
        "system": _field("/etc/os-release", r'^PRETTY_NAME="?([^"\n]*)'),
        "kernel": platform.release(),
        "load_before": os.getloadavg()[0],
    }


def software():
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return {"commit": _git("rev-parse", "HEAD"), "changed_since": bool(changed) if changed is not None else None, "build": _build(),
            "openssl": said_by("openssl", "version"), "iperf3": said_by("iperf3", "--version")}
