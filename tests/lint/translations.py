"""Every text that people read has one row in the table of translations, and every row is used.

    python3 tests/lint/translations.py [--missing]

Texts are found where they are said: as the format of why_set and the like, in T("…") and TEXT("…"), as titles of
tables, in the help of commands and options, and in the list of errors. A row must take the same conversions as its
English text, in another order only by %1$s and the like, and its Chinese must be Chinese.
"""
import collections
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TABLES = "proto/text_zh_*.c"

# Which argument of a call is a text.
CALLS = {
    "T": 0, "TEXT": 0, "why_set": 2, "why_set_cause": 3, "step_add": 2, "policy_json_refuse": 2,
    "out_usage": 0, "out_info": 0, "out_fail": 2, "faults_print": 2, "view_say": 0, "view_field": 1,
    "table_word": 1, "table_cellf": 1, "rows_complain": 4, "items_complain": 4, "complain": 2, "cell_word": 4,
    "field": 1, "keys_add": 1, "quorum_add": 1, "fail_unverified": 1,
}

# These speak to the operator of the daemon alone: on its console, in its log, in answers for machines.
OPERATOR = {
    "daemon/" + name + ".c" for name in (
        "address backup child compare config config_check control control_ask copy eras evidence finding folder guard init"
        " inherit keyfile main memory metrics mirror replay replica restore restore_loss server snapshot store store_file tls trustfile"
        " verify"
    ).split()
}
# Sentences that no reader's language changes: letters are in both, examples are what a file holds, usage lines are commands.
UNTRANSLATED = {"client/letter.c", "client/guide.c"}
SENTENCE = re.compile(r"[a-z]{2,} [a-z(`]|[a-z]{2}; ")
# Formats of the machine's libraries, as literal in a string.
MACROS = {"PRIu64": "lu", "PRId64": "ld", "PRIu32": "u", "PRId32": "d", "JSON_INTEGER_FORMAT": "lld"}

TOKEN = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|\w+|[^\w\s]', re.S)
CONVERSION = re.compile(r"%(?:(\d+)\$)?([-+ #0]*)(\*|\d+)?(\.(?:\*|\d+))?(hh|h|ll|l|z|j|t)?([diouxXcsmp%])")
CHINESE = re.compile(r"[\u3400-\u9fff\u3001-\u3011\uff01-\uff5e]")   # its marks, too
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "'": "'", "0": "\0"}

Text = collections.namedtuple("Text", "place text")


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def unescape(literal):
    def one(match):
        code = match.group(1)
        return chr(int(code[1:], 16)) if code[0] == "x" else ESCAPES.get(code, code)
    return re.sub(r"\\(x[0-9a-fA-F]{2}|.)", one, literal[1:-1])


def tokens(code):
    """Strings, names and marks with their lines; comments left out."""
    line, at = 1, 0
    for match in TOKEN.finditer(code):
        line += code.count("\n", at, match.start())
        at = match.start()
        if not match.group(0).startswith(("/*", "//")):
            yield match.group(0), line


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def defined_strings(code):
    """Macros that stand for a string."""
    found = dict(MACROS)
    for match in re.finditer(r'^#define (\w+)[ \t\\\n]+((?:"(?:\\.|[^"\\\n])*"[ \t]*(?:\\\n[ \t]*)?)+)\s*?$', code, re.M):
        found[match.group(1)] = "".join(
            unescape(piece) for piece in re.findall(r'"(?:\\.|[^"\\\n])*"', match.group(2)))
    return found


def literals(stream, macros):
    """Maximal runs of string literals and string macros: (line, text)."""
    run, first, is_string = [], 0, False
    for token, line in list(stream) + [("", 0)]:
        if token.startswith('"') or token in macros:
            if not run:
                first = line
            run.append(unescape(token) if token.startswith('"') else macros[token])
            is_string = True
        elif run:
            if is_string:
                yield first, "".join(run)
            run, is_string = [], False


def arguments(stream, start):
    """The arguments of the call whose '(' is at `start`, as slices of the stream."""
    depth, begin, found = 0, start + 1, []
    for at in range(start, len(stream)):
        token = stream[at][0]
        if token in "([{":
            depth += 1
        elif token in ")]}":
            depth -= 1
            if depth == 0:
                found.append(stream[begin:at])
                return found
        elif token == "," and depth == 1:
            found.append(stream[begin:at])
            begin = at + 1
    return found


def is_text(text):
    """Is there anything in it to translate?"""
    return re.search(r"[A-Za-z]", CONVERSION.sub("", text)) is not None


def groups(stream, start):
    """The members of each {…} within the initializer whose '{' is at `start`."""
    depth = 0
    for at in range(start, len(stream)):
        token = stream[at][0]
        if token == "{":
            depth += 1
            if depth == 2:
                yield arguments(stream, at)
        elif token == "}":
            depth -= 1
            if depth == 0:
                return


def stream_of(code):
    """Tokens without those of the preprocessor, and what its macros stand for."""
    macros = defined_strings(code)
    return list(tokens(re.sub(r"^#(?:\\\n|[^\n])*", blank, code, flags=re.M))), macros


