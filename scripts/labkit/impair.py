"""Bad wires: loss by an nftables rule at the host's port, everything else by a relay put between host and switch."""

import json
import os
import subprocess
import sys

from . import net
from .kernel import LabError, Process

LOSS_STEPS = 100000


def _ends(host):
    return f"rl-{host}", f"rb-{host}"  # the relay's end and the bridge's end of the inserted pair


def _loss(keeper_pid, host, device, percent):
    share = round(percent * LOSS_STEPS / 100)
    chance = "" if share >= LOSS_STEPS else f"numgen random mod {LOSS_STEPS} < {share} "
    rule = f"{chance}counter drop"
    net.nft(keeper_pid, f"""
        table netdev loss_{host.replace('-', '_')} {{
            chain from_host {{ type filter hook ingress device "{device}" priority 0; {rule}; }}
            chain to_host {{ type filter hook egress device "{device}" priority 0; {rule}; }}
        }}""")


def _spawn_relay(program, keeper, host, rules):
    keeper_fd = keeper.open()
    if keeper_fd is None:
        raise LabError("the lab's keeper has ended; run 'scripts/lab down' and 'scripts/lab up' again.")
    answer_read, answer_write = os.pipe()
    words = [sys.executable, "-B", program, "_relay", net.port(host, 0), _ends(host)[0], json.dumps(rules),
             str(keeper_fd), str(answer_write)]
    try:
        child = subprocess.Popen(net.inside(keeper.pid, words), pass_fds=(keeper_fd, answer_write),
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    finally:
        os.close(keeper_fd)
        os.close(answer_write)
    with os.fdopen(answer_read, "rb") as source:
        answer = source.read()
    if answer != b"ok":
        raise LabError("the relay could not be started.")
    return Process(child.pid)


def clear(state, keeper, host):
    """Back to a good wire. Knows what to undo from the state alone."""
    row = state["impair"].pop(host, None)
    if row is None:
        return
    if row["loss"]:
        table = f"netdev loss_{host.replace('-', '_')}"
        net.nft(keeper.pid, f"table {table} {{}}\ndelete table {table}\n")  # also when it was never made
    if row.get("relay"):
        Process.load(row["relay"]).kill()
    if row["pair"]:
        net.ip_batch(keeper.pid, [f"link delete {_ends(host)[0]}",
                                  f"link set {net.port(host, 0)} master {net.bridge(row['segment'])}"])


def apply(program, state, keeper, host, wish):
    """`wish`: loss, duplicate, reorder in percent, delay and jitter in ms, seed. Replaces what was before."""
    clear(state, keeper, host)
    segment = state["hosts"][host]["interfaces"][0]["segment"]
    row = {"segment": segment, "pair": False, **{key: wish[key] for key in ("loss", "duplicate", "reorder", "delay", "jitter")}}
    state["impair"][host] = row  # from here on clear() knows what to undo
    device = net.port(host, 0)
    if any(wish[key] for key in ("duplicate", "reorder", "delay", "jitter")):
        near, far = _ends(host)
        row["pair"] = True
        net.ip_batch(keeper.pid, [
            f"link add {near} type veth peer name {far}",
            f"link set {near} addrgenmode none up",
            f"link set {far} master {net.bridge(segment)} addrgenmode none up",
            f"link set {net.port(host, 0)} nomaster",
        ])
        rules = {"delay_ns": round(wish["delay"] * 1e6), "jitter_ns": round(wish["jitter"] * 1e6),
                 "reorder": wish["reorder"] / 100, "duplicate": wish["duplicate"] / 100, "seed": wish["seed"]}
        row["relay"] = _spawn_relay(program, keeper, host, rules).dump()
        device = far
    if wish["loss"]:
        _loss(keeper.pid, host, device, wish["loss"])
