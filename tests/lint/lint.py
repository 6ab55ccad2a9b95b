"""What a machine can check of the style: doors, include direction, headers alone, form, sizes, words, units.

    python3 tests/lint/lint.py --build build --cflags "..."
Prints one line a finding and ends with 1 when there is any.
"""
import argparse
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

import texts
import translations

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LINES_MAX = 700
EXPOSURE_MAX = 15   # tenths, of systemd-analyze security
CODE_FOLDERS = ("proto", "daemon", "client")

# One door per library: the header's pattern, and the only files that may open it.
DOORS = [
    (r"lmdb\.h", {"daemon/store.c", "tests/tools/bench_floor.c", "tests/tools/corrupt.c"}),
    (r"openssl/ssl\.h|openssl/err\.h", {"daemon/tls.c", "proto/key.c", "tests/tools/bench_load.c", "tests/unit/server.h", "tests/unit/test_link_time.c"}),
    (r"openssl/(?!ssl\.h|err\.h)", {"proto/key.c", "proto/hash.c", "daemon/tls.c", "daemon/memory.c", "tests/unit/test_memory.c"}),
    (r"sodium\.h", {"proto/key.c"}),
    (r"event2/http.*\.h", {"daemon/http.c", "daemon/http_reply.c", "daemon/connection.c", "daemon/target.c",
                              "tests/tools/bench_server.c"}),
    (r"curl/curl\.h", {"client/link.c", "tests/unit/test_link_time.c"}),
    (r"csv\.h", {"client/csv.c"}),
    (r"ini\.h", {"client/settings.c"}),
    (r"(proto/)?subsidy\.pb-c\.h|protobuf-c/.*", {"proto/record.c", "proto/feed.c", "proto/entry.c", "proto/wire.c", "proto/wire.h"}),
]

# Includes only go down. Modules of one line may include each other; a new module must be given its place.
DAEMON_LAYERS = [
    "log memory clock array notify target address mailbox inherit logline folder child finding crew spare priority",
    "overlay",
    "store",
    "copy",
    "tiles ledger state cells venues",
    "rowplan",
    "scribe",
    "chain ingest orders evidence keyfile log_signers eras guard head cosigned published trustfile gate",
    "fold unfolded",
    "slices",
    "ahead",
    "sealer",
    "writer replay",
    "past history mirror replica",
    "compare",
    "query query_json population shared",
    "pool tls config connection http http_request init control publisher",
    "access cursor answers",
    "metrics",
    "api api_request",
    "server verify",
    "snapshot",
    "backup restore",
    "main",
]
# proto: bytes below everything, formats above.
PROTO_LAYERS = [
    "err limits text array version",
    "bytes",
    "money date usci hash jsontext",
    "code",
    "key tree tile wire",
    "note",
    "checkpoint record trust",
    "claim trust",
    "feed entry policy policy_json policy_rate",
    "order order_json order_internal chain_item",
    "signatories",
    "eras",
    "life offices",
]