def texts_of(path):
    stream, macros = stream_of(read(path))
    for at, (token, line) in enumerate(stream):
        following = stream[at + 1][0] if at + 1 < len(stream) else ""
        parts = []
        if token in CALLS and following == "(":
            given = arguments(stream, at + 1)
            if len(given) > CALLS[token]:
                parts = [given[CALLS[token]]]
        elif token in ("summary", "help") and following == "=" and stream[at - 1][0] == ".":
            end = next(i for i in range(at, len(stream)) if stream[i][0] in ",}")
            parts = [stream[at + 2:end]]
        elif token in ("option", "table_column") and stream[at - 1][0] == "struct":
            opened = next((i for i in range(at, min(at + 9, len(stream))) if stream[i][0] in "{;)"), None)
            if opened is not None and stream[opened][0] == "{":
                parts = [row[2 if token == "option" else 0] for row in groups(stream, opened)
                         if len(row) > (2 if token == "option" else 0)]
        for part in parts:
            for first, text in literals(part, macros):
                yield Text(f"{path}:{first}", text)


def unmarked(path):
    """Sentences of the client that go where nobody looks for a translation."""
    marked = {text.text for text in texts_of(path)}
    code = re.sub(r"\b(?:_Static_)?assert\([^;]*;|\.usage = [^,]*,", blank, read(path))
    stream, macros = stream_of(code)
    for line, text in literals(stream, macros):
        if text not in marked and SENTENCE.search(text):
            yield Text(f"{path}:{line}", text)


def errors():
    for match in re.finditer(r'X\(\w+,\s*"\w+",\s*\d+,\s*("(?:\\.|[^"\\])*")\)', read("proto/err.h")):
        yield Text("proto/err.h", unescape(match.group(1)))


def rows():
    for path in sorted(glob.glob(os.path.join(ROOT, TABLES))):
        path = os.path.relpath(path, ROOT)
        stream = list(tokens(re.sub(r"^#include.*$", "", read(path), flags=re.M)))
        opened = next(i for i, token in enumerate(stream) if token[0] == "{")
        for row in groups(stream, opened):
            english, chinese = [list(literals(part, MACROS)) for part in row]
            if english:
                yield f"{path}:{english[0][0]}", english[0][1], chinese[0][1]


def conversions(text, findings, place):
    """By place of argument: how it is converted. Positions must be given for all or for none."""
    found, next_place, positions = [], 1, set()
    for match in CONVERSION.finditer(text):
        position, _, width, precision, length, kind = match.groups()
        if kind in "%m":
            continue
        positions.add(position is not None)
        for star in (width, precision):
            if star and "*" in star:
                found.append((next_place, "*"))
                next_place += 1
        found.append((int(position) if position else next_place, (length or "") + kind))
        next_place += 1
    if len(positions) > 1:
        findings.add(place, "has places for some arguments and not for others")
    return sorted(found)


def check(findings):
    sources = sorted(os.path.relpath(path, ROOT) for folder in ("proto", "daemon", "client")
                     for path in glob.glob(os.path.join(ROOT, folder, "*.[ch]")))
    used = collections.OrderedDict()
    for path in sources:
        if path not in OPERATOR and not path.startswith("proto/text"):
            for text in texts_of(path):
                used.setdefault(text.text, text.place)
        if path.startswith("client/") and path not in UNTRANSLATED:
            for text in unmarked(path):
                findings.add(text.place, f"say T() or TEXT() of \"{text.text[:60]}\"")
    for text in errors():
        used.setdefault(text.text, text.place)
    known, before = {}, ("", b"")
    for place, english, chinese in rows():
        path, order = place.partition(":")[0], english.encode()
        if before[0] == path and order <= before[1]:
            findings.add(place, "is not in the order of the English: text_of would not find it")
        before = path, order
        if english in known:
            findings.add(place, f"a second row of \"{english[:60]}\"; the first is {known[english]}")
        known[english] = place
        if english not in used:
            findings.add(place, f"nothing says \"{english[:60]}\"")
        if not CHINESE.search(chinese):
            findings.add(place, "its Chinese is not Chinese")
        if conversions(english, findings, place) != conversions(chinese, findings, place):
            findings.add(place, "its Chinese does not take the conversions of the English")
    missing = [(text, place) for text, place in used.items() if text not in known and is_text(text)]
    for text, place in missing:
        findings.add(place, f"no Chinese of \"{text[:60]}\"")
    return missing


class Printing:
    """What lint.py gives, for this script alone."""

    def __init__(self):
        self.count = 0

    def add(self, place, text):
        self.count += 1
        if "--missing" not in sys.argv:
            print(f"{place}: {text}".replace("\n", "\\n"))


def main():
    findings = Printing()
    missing = check(findings)
    if "--missing" in sys.argv:
        for text, place in missing:
            print(place, repr(text))
    return 1 if findings.count else 0


if __name__ == "__main__":
    sys.exit(main())
