#!/usr/bin/env python3
"""Mutants of the accept paths, made one at a time in a copy of the tree.

  mutate.py list                every mutant, a line each
  mutate.py run [-j N] [-k WORD] [--fraction A/B]
                                builds and runs the tests against each

A mutant that no test catches must be in `equivalent`, with a reason. Ends with
"N passed, M failed": passed are those caught or justified.
"""
import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
TIMEOUT = 120  # seconds for one test program: a mutant may well hang

# Longest first, so that "<=" is not read as "<".
SWAPS = [
    ("<=", ["<", ">"]), (">=", [">", "<"]), ("==", ["!="]), ("!=", ["=="]),
    ("&&", ["||"]), ("||", ["&&"]), ("<", ["<=", ">="]), (">", [">=", "<="]),
]
OPERATOR = re.compile(r"<<=|>>=|<<|>>|->|<=|>=|==|!=|&&|\|\||<|>")
STEP = re.compile(r"(\+\+|--)|([-+|&^])=(?!=)")


class Mutant:
    def __init__(self, path, function, line_number, before, after, what):
        self.path, self.function, self.line_number = path, function, line_number
        self.before, self.after, self.what = before, after, what
        self.key = f"{path} {function}: {' '.join(after.split())}"


def functions_of(lines):
    """(name, first, last) of each function: its braces stand alone in column 0."""
    name, first = None, None
    for i, line in enumerate(lines):
        if line == "{":
            j = i - 1
            while j > 0 and not re.match(r"[a-z_].*?\b(\w+)\(", lines[j]):
                j -= 1
            name, first = re.match(r"[a-z_].*?\b(\w+)\(", lines[j]).group(1), i
        elif line == "}" and name:
            yield name, first, i
            name = None


def code_of(line):
    """The line without comments and texts, the same length."""
    line = re.sub(r'"(\\.|[^"\\])*"', lambda m: '"' + "_" * (len(m.group()) - 2) + '"', line)
    return re.sub(r"/\*.*?(\*/|$)", lambda m: " " * len(m.group()), line)


def conditions(lines, i):
    """The condition of an if or while that begins in line i and ends there."""
    code = code_of(lines[i])
    for m in re.finditer(r"\b(?:if|while) \(", code):
        depth, start = 1, m.end()
        for end in range(start, len(code)):
            depth += {"(": 1, ")": -1}.get(code[end], 0)
            if depth == 0:
                yield start, end
                break


def mutants_of_line(lines, i):
    line, code = lines[i], code_of(lines[i])
    if code.lstrip().startswith(("*", "/*", "//", "assert(", "#include", "_Static_assert")):
        return
    for start, end in conditions(lines, i):
        yield line[:start] + "!(" + line[start:end] + ")" + line[end:], "condition inverted"
    for m in OPERATOR.finditer(code):
        for operator, others in SWAPS:
            if m.group() == operator:
                for other in others:
                    yield line[:m.start()] + other + line[m.end():], f"{operator} -> {other}"
    m = re.match(r"(\s*)return ([^;]+);$", code)
    if m and not re.fullmatch(r"[\w\s]+|.*&\w+.*", m.group(2)) and \
            re.search(r"[(<>=!&|]", m.group(2)):
        yield f"{m.group(1)}return !({line[m.start(2):m.end(2)]});", "result inverted"
    if re.match(r"\s*return (true|false);$", code):
        inverted = ("true", "false") if "true" in line else ("false", "true")
        yield line.replace(*inverted), "result inverted"
    for m in STEP.finditer(code):
        if m.group(1):
            yield line[:m.start()] + line[m.end():] if re.search(r"\w(\+\+|--)|(\+\+|--)\w", code) \
                else line, "step dropped"
        else:
            yield line[:m.start()] + "=" + line[m.end():], "step made a plain assignment"


def mutants_of_limit(lines, i):
    """Constants shifted by one: by one unit of what they count."""
    m = re.match(r"#define (\w+)\s+(.+?)(\s*/\*.*)?$", lines[i])
    if not m or m.group(1).startswith("ADIT_"):
        return
    for shift in ("+", "-"):
        yield f"#define {m.group(1)} (({m.group(2)}) {shift} 1)", f"shifted by {shift}1"


