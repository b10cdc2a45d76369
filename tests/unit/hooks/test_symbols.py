#!/usr/bin/python3
"""What hooks could do, as the linker sees it. It is root: what is in it is all that a mistake in it could reach for.

usage: test_symbols.py BUILD-FOLDER
"""

import glob
import os
import re
import subprocess
import sys
import unittest

BUILD = os.path.abspath(sys.argv.pop(1))
FOLDER = os.path.join(BUILD, "services", "hooks")
PROGRAM = os.path.join(FOLDER, "postern-hooks")
LIBRARIES = {"libprotobuf-c", "libuv", "libcap", "libseccomp", "libc"}
STARTS = r"exec\w*|fexecve|v?fork|clone\d?|posix_spawnp?|system|popen|uv_spawn|dl(open|m?sym)"
NETWORK = r"socket|socketpair|bind|connect|listen|accept4?|send(to|msg|mmsg)?|recv(from|msg|mmsg)?|get(addr|name)info|gethost\w+"
FILES = r"_*(open|openat|creat)(64)?(_2)?|f(re)?open(64)?|unlink(at)?|rename(at2?)?|l?chown|f?chmod|mkdir|link|symlink|mount"


def names(path, *which):
    listed = subprocess.run(["nm", "-P", "--undefined-only", *which, path], check=True, stdout=subprocess.PIPE, text=True).stdout
    return {line.split()[0].split("@")[0] for line in listed.splitlines() if line.strip()}


def among(found, pattern):
    return sorted(name for name in found if re.fullmatch(pattern, name))


def own_objects():
    """Name of the source -> what it calls."""
    found = {}
    for path in glob.glob(os.path.join(FOLDER, "*.p", "*.c.o")):
        found[os.path.basename(path).removesuffix(".c.o")] = names(path)
    return found


class Symbols(unittest.TestCase):
    def test_it_links_nothing_that_it_does_not_need(self):
        said = subprocess.run(["readelf", "-d", PROGRAM], check=True, stdout=subprocess.PIPE, text=True).stdout
        self.assertEqual(set(re.findall(r"\(NEEDED\).*\[([\w-]+)\.so", said)), LIBRARIES)

    def test_programs_are_started_in_one_place_and_without_a_shell(self):
        self.assertEqual(among(names(PROGRAM, "-D"), STARTS), ["execve", "fork"])
        starting = {name: among(found, STARTS) for name, found in own_objects().items()}
        self.assertEqual({name: calls for name, calls in starting.items() if calls}, {"spawn": ["execve", "fork"]})

    def test_its_own_code_opens_no_network_and_no_file_but_one(self):
        objects = own_objects()
        self.assertLessEqual({"main", "hooks_msg", "env", "jobs", "output", "table", "spawn", "io_runner"}, set(objects))
        for name, found in objects.items():
            self.assertEqual(among(found, NETWORK), [], name)
            self.assertLessEqual(set(among(found, FILES)), {"open", "open64"} if name == "spawn" else set(), name)


if __name__ == "__main__":
    unittest.main(verbosity=2)
