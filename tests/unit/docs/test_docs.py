#!/usr/bin/python3
"""Holds the pages to the tree: what they name must exist, what exists must be named, and examples must parse.

usage: test_docs.py BUILD-FOLDER
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
BUILD = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 else os.path.join(ROOT, "build")
MAN = os.path.join(ROOT, "docs", "man")
README_LINES = 30
# Behaviours of the guide that another piece of work brings, by topic; `docs/guide-coverage.md` may name no other.
TOPICS = {"automatic keying", "certificates", "dynamic clients", "IP compression", "gateways",
          "interoperability"}


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as page:
        return page.read()


def files(*suffixes):
    for folder in ("lib", "services", "cli", "tests", "docs", "scripts", "dist", "proto"):
        for at, folders, names in os.walk(os.path.join(ROOT, folder)):
            folders[:] = [name for name in folders if name not in ("__pycache__", "corpus")]
            yield from (os.path.join(at, name) for name in names if name.endswith(suffixes))


def verbs():
    table = read("cli", "verbs.c")
    return re.findall(r'^    \{"([a-z]+)",', table, re.M)


def settings():
    source = read("lib", "service", "settings.c")
    return re.findall(r'^    "  --([a-z-]+) ', source, re.M)


class Tour(unittest.TestCase):
    def test_functions_named_in_the_tour_are_defined(self):
        named = set(re.findall(r"`([a-z_][a-z0-9_]*)\(\)`", read("docs", "tour.md")))
        self.assertGreater(len(named), 30, "a tour without functions is none")
        code = "\n".join(read(path) for path in files(".c", ".h"))
        # The rings' functions are made by one macro.
        made = {ring + does for ring in re.findall(r"^RING\((\w+),", code, re.M) for does in ("_push", "_pop")}
        # A definition: the name at the beginning of a line or after its type, and a brace before the next semicolon.
        missing = [name for name in sorted(named - made)
                   if not re.search(rf"^[A-Za-z][\w *]*[ *]{name}\([^;{{]*\)\s*\{{", code, re.M)]
        self.assertEqual(missing, [], "the tour names functions that are not defined")

    def test_files_named_in_the_tour_exist(self):
        named = set(re.findall(r"`((?:lib|services|cli|tests|proto|scripts)/[\w./-]+)`", read("docs", "tour.md")))
        self.assertGreater(len(named), 10)
        self.assertEqual([path for path in sorted(named) if not os.path.exists(os.path.join(ROOT, path))], [])


class Named(unittest.TestCase):
    """What pages name as proof: `path` or `path:what`; a test that nobody runs proves nothing."""

    def check_name(self, name):
        path, _, what = name.partition(":")
        self.assertTrue(os.path.isfile(os.path.join(ROOT, path)), f"no such file: {path}")
        if what:
            self.assertRegex(read(path), rf"(?<!\w){re.escape(what)}(?!\w)", f"{path} has no {what}")
        if re.match(r"tests/(unit|integration)/", path):
            folder, file = os.path.split(path)
            test = re.sub(r"^test_|\.(c|py)$", "", file)
            # Unit tests are listed by their last words, those with hosts by their whole name.
            names = test if file.startswith("it_") else f"{test}|{test.split('_')[-1]}"
            self.assertRegex(read(folder, "meson.build"), rf"['_]({names})['.]", f"{path} is not among the tests that run")


class Promises(Named):
    def test_every_promise_of_the_threat_model_has_tests(self):
        page = read("docs", "threat-model.md")
        promised = re.findall(r"^(\d)\. ", page, re.M)
        proved = re.findall(r"^\| (\d) \| (.*) \|$", page, re.M)
        self.assertEqual([number for number, _ in proved], promised)
        for number, tests in proved:
            with self.subTest(promise=number):
                for name in re.findall(r"`([^`]+)`", tests):
                    self.check_name(name)


class Coverage(Named):
    def rows(self):
        """Number -> the last column of its row."""
        found = {}
        for line in read("docs", "guide-coverage.md").splitlines():
            if row := re.match(r"\| S(\d+) \|.*\| (.*) \|$", line):
                self.assertNotIn(int(row.group(1)), found, "two rows for one number")
                found[int(row.group(1))] = row.group(2)
        return found

    def test_every_behaviour_of_the_guide_has_a_row(self):
        self.assertEqual(sorted(self.rows()), list(range(1, 230)))

    def test_every_row_names_something_that_exists(self):
        for number, where in self.rows().items():
            with self.subTest(number=f"S{number}"):
                named = re.findall(r"`([^`]+)`", where)
                coming = re.findall(r"comes with \*([^*]+)\*", where)
                said = where.startswith("nothing to build") or re.match(r"not done(, and not to be done)?: \w", where)
                self.assertTrue(named or coming or said, f"nothing is named: {where}")
                self.assertLessEqual(set(coming), TOPICS)
                for name in named:
                    self.check_name(name)


class Pages(unittest.TestCase):
    def test_links_lead_somewhere(self):
        pages = ["README.md", *(os.path.relpath(path, ROOT) for path in files(".md"))]
        for page in pages:
            for link in re.findall(r"\]\(([^)#]+)\)", read(page)):
                if not re.match(r"[a-z]+:", link):
                    target = os.path.join(ROOT, os.path.dirname(page), link)
                    self.assertTrue(os.path.exists(target), f"{page}: {link}")

    def test_every_folder_says_what_it_is(self):
        folders = [os.path.join(name, sub) for name in ("lib", "services") for sub in sorted(os.listdir(os.path.join(ROOT, name)))
                   if os.path.isdir(os.path.join(ROOT, name, sub))]
        folders += ["cli", "docs", "proto", "scripts", "tests", "dist"]
        for folder in folders:
            with self.subTest(folder=folder):
                self.assertLessEqual(len(read(folder, "README.md").splitlines()), README_LINES)


class Manual(unittest.TestCase):
    PAGES = {"ipsecctl.8", "ipsecctl-pki.8", "setkey.8", "postern.7", "postern-supervisor.8", "postern-policyd.8", "postern-ipsec.conf.5",
             "postern-racoon.conf.5", "postern-certd.8", "racoon.8", "racoonctl.8", "postern-certd-verify.8", "postern-hooks.8", "postern-keyd.8",
             "postern-datapathd.8", "postern.conf.5", "ipsec_check_keylen.3", "ipsec_set_policy.3", "ipsec_strerror.3"}

    def test_the_pages_are_there(self):
        self.assertEqual(set(os.listdir(MAN)) - {"meson.build"}, self.PAGES)

    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_mandoc_has_nothing_to_say(self):
        for page in sorted(self.PAGES):
            said = subprocess.run(["mandoc", "-Tlint", "-Wstyle", os.path.join(MAN, page)], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False).stdout
            # What it cannot know: whether pages of other packages are installed here.
            said = [line for line in said.splitlines() if "referenced manual not found" not in line and "mandoc.db" not in line]
            self.assertEqual(said, [])

    def test_every_public_function_has_a_page(self):
        names = re.findall(r"^\t\t(ipsec_\w+);", read("lib", "libipsec", "libipsec.map"), re.M)
        self.assertGreater(len(names), 5)
        pages = "".join(read("docs", "man", page) for page in self.PAGES if page.endswith(".3"))
        links = read("docs", "man", "meson.build")
        for name in names:
            self.assertRegex(pages, rf"(?m)^\.Nm {name}\b")
            self.assertRegex(links, rf"'{name}(\.3)?'")

    def test_every_verb_is_in_the_manual_and_the_completion(self):
        page, completion = read("docs", "man", "ipsecctl.8"), read("dist", "completions", "ipsecctl")
        self.assertGreater(len(verbs()), 10)
        for verb in verbs():
            self.assertRegex(page, rf"(?m)^\.It Cm {verb}\b")
            self.assertEqual(len(re.findall(rf"[\" ]{verb}[\" ]", completion)) >= 2, True, f"{verb} is not completed")

    def test_every_act_of_pki_is_in_the_manual_and_the_completion(self):
        page, completion = read("docs", "man", "ipsecctl-pki.8"), read("dist", "completions", "ipsecctl")
        table = re.search(r"pki_acts\[\] = \{(.*?)\n\};", read("cli", "verb_pki.c"), re.S).group(1)
        acts = re.findall(r'^    \{"([a-z0-9]+)",', table, re.M)
        self.assertGreater(len(acts), 8)
        for act in acts:
            self.assertRegex(page, rf"(?m)^\.It Cm {act}\b")
            self.assertRegex(completion, rf"[\" ]{act}[\" ]")
        options = re.findall(r'^    \{"([a-z-]+)", (?:no|required)_argument', read("cli", "pki", "options.c"), re.M)
        self.assertGreater(len(options), 10)
        for option in options:
            self.assertRegex(page, rf"(?m)^\.It Fl -{option}\b")
            self.assertIn(f"--{option}", completion)

    def test_every_setting_is_in_the_manual_and_the_completion(self):
        page, completion = read("docs", "man", "postern.7"), read("dist", "completions", "ipsecctl")
        self.assertGreater(len(settings()), 10)
        for name in settings():
            self.assertRegex(page, rf"(?m)^\.It Fl -{name} ")
            self.assertIn(f"--{name}", completion)

    def test_every_setting_at_run_time_is_in_the_manual_and_the_completion(self):
        page, completion = read("docs", "man", "ipsecctl.8"), read("dist", "completions", "ipsecctl")
        table = re.search(r"settings\[\] = \{(.*?)#undef", read("cli", "verb_set.c"), re.S).group(1)
        names = re.findall(r'(?:^    \{|DEFLEV\()"(\w+)"', table, re.M)
        self.assertGreater(len(names), 9)
        for name in names:
            self.assertRegex(page, rf"(?m)^\.It .*\b{name}\b|^\.It Cm set Va {name} ")
            self.assertRegex(completion, rf"[\" ]{name}[\" ]")

    def test_every_algorithm_is_in_the_manual(self):
        page = read("docs", "man", "postern-ipsec.conf.5")
        source = read("lib", "ipsec", "alg.c")
        names = re.findall(r'\{ALG_(?:ENC|AUTH)_\w+,\s*(?:ALG_KIND_\w+,\s*)?"([a-z0-9-]+)"', source)
        names += re.findall(r'\{"(hmac-[a-z0-9-]+)", ALG_AUTH_', source)
        self.assertGreater(len(names), 28)
        for name in names:
            self.assertRegex(page, rf"(?m)^\.It Cm {name}\b")

    def test_every_word_of_the_language_is_in_the_manual(self):
        page = read("docs", "man", "postern-ipsec.conf.5")
        macros = " ".join(re.findall(r"(?m)^\.(?:It|Cm|Op|Fl) .*", page))
        tables = dict(re.findall(r"sk_words_(\w+)\[\] = \{(.*?)\};", read("lib", "config", "setkey", "words.c"), re.S))
        self.assertGreater(len(tables), 12)
        del tables["upper"]  # names of /etc/protocols
        for table, text in tables.items():
            for word in re.findall(r'"([^"]+)"', text):
                self.assertRegex(macros, rf"(?<![\w-]){re.escape(word.lstrip('-'))}(?![\w-])", f"{table}: {word}")

    def test_every_statement_of_racoon_is_in_the_manual(self):
        page = read("docs", "man", "postern-racoon.conf.5")
        folder = os.path.join(ROOT, "lib", "config", "racoon")
        sources = "".join(read(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".c"))
        words = set(re.findall(r'\{"([a-z0-9_]+)", \w+, (?:true|false)\}', sources))
        self.assertGreater(len(words), 70)
        # Old spellings, and words that only say what a user or a folder would be.
        words -= {"identifier", "nbns4", "gssapi_id", "user", "group", "chroot", "group_source", "conf_source", "accounting"}
        for word in sorted(words):
            self.assertTrue(re.search(rf"(?<![\w-]){word}(?![\w-])", page), word)

    def test_every_word_of_postern_conf_is_in_the_manual(self):
        page = read("docs", "man", "postern.conf.5")
        folder = os.path.join(ROOT, "lib", "config", "native")
        sources = "".join(read(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".c"))
        statements = set(re.findall(r'\{"([a-z-]+)", \w+, NC_(?:ONCE|OFTEN), (?:true|false)\}', sources))
        self.assertGreater(len(statements), 25)
        for word in sorted(statements):
            self.assertRegex(page, rf"(?m)^\.It .*\bIc {word}(?![\w-])")
        algorithms = set(re.findall(r'\{"([a-z0-9]+)", PART_', sources)) | {"aes128", "gcm12", "ccm8", "ctr", "gmac", "camellia192"}
        self.assertGreater(len(algorithms), 20)
        for word in sorted(algorithms):
            self.assertTrue(re.search(rf"(?m)^\.Cm .*(?<![\w-]){word}(?![\w-])", page), word)

    def test_every_name_that_is_refused_is_in_the_manual(self):
        refused = read("docs", "man", "postern-ipsec.conf.5").split(".Sh WHAT IS REFUSED")[1].split(".Sh ")[0]
        listed = re.search(r"static const char \*lacking.*?names\[\] = \{(.*?)\n\t\};", read("lib", "config", "setkey", "algs.c"), re.S)
        names = re.findall(r'\{"([a-z0-9-]+)",', listed.group(1))
        self.assertGreater(len(names), 9)
        for name in names:
            self.assertRegex(refused, rf"(?m)^\.It Cm .*(?<![\w-]){name}(?![\w-])")

    def test_every_reason_for_dropping_is_in_the_manual(self):
        page = read("docs", "man", "postern-datapathd.8")
        source = read("services", "datapathd", "drop.h").replace("\\\n", "")
        listed = re.search(r"#define DROP_LIST\(X\)(.*)", source).group(1)
        reasons = re.findall(r'X\(\w+, "([a-z0-9_]+)",\s*\w+,\s*"([^"]+)"\)', listed)
        self.assertEqual(len(reasons), listed.count("X("))
        for name, text in reasons:
            self.assertIn(f".It Cm {name}\n{text}\n", page)


class Shown(unittest.TestCase):
    def setUp(self):
        self.ipsecctl = os.path.join(BUILD, "cli", "ipsecctl")
        if not os.access(self.ipsecctl, os.X_OK):
            self.skipTest("ipsecctl is not built")

    def check_native(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(text)
            file.flush()
            done = subprocess.run([self.ipsecctl, "check", "-t", "postern", file.name], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)

    def check(self, text, language="setkey", *words):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(text)
            file.flush()
            done = subprocess.run([self.ipsecctl, language, *(words or ("-n",)), "-f", file.name], stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""))


class Examples(Shown):
    """Configuration shown to people is read by the program it is for."""

    def test_the_readme_s_configuration_parses(self):
        blocks = re.findall(r"```setkey\n(.*?)```", read("README.md"), re.S)
        self.assertTrue(blocks)
        for block in blocks:
            self.check(block)
        blocks = re.findall(r"```racoon\n(.*?)```", read("README.md"), re.S)
        self.assertTrue(blocks)
        for block in blocks:
            self.check(block, "racoon", "-C")

    def test_the_manual_s_configuration_parses(self):
        for name in ("postern-ipsec.conf.5", "ipsec_set_policy.3"):
            blocks = re.findall(r"\.Bd -literal -offset indent\n(.*?)\.Ed", read("docs", "man", name), re.S)
            self.assertTrue(blocks)
            for block in blocks:
                self.check(block)
        blocks = re.findall(r"\.Bd -literal -offset indent\n(.*?)\.Ed", read("docs", "man", "postern-racoon.conf.5"), re.S)
        self.assertTrue(blocks)
        for block in blocks:
            self.check(block, "racoon", "-C")

        blocks = re.findall(r"\.Bd -literal -offset indent\n(.*?)\.Ed", read("docs", "man", "postern.conf.5"), re.S)
        self.assertEqual(len(blocks), 4)
        for block in blocks:
            if block.startswith("child"):
                block = f"connection x {{ version 1; remote 192.0.2.2; secret-file /s\n{block}}}\n"
            self.check_native(block)


class Dumps(Shown):
    """Dumps shown in the manual are what the program prints, and mean what the manual says."""

    def setUp(self):
        super().setUp()
        self.tool = os.path.join(BUILD, "tests", "support", "roundtrip-tool")
        if not os.access(self.tool, os.X_OK):
            self.skipTest("roundtrip-tool is not built")
        self.blocks = re.findall(r"\.Bd -literal\n(.*?)\.Ed", read("docs", "man", "postern-ipsec.conf.5"), re.S)

    def test_they_are_those_of_the_test_that_holds_the_form_to_the_byte(self):
        literals = re.findall(r'"((?:[^"\\]|\\.)*)"', read("tests", "unit", "cli", "test_dump.c"))
        # A page cannot have blanks at the ends of its lines.
        printed = re.sub(r" +\n", "\n", "".join(literals).replace("\\n", "\n").replace("\\t", "\t"))
        self.assertEqual(len(self.blocks), 3)
        for block in self.blocks:
            self.assertIn(block, printed)

    def test_they_make_statements_again(self):
        for word, block in (("sad", self.blocks[0]), ("spd", self.blocks[2])):
            done = subprocess.run([self.tool, word], input=block, stdout=subprocess.PIPE, text=True, check=True)
            self.assertTrue(done.stdout.startswith("add " if word == "sad" else "spdadd "))
            self.check(done.stdout)


if __name__ == "__main__":
    unittest.main()
