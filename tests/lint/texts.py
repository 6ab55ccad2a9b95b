"""That the manual pages and the completion say what the programs do: no command, option, order type, value, setting,
variable, signal or exit code is missing there, and none is there that is not in the programs.

Read from the programs' own --help and from the tables in the code; the completion is asked by running it.
Called by lint.py.
"""
import collections
import os
import re
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLIENT_PAGE = "client/subsidy.1"
OWN_PAGES = {"push": "client/subsidy-push.1", "order": "client/subsidy-order.1",
             "monitor": "client/subsidy-monitor.1"}
DAEMON_PAGE = "daemon/subsidyd.8"
CONFIG_PAGE = "daemon/subsidyd.conf.5"
PAGES = [CLIENT_PAGE, *OWN_PAGES.values(), DAEMON_PAGE, CONFIG_PAGE, "proto/subsidy-format.7"]
COMPLETION = "client/subsidy.bash"
FOREIGN_PAGES = {"bash(1)"}
EXAMPLE = re.compile(r"^  (?!.*   )(subsidyd?) \S", re.M)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def compare(findings, place, what, here, there):
    """`here` is what the programs have, `there` what stands at `place`."""
    for missing in sorted(here - there):
        findings.add(place, f"lacks {what} {missing}")
    for surplus in sorted(there - here):
        findings.add(place, f"has {what} {surplus}, which the programs have not")


# ---- the programs

def ask(findings, program, *args):
    """What a program prints of itself, in English; None where it can't be asked."""
    if not os.path.exists(program):
        findings.add(program, "is not built")
        return None
    done = subprocess.run([program, *args], capture_output=True, text=True, check=False, timeout=60,
                          env={"LC_ALL": "C.UTF-8", "HOME": "/nonexistent"})
    if done.returncode != 0:
        findings.add(" ".join([os.path.basename(program), *args]), f"ends with {done.returncode}")
        return None
    return done.stdout


def rows_of(text, heading):
    """{"--key": "file"} of the table below a heading; a flag has ""."""
    rows = {}
    if heading not in text:
        return rows
    for line in text.partition(heading)[2].partition("\n\n")[0].splitlines():
        match = re.match(r"  (-\S+)(?: (\S+))? ", line)
        if match:
            rows[match.group(1)] = (match.group(2) or "").casefold()
    return rows


def check_help(findings, name, text):
    if not EXAMPLE.search(text.partition("\n\n")[2]):
        findings.add(f"{name} --help", "shows no example")
    if "Exit codes:" not in text:
        findings.add(f"{name} --help", "names no exit codes")


def exit_codes(text):
    return set(re.findall(r"(?:^|[ ,:])(\d+) ", re.sub(r"\n", " ", text.partition("Exit codes:")[2])))


# ---- the pages

def section(page, name):
    """The text below `.Sh name` or `.Ss name`, up to the next of its kind or above."""
    match = re.search(rf"^\.(S[hs]) {re.escape(name)}\n", page, re.M)
    if not match:
        return ""
    end = r"^\.Sh " if match.group(1) == "Sh" else r"^\.S[hs] "
    return re.split(end, page[match.end():], maxsplit=1, flags=re.M)[0]


def options_of(text):
    """{"--key": "file"} of all `.It Fl -key Ar file`; further names of one item stand behind a comma."""
    options = {}
    for line in re.findall(r"^\.It (Fl .*)$", text, re.M):
        for part in line.split(" , "):
            words = part.split()
            if words[0] == "Fl":
                options["-" + words[1]] = "".join(word for word in words[2:] if word not in ("Ar", "Ns")).casefold()
    return options


def items_of(text, macro):
    """{name: text} of the items `.It Cm name`, each up to the next of them."""
    parts = re.split(rf"^\.It {macro} (.*)\n", text, flags=re.M)
    return {name: body for names, body in zip(parts[1::2], parts[2::2])
            for name in re.split(rf" , {macro} ", names)}


def check_mandoc(findings):
    tool = shutil.which("mandoc")
    if tool is None:
        findings.add("mandoc", "is missing")
        return
    own = set()
    for path in PAGES:
        name, number = os.path.basename(path).rsplit(".", 1)
        own.add(f"{name}({number})")
        done = subprocess.run([tool, "-T", "lint", "-W", "style", path], cwd=ROOT, capture_output=True, text=True, check=False)
        for line in (done.stdout + done.stderr).splitlines():
            # Whether other pages are installed on this machine says nothing about ours; which they are, is checked below.
            if "referenced manual not found" not in line and "outdated mandoc.db" not in line:
                findings.add("mandoc", line.removeprefix("mandoc: "))
    for path in PAGES:
        for name, number in re.findall(r"^\.Xr (\S+) (\d)", read(path), re.M):
            if f"{name}({number})" not in own | FOREIGN_PAGES:
                findings.add(path, f"refers to {name}({number}), which is not ours")