UNSAFE = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atof|alloca|rand|system|popen)\s*\(")
FLOAT = re.compile(r"\b(float|double)\b")
MARKS = re.compile(r"\b(TODO|FIXME|XXX)\b")


class Findings:
    """Collects findings; each is a place and a sentence."""

    def __init__(self):
        self.rows = []

    def add(self, place, text):
        self.rows.append(f"{place}: {text}")


def tracked(patterns):
    paths = []
    for pattern in patterns:
        paths += glob.glob(os.path.join(ROOT, pattern))
    return sorted(os.path.relpath(path, ROOT) for path in paths)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def without_comments(text):
    """The code with comments and strings blanked, line numbers kept."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', blank, text, flags=re.S)


def includes(text):
    for number, line in enumerate(text.split("\n"), 1):
        match = re.match(r'\s*#\s*include\s+[<"]([^>"]+)[>"]', line)
        if match:
            yield number, match.group(1)


def module_of(path):
    return os.path.basename(path).rsplit(".", 1)[0]


def rank(layers, module):
    """Place of a module, by its longest listed prefix (policy_pool belongs with policy)."""
    best = None
    for place, names in enumerate(layers):
        for name in names.split():
            if module == name or module.startswith(name + "_"):
                if best is None or len(name) > len(best[1]):
                    best = (place, name)
    return None if best is None else best[0]


def check_doors(path, text, findings):
    for number, header in includes(text):
        for pattern, allowed in DOORS:
            if re.fullmatch(pattern + (".*" if pattern.endswith(")") else ""), header) and path not in allowed:
                findings.add(f"{path}:{number}", f"includes {header}, which only {', '.join(sorted(allowed))} may")


def check_direction(path, text, findings):
    folder = path.split("/")[0]
    if folder not in CODE_FOLDERS:
        return
    layers = {"proto": PROTO_LAYERS, "daemon": DAEMON_LAYERS}.get(folder)
    own = rank(layers, module_of(path)) if layers else None
    if layers and own is None:
        findings.add(path, "has no place in the layers of tests/lint/lint.py")
    for number, header in includes(text):
        other = header.split("/")[0]
        if other not in CODE_FOLDERS or header == "proto/subsidy.pb-c.h":
            continue
        if folder == "proto" and other != "proto" or other != folder and other != "proto":
            findings.add(f"{path}:{number}", f"{folder}/ must not include {header}")
        elif other == folder and layers and own is not None:
            theirs = rank(layers, module_of(header))
            if theirs is not None and theirs > own:
                findings.add(f"{path}:{number}", f"includes {header}, which lies above it")


def check_form(path, text, findings):
    code = without_comments(text)
    lines = text.split("\n")
    if len(lines) - 1 > LINES_MAX:
        findings.add(path, f"has {len(lines) - 1} lines; {LINES_MAX} are the most")
    for number, line in enumerate(code.split("\n"), 1):
        match = UNSAFE.search(line)
        if match:
            findings.add(f"{path}:{number}", f"uses {match.group(1)}")
        if path.split("/")[0] in CODE_FOLDERS and FLOAT.search(line) and "curl" not in line and path != "client/link.c":
            findings.add(f"{path}:{number}", "uses a floating point type")
    for number, line in enumerate(lines, 1):
        if MARKS.search(line):
            findings.add(f"{path}:{number}", "carries a mark of unfinished work")
        if line != line.rstrip():
            findings.add(f"{path}:{number}", "ends in white space")


def check_pure(path, text, findings):
    """proto/ does no I/O and reads no clock."""
    if not path.startswith("proto/"):
        return
    for number, header in includes(text):
        if header in ("unistd.h", "fcntl.h", "time.h", "sys/time.h", "sys/stat.h", "sys/socket.h", "pthread.h", "locale.h"):
            findings.add(f"{path}:{number}", f"includes {header}; proto/ does no I/O and reads no clock")


def check_header_alone(path, cflags, findings):
    with tempfile.NamedTemporaryFile("w", suffix=".c") as source:
        source.write(f'#include "{path}"\n')
        source.flush()
        command = ["gcc", *cflags, "-w", "-fsyntax-only", "-I", ROOT, source.name]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        findings.add(path, "does not compile alone: " + done.stderr.strip().split("\n")[0])


def check_format(paths, findings):
    tool = shutil.which("clang-format")
    if tool is None:
        findings.add(".clang-format", "clang-format is missing")
        return
    for path in paths:
        done = subprocess.run([tool, "--dry-run", "-Werror", path], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            findings.add(path, "is not as clang-format would have it (make format)")


def check_promises(findings):
    """Every test that tests/README.md names exists."""
    path = os.path.join(ROOT, "tests", "README.md")
    if not os.path.exists(path):
        findings.add("tests/README.md", "is missing")
        return
    text = read("tests/README.md")
    sources = {}
    for name in re.findall(r"`(test_\w+)(?:\.\w+)?`", text):
        sources.setdefault(name, None)
    all_tests = "\n".join(read(p) for p in tracked(["tests/unit/*.c", "tests/unit/*.h", "tests/flow/*.py", "tests/browser/*"])
                          if os.path.isfile(os.path.join(ROOT, p)))
    for file, name in re.findall(r"`(test_\w+)[.:]+(\w+)`", text):
        paths = tracked([f"tests/unit/{file}.c", f"tests/flow/{file}.py"])
        if not any(re.search(r"\b" + re.escape(name) + r"\b", read(path)) for path in paths):
            findings.add("tests/README.md", f"names a test {file}.{name} that does not exist")
    for name in sources:
        if not tracked([f"tests/unit/{name}.c", f"tests/flow/{name}.py"]) and not re.search(r"\b" + name + r"\b", all_tests):
            findings.add("tests/README.md", f"names {name}, which does not exist")


# What must not be said, and what must: see tests/README.md, "LMDB and evhttp, used safely".
NEVER = [
    (r"\bMDB_(WRITEMAP|DUPSORT|DUPFIXED|CURRENT|INTEGERKEY|INTEGERDUP|REVERSEKEY|MAPASYNC|NORDAHEAD|NOLOCK)\b", "an LMDB flag"),
    (r"\(const struct \w+ \*\)\s*[\w.>-]+(\.|->)(data|mv_data)\b", "a struct laid over stored bytes"),
    (r"\bevhttp_(bind_socket|start|new_listener)\b|\bbufferevent_openssl_filter_new\b", "a way past the listener"),
]
ALWAYS = [
    ("daemon/store.c", r"unsigned flags = MDB_NOTLS;", "opens with MDB_NOTLS alone"),
    ("daemon/store.c", r"mdb_reader_check\(", "frees the slots of dead readers"),
    ("daemon/server.c", r"store_check_readers\(", "asks for that, again and again"),
    ("daemon/http.c", r"on_accept\(.*?bufferevent_setwatermark\(bufferevent, EV_READ, 0, listener->options\.body_max \+ HTTP_HEADERS_SIZE_MAX\);.*?\n}",
     "sets the watermark of each new connection above the longest body"),
    ("daemon/http.c", r"evhttp_set_max_headers_size\(.*evhttp_set_max_body_size\(", "limits headers and bodies"),
    ("daemon/http.c", r"evhttp_set_timeout_tv\(", "limits idleness"),
    ("daemon/http.c", r"signal\(SIGPIPE, SIG_IGN\)", "ignores broken pipes"),
    ("daemon/connection.c", r"TCP_NODELAY", "sends without delay"),
    ("daemon/tls.c", r"SSL_CTX_set_min_proto_version\(context, TLS1_2_VERSION\)", "asks for TLS 1.2"),
    ("daemon/tls.c", r"SSL_CTX_set_max_early_data\(context, 0\)", "takes no early data"),
]


def check_libraries(findings):
    for path in tracked(["daemon/*.c", "daemon/*.h"]):
        code = without_comments(read(path))
        for pattern, what in NEVER:
            for match in re.finditer(pattern, code):
                findings.add(f"{path}:{code.count(chr(10), 0, match.start()) + 1}", f"uses {what}: {match.group(0)}")
        began, ended = len(re.findall(r"= store_read\(", code)), len(re.findall(r"\bstore_abort\(", code))
        if began > ended:
            findings.add(path, f"begins {began} read transactions and ends {ended}")
    unsynced = re.findall(r"[^\n]*\bMDB_NO(?:META)?SYNC\b[^\n]*", without_comments(read("daemon/store.c")))
    scratch = re.findall(r"mode == STORE_SCRATCH \|\| store->mode == STORE_RESUME\)\n\s*flags \|= [^;]*MDB_NOSYNC[^;]*;", read("daemon/store.c"))
    if len(unsynced) != 1 or len(scratch) != 1:
        findings.add("daemon/store.c", "leaves out syncs elsewhere than in a scratch store")
    for path, pattern, what in ALWAYS:
        if not re.search(pattern, without_comments(read(path)), re.S):
            findings.add(path, f"no longer {what}")


def check_limits(findings):
    """Each constant of limits.h is used, and has a row in tests/README.md; each row has a constant and names tests."""
    path = os.path.join(ROOT, "tests", "README.md")
    rows = {}
    if os.path.exists(path):
        chapter = read("tests/README.md").partition("\n## Limits\n")[2].partition("\n## ")[0]
        rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", chapter, re.M))
    limits = set(re.findall(r"^#define (\w+)[ \t]+\S", read("proto/limits.h"), re.M))
    code = "\n".join(read(path) for path in tracked([f"{folder}/*.[ch]" for folder in CODE_FOLDERS]) if path != "proto/limits.h")
    for name in sorted(limits - set(rows)):
        findings.add("tests/README.md", f"has no row for the limit {name}")
    for name in sorted(set(rows) - limits):
        findings.add("tests/README.md", f"has a row for {name}, which is no limit")
    for name in sorted(limits):
        if not re.search(r"\b" + name + r"\b", code) and not re.search(r"\b" + name + r"\b.*\n", read("proto/limits.h").replace(f"#define {name}", "")):
            findings.add("proto/limits.h", f"{name} is used by nobody")
    for name, cell in sorted(rows.items()):
        if not re.search(r"`test_\w+\.\w+`", cell) and not re.search(r"not reached: \w", cell):
            findings.add("tests/README.md", f"names no test of {name}, nor why there is none")


def described_routes(text):
    """The rows of FORMAT.md's table of routes: (method, pattern) and the names of their parameters."""
    routes = {}
    for row in re.findall(r"^\| (`(?:GET|POST) [^|]*) \|[^|]*\|(.*)\|$", text, re.M):
        method, stem = row[0][1:].split(" ")[0], ""
        for words in re.findall(r"`([^`]+)`", row[0]):
            path, _, query = words.split(" ")[-1].partition("?")
            if path.startswith("…"):
                path = stem + path[1:]
            # A bundle of a feed's records is a kind of its tiles.
            path = re.sub(r"(/v1/feeds/.*/tile)/entries/", r"\1/", path).replace("{L}/{N}[.p/{W}]", "{*}").replace("{N}[.p/{W}]", "{*}")
            pattern = re.sub(r"{\w+}", "{}", path)
            stem = path.partition("/tile/")[0]
            named = set(re.findall(r"(\w+)=", query)) | set(re.findall(r"`\??(\w+)=\d*`", row[1]))
            routes.setdefault((method, pattern), set()).update(named)
    return routes


def check_tables(findings):
    """FORMAT.md's tables of routes and of refusals name what api.c and err.h have, and nothing else."""
    text, source = read("proto/FORMAT.md"), read("daemon/api.c")
    lists = {name: set(re.findall(r'"(\w+)"', words))
             for name, words in re.findall(r"(\w+)\[\] = {([^}]*)}", source)}
    served = {(method, pattern): lists.get(parameters, set()) for method, pattern, parameters in
              re.findall(r'{HTTP_(\w+), "(/[^"]*)", \w+, \w+, (\w+),', source)}
    described = described_routes(text)
    for route in sorted(set(served) | set(described)):
        if served.get(route) != described.get(route):
            findings.add("proto/FORMAT.md", f"{' '.join(route)}: the table has {described.get(route)}, api.c {served.get(route)}")
    chapter = text.partition("\n## Refusals\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\|[^|]*\| (\d+) \| `(\w+)` \|", chapter, re.M)
    never_sent = set(re.findall(r"`(\w+)`", chapter.partition("never sent:")[2]))
    names = re.findall(r'X\(ERR_\w+,\s*"(\w+)",\s*(\d+),', read("proto/err.h"))
    for name, status in names:
        if (status, name) not in rows and name not in never_sent:
            findings.add("proto/FORMAT.md", f"Refusals: says nothing of {name}, {status}")
    for name in sorted({name for _, name in rows} | never_sent):
        if name not in dict(names) and name != "ok":
            findings.add("proto/FORMAT.md", f"Refusals: {name} is no name of err.h")


def check_python(findings):
    for path in tracked(["tests/*.py", "tests/*/*.py"]):
        try:
            compile(read(path), path, "exec")
        except SyntaxError as error:
            findings.add(path, f"is not Python: {error}")
        if len(read(path).split("\n")) - 1 > LINES_MAX:
            findings.add(path, f"has more than {LINES_MAX} lines")


def check_units(findings):
    """The units are clean, and the services are as shut in as they were."""
    tool = shutil.which("systemd-analyze")
    if tool is None:
        findings.add("systemd", "systemd-analyze is missing")
        return
    with tempfile.TemporaryDirectory() as folder:
        for path in tracked(["systemd/*.service", "systemd/*.socket"]):
            with open(os.path.join(folder, os.path.basename(path)), "w", encoding="utf-8") as file:
                # The program need not be installed to look at its unit.
                file.write(re.sub(r"=/usr/local/s?bin/subsidyd? ", "=/bin/true ", read(path)))
        units = sorted(glob.glob(os.path.join(folder, "*")))
        done = subprocess.run([tool, "verify", "--man=no", *units], capture_output=True, text=True, check=False)
        for line in (done.stdout + done.stderr).splitlines():
            findings.add("systemd", line.replace(folder + "/", ""))
        if done.returncode != 0 and not done.stdout + done.stderr:
            findings.add("systemd", f"systemd-analyze verify ended with {done.returncode}")
        for service in tracked(["systemd/*.service"]):
            done = subprocess.run([tool, "security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE_MAX}",
                                   os.path.join(folder, os.path.basename(service))],
                                  capture_output=True, text=True, check=False)
            if done.returncode != 0:
                verdict = (done.stdout + done.stderr).strip().split("\n")[-1]
                findings.add(service, f"exposure above {EXPOSURE_MAX / 10}: {verdict}")


def check_sample(findings):
    """The sample configuration explains every key, in force or behind a '#'."""
    section, keys = None, set()
    for line in read("systemd/subsidyd.conf").splitlines():
        match = re.fullmatch(r"#?\[(\w+)\]", line)
        section = match.group(1) if match else section
        match = re.match(r"#?(\w+) = ", line)
        if match:
            keys.add((section, match.group(1)))
    code = read("daemon/config.c")
    rules = set(re.findall(r'(?:PATH_RULE\(|    \{)"(\w+)", "(\w+)"', code))
    rules |= {(name, "listen") for name in re.findall(r'ADDRESS_RULE\("(\w+)"', code)}
    for section, key in sorted(rules ^ keys):
        findings.add("systemd/subsidyd.conf", f"[{section}] {key} is not in both the sample and daemon/config.c")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--cflags", default="")
    args = parser.parse_args()
    findings = Findings()
    own = tracked([f"{folder}/*.{ext}" for folder in CODE_FOLDERS for ext in "ch"])
    tests = tracked(["tests/*/*.c", "tests/*/*.h"])
    for path in own + tests:
        text = read(path)
        check_doors(path, text, findings)
        check_direction(path, text, findings)
        check_form(path, text, findings)
        check_pure(path, text, findings)
    cflags = [flag for flag in args.cflags.split() if not flag.startswith(("-W", "-MM", "-MP", "-D_FORTIFY"))]
    headers = [path for path in own if path.endswith(".h")]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(lambda path: check_header_alone(path, cflags, findings), headers))
    check_format([path for path in own if path.endswith(".c")], findings)
    check_promises(findings)
    check_libraries(findings)
    check_limits(findings)
    check_tables(findings)
    check_python(findings)
    check_units(findings)
    check_sample(findings)
    texts.check(args.build, findings)
    translations.check(findings)
    for row in findings.rows:
        print(row)
    print(f"lint: {len(own) + len(tests)} files, {len(findings.rows)} findings")
    return 1 if findings.rows else 0


if __name__ == "__main__":
    sys.exit(main())