def mutants():
    wanted = {}
    for row in open(os.path.join(HERE, "functions")):
        if row.strip() and not row.startswith("#"):
            path, function = row.split()
            wanted.setdefault(path, set()).add(function)
    seen = {}
    for path, names in wanted.items():
        lines = open(os.path.join(TOP, path)).read().split("\n")
        if path.endswith(".h"):
            places = [("*", i, mutants_of_limit) for i in range(len(lines))]
        else:
            places = [(name, i, mutants_of_line) for name, first, last in functions_of(lines)
                      if name in names or "*" in names for i in range(first + 1, last)]
        for name, i, make in places:
            for after, what in make(lines, i):
                if after == lines[i]:
                    continue
                mutant = Mutant(path, name, i, lines[i], after, what)
                seen[mutant.key] = seen.get(mutant.key, 0) + 1
                if seen[mutant.key] > 1:
                    mutant.key += f" #{seen[mutant.key]}"
                yield mutant


def equivalents():
    reasons, key = {}, None
    for row in open(os.path.join(HERE, "equivalent")):
        row = row.rstrip("\n")
        if row.startswith("\t") and key:
            reasons[key] = row.strip()
        elif row and not row.startswith("#"):
            key = row
    return reasons


def core_tests():
    """The unit tests of floors 0 to 6: those that include nothing of the floors above."""
    folder = os.path.join(TOP, "tests", "unit")
    above = re.compile(r'#include "(text|io|manage|main)/')
    return [name for name in sorted(os.listdir(folder)) if re.fullmatch(r"test_.*\.c", name) and
            not above.search(open(os.path.join(folder, name)).read())]


class Copy:
    """A tree of its own, built once; each mutant is compiled into it and taken out again."""

    PROGRAMS = ["build/mutants/unit", "build/mutants/sim-model"]

    def __init__(self):
        self.top = tempfile.mkdtemp(prefix="adit-mutants-")
        for name in ("src", "tests", "Makefile"):
            source = os.path.join(TOP, name)
            copy = shutil.copytree if os.path.isdir(source) else shutil.copy
            copy(source, os.path.join(self.top, name))
        self.build(check=True)

    def build(self, check=False):
        return subprocess.run(["make", "-s", "BUILD=mutants", *self.PROGRAMS], cwd=self.top,
                              capture_output=not check, check=check).returncode == 0

    def passes(self):
        commands = [[self.PROGRAMS[0], *core_tests()], [self.PROGRAMS[1], "--seeds", "60"]]
        for command in commands:
            try:
                done = subprocess.run(command, cwd=self.top, capture_output=True, timeout=TIMEOUT)
            except subprocess.TimeoutExpired:
                return False
            if done.returncode:
                return False
        return True

    def write(self, mutant, line):
        path = os.path.join(self.top, mutant.path)
        lines = open(path).read().split("\n")
        lines[mutant.line_number] = line
        open(path, "w").write("\n".join(lines))

    def judge(self, mutant):
        self.write(mutant, mutant.after)
        if not self.build():
            verdict = "does not compile"
        else:
            verdict = "survived" if self.passes() else "caught"
        self.write(mutant, mutant.before)
        return verdict

    def remove(self):
        shutil.rmtree(self.top)


def run(chosen, jobs):
    reasons = equivalents()
    copies = [Copy() for _ in range(jobs)]
    counts = {"caught": 0, "survived": 0, "equivalent": 0, "does not compile": 0}
    try:
        if not copies[0].passes():
            sys.exit("the tests fail without any mutant")
        free = list(copies)

        def judge(mutant):
            copy = free.pop()
            try:
                return mutant, copy.judge(mutant)
            finally:
                free.append(copy)

        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for mutant, verdict in pool.map(judge, chosen):
                if verdict == "survived" and mutant.key in reasons:
                    verdict = "equivalent"
                counts[verdict] += 1
                if verdict == "survived":
                    print(f"survived: {mutant.key}\n\t{mutant.what}, line {mutant.line_number + 1}",
                          flush=True)
    finally:
        for copy in copies:
            copy.remove()
    print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
    print(f"{counts['caught'] + counts['equivalent']} passed, {counts['survived']} failed")
    return counts["survived"] != 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("verb", choices=["list", "run"])
    parser.add_argument("-j", type=int, default=os.cpu_count())
    parser.add_argument("-k", default="", help="only mutants with this in their name")
    parser.add_argument("--fraction", default="1/1", help="A/B: the A-th of B parts")
    arguments = parser.parse_args()
    part, parts = map(int, arguments.fraction.split("/"))
    chosen = [m for i, m in enumerate(mutants())
              if arguments.k in m.key and i % parts == part - 1]
    if arguments.verb == "list":
        for mutant in chosen:
            print(f"{mutant.key}\n\t{mutant.what}, line {mutant.line_number + 1}")
        print(len(chosen), "mutants")
        return 0
    return run(chosen, arguments.j)


sys.exit(main())