# ---- the completion

def complete(words):
    """What bash offers behind these words; the last one is being typed."""
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _"$1"; '
              '[ ${#COMPREPLY[@]} = 0 ] || printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "--norc", "-uc", script, "-", os.path.join(ROOT, COMPLETION), *words],
                          capture_output=True, text=True, check=False, timeout=60)
    return set(done.stdout.split()) | ({done.stderr.strip()} if done.stderr else set())


# ---- the client

def check_command(findings, program, name, global_options):
    text = ask(findings, program, name, "--help")
    if text is None:
        return None
    check_help(findings, f"subsidy {name}", text)
    options = rows_of(text, "Options of this command:")
    page = OWN_PAGES.get(name, CLIENT_PAGE)
    part = read(page) if name in OWN_PAGES else section(read(page), name)
    documented = options_of(part)
    place = page if name in OWN_PAGES else f"{page} ({name})"
    compare(findings, place, "the option", {f"{key} {value}" for key, value in options.items()},
            {f"{key} {value}" for key, value in documented.items()})
    if f"$ subsidy {name}" not in part:
        findings.add(place, f"shows no example of subsidy {name}")
    offered = complete(["subsidy", name, "-"])
    compare(findings, COMPLETION, f"behind {name} the option", set(options) | set(global_options), offered)
    return text


def set_keys():
    """{type: {key}} of --set, and the keys that every type takes, from client/order_set.c."""
    names = dict(re.findall(r'\[ORDER_(\w+)\] = "([\w.]+)"', read("proto/order.c")))
    code = read("client/order_set.c")
    macros = {name: re.findall(r"ORDER_(\w+)", value)
              for name, value in re.findall(r"#define (\w+) \((.*)\)$", code, re.M) if "ORDER_" in value}
    keys, common = collections.defaultdict(set), set()
    for name in names.values():
        keys[name] = set()
    for key, types in re.findall(r'\{"(\w+)",\s*([^{}]*?),\s*(?:true|false)\}', code):
        if "TYPES_ALL" in types:
            common.add(key)
            continue
        found = re.findall(r"ORDER_(\w+)", types)
        for macro, members in macros.items():
            if re.search(rf"\b{macro}\b", types):
                found += members
        for member in found:
            keys[names[member]].add(key)
    # Not an order of its own, but two: it takes what both take.
    header = read("client/order_replace.h")
    both = re.findall(r"ORDER_(\w+)", re.search(r"#define ORDER_REPLACE_TYPES (.*)", header).group(1))
    replace = re.search(r'#define ORDER_REPLACE_NAME "(.*)"', header).group(1)
    keys[replace] = set().union(*(keys[names[member]] for member in both))
    return keys, common


def check_orders(findings, text):
    keys, common = set_keys()
    types = set(keys) | {"genesis"}
    compare(findings, "subsidy order --help", "the order", types, set(re.findall(r"^([a-z]+\.[a-z]+|genesis) {2,}", text, re.M)))
    part = section(read(OWN_PAGES["order"]), "ORDERS")
    items = items_of(part.partition("\nEvery order also takes\n")[0], "Cm")
    compare(findings, OWN_PAGES["order"], "the order", types, set(items))
    compare(findings, OWN_PAGES["order"], "for every order the value", common,
            set(re.findall(r"^\.Ic (\w+) Ns =", part.partition("\nEvery order also takes\n")[2], re.M)))
    for name in sorted(types & set(items)):
        own = keys.get(name, set())
        compare(findings, f"{OWN_PAGES['order']} ({name})", "the value", own,
                set(re.findall(r"^\.Ic (\w+) Ns =", items[name], re.M)))
        compare(findings, COMPLETION, f"behind order {name} --set the value",
                {f"{key}=" for key in own | (common if name in keys else set())},
                complete(["subsidy", "order", name, "--set", ""]))
    verbs = set(re.findall(r"^ +subsidy order ([a-z]+) NOTE", text, re.M))
    compare(findings, OWN_PAGES["order"], "in the synopsis", verbs,
            set(re.findall(r"^\.Nm subsidy Cm order ([a-z]+)$", section(read(OWN_PAGES["order"]), "SYNOPSIS"), re.M)))
    compare(findings, COMPLETION, "behind order", types | verbs, complete(["subsidy", "order", ""]))


def variables_of(folder):
    code = "\n".join(read(os.path.join(folder, name)) for name in os.listdir(os.path.join(ROOT, folder)) if name.endswith(".c"))
    return set(re.findall(r'\b(?:getenv|path_below)\("(\w+)"', code))


