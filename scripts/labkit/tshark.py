"""tshark as a reader that has the keys: an independent program that says what is inside the ESP packets of a capture."""

import subprocess
import tempfile

from .kernel import LabError


def esp_row(source, target, spi, cipher, key, mac, mac_key):
    """One row of tshark's table of ESP associations; `cipher` and `mac` in tshark's own words."""
    def octets(raw):
        return f'"0x{raw.hex()}"' if raw else '""'
    return f'uat:esp_sa:"IPv4","{source}","{target}","0x{spi:08x}","{cipher}",{octets(key)},"{mac}",{octets(mac_key)}'


def read(capture, rows, fields):
    """For each packet of the file the values of `fields`, an inner header's after the outer one's, divided by commas."""
    words = ["tshark", "-n", "-r", capture, "-o", "esp.enable_encryption_decode:TRUE", "-o",
             "esp.enable_authentication_check:TRUE", "-T", "fields", "-E", "separator=|", "-E", "occurrence=a"]
    for row in rows:
        words += ["-o", row]
    for field in fields:
        words += ["-e", field]
    with tempfile.TemporaryDirectory() as home:  # tshark wants a place for its preferences; it gets an empty one
        done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home, "LC_ALL": "C.UTF-8"})
    if done.returncode != 0:
        raise LabError(f"tshark: {done.stderr.strip()}")
    return [line.split("|") for line in done.stdout.splitlines()]