def check_client(findings, program):
    text = ask(findings, program, "--help")
    if text is None:
        return
    check_help(findings, "subsidy", text)
    options = rows_of(text, "before or after the command:")
    commands = {match.group(1) for match in re.finditer(r"^  ([a-z]+) {2,}", text.partition("before or after")[0], re.M)}
    page = read(CLIENT_PAGE)
    compare(findings, CLIENT_PAGE, "the option", {f"{key} {value}" for key, value in options.items()},
            {f"{key} {value}" for key, value in options_of(section(page, "OPTIONS")).items()})
    compare(findings, CLIENT_PAGE, "the command", commands, set(re.findall(r"^\.Ss (\S+)$", section(page, "COMMANDS"), re.M)))
    compare(findings, COMPLETION, "the command", commands, complete(["subsidy", ""]))
    compare(findings, COMPLETION, "the option", set(options), complete(["subsidy", "-"]))
    compare(findings, CLIENT_PAGE, "the exit code", exit_codes(text), set(re.findall(r"^\.It (\d+)$", section(page, "EXIT STATUS"), re.M)))
    variables = {f"SUBSIDY_{key[2:].upper()}" for key, value in options.items() if value} | variables_of("client")
    guide = re.search(r"names\[\] = \{(.*?)\}", read("client/guide.c"), re.S)
    variables |= set(re.findall(r'"(\w+)"', guide.group(1))) if guide else set()
    compare(findings, CLIENT_PAGE, "the variable", variables, set(items_of(section(page, "ENVIRONMENT"), "Ev")))
    for name in sorted(commands):
        command_text = check_command(findings, program, name, options)
        if name == "order" and command_text is not None:
            check_orders(findings, command_text)


# ---- the daemon

def check_daemon(findings, program):
    text = ask(findings, program, "--help")
    if text is None:
        return
    check_help(findings, "subsidyd", text)
    page = read(DAEMON_PAGE)
    usage = text.partition("\n\n")[0]
    options = {"--" + name for name in re.findall(r'^\s+\{"([\w-]+)", (?:required|no)_argument', read("daemon/main.c"), re.M)}
    options |= {"-" + letter for letter in re.search(r'getopt_long\(argc, argv, "([\w:]+)"', read("daemon/main.c")).group(1) if letter != ":"}
    commands = set(re.findall(r"^  subsidyd ([a-z]+) ", usage, re.M))
    compare(findings, "subsidyd --help", "the option", options - {"-h"}, set(re.findall(r"(?<![\w-])--?[a-z]+(?:-[a-z]+)*", text)))
    compare(findings, DAEMON_PAGE, "the option", options, set(options_of(section(page, "Options"))))
    compare(findings, DAEMON_PAGE, "the command", commands, set(items_of(section(page, "Commands"), "Cm")))
    compare(findings, COMPLETION, "for subsidyd the command", commands, complete(["subsidyd", ""]))
    compare(findings, COMPLETION, "for subsidyd the option", options - {"-h"}, complete(["subsidyd", "-"]))
    compare(findings, DAEMON_PAGE, "the exit code", exit_codes(text), set(re.findall(r"^\.It (\d+)$", section(page, "EXIT STATUS"), re.M)))
    signals = {"SIG" + name for name in re.findall(r"\b(?:SIG)?([A-Z]{3,}\d?)\b", text.partition("Signals:")[2].partition("Exit codes:")[0])}
    compare(findings, DAEMON_PAGE, "the signal", signals, set(items_of(section(page, "Signals"), "Dv")))
    handled = set(re.findall(r"evsignal_new\(\w+, (SIG\w+)", read("daemon/server.c")))
    compare(findings, "subsidyd --help", "the signal", handled, signals)
    compare(findings, DAEMON_PAGE, "the variable", variables_of("daemon"), set(items_of(section(page, "ENVIRONMENT"), "Ev")))


def check_config(findings):
    code, page = read("daemon/config.c"), read(CONFIG_PAGE)
    rules = set(re.findall(r'(?:PATH_RULE\(|    \{)"(\w+)", "(\w+)"', code))
    rules |= {(name, "listen") for name in re.findall(r'ADDRESS_RULE\("(\w+)"', code)}
    documented = {(name, key) for name in re.findall(r"^\.Ss (\w+)$", page, re.M) for key in items_of(section(page, name), "Cm")}
    compare(findings, CONFIG_PAGE, "the setting", {f"[{name}] {key}" for name, key in rules}, {f"[{name}] {key}" for name, key in documented})


def check(build, findings):
    check_mandoc(findings)
    check_client(findings, os.path.join(ROOT, build, "subsidy"))
    check_daemon(findings, os.path.join(ROOT, build, "subsidyd"))
    check_config(findings)
