"""One file as the rules see it: its lines, its text without comments and literals, and its blocks in braces."""

import os
import re

CODE_ROOTS = ("harness", "targets", "bench")
CODE_SUFFIXES = (".h", ".cc", ".c", ".S")

RULES = {}       # of one file: name -> function(source) giving (line, message)
TREE_RULES = {}  # of all files together: name -> function(sources) giving (path, line, message)


def rule(name):
    def register(function):
        RULES[name] = function
        return function
    return register


def tree_rule(name):
    def register(function):
        TREE_RULES[name] = function
        return function
    return register


class Source:
    """One file: its path from the root, its lines, and for C++ its lines without comments and literals."""

    def __init__(self, root, path):
        self.path = path
        with open(os.path.join(root, path), encoding="utf-8", errors="replace") as stream:
            self.text = stream.read()
        self.lines = self.text.split("\n")
        if self.lines and self.lines[-1] == "":
            self.lines.pop()
        self.parts = path.split("/")
        self.suffix = os.path.splitext(path)[1]
        self.is_code = self.parts[0] in CODE_ROOTS and self.suffix in CODE_SUFFIXES
        self.is_test = path.endswith("_test.cc")
        self.is_cpp = self.is_code and self.suffix != ".S"
        self.bare = blank_out(self.text).split("\n") if self.is_cpp else self.lines
        self._blocks = None

    @property
    def room(self):
        """The room of harness/ that the file is in, or None."""
        return self.parts[1] if self.parts[0] == "harness" and len(self.parts) > 2 else None

    def allows(self, line_number, name):
        return f"lint: allow({name})" in self.lines[line_number - 1]

    def includes(self):
        """(line, path) of every include in quotes."""
        for number, line in enumerate(self.lines, 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if match:
                yield number, match.group(1)

    def blocks(self):
        if self._blocks is None:
            self._blocks = find_blocks("\n".join(self.bare)) if self.is_cpp else []
        return self._blocks


def blank_out(text):
    """Replaces comments, string and character literals with spaces, keeping the line structure."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"([^()\\\s]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Fa-f])\'(?:\\.|[^\'\\\n])+\'',
        re.DOTALL)
    keep_includes = re.compile(r'^[ \t]*#[ \t]*include[^\n]*$', re.MULTILINE)
    starts = dict(m.span() for m in keep_includes.finditer(text))

    def blank(match):
        for start, end in starts.items():
            if start <= match.start() < end and match.group(0).startswith('"'):
                return match.group(0)
        return re.sub(r"[^\n]", " ", match.group(0))
    return pattern.sub(blank, text)


FUNCTION_HEAD = re.compile(r"\)\s*(const|noexcept(\([^)]*\))?|override|final|mutable|&{1,2}|->\s*[\w:<>,&*\s]+|\s)*"
                           r"(:[^;]*)?$", re.DOTALL)
NOT_A_FUNCTION = re.compile(r"^\s*(template\s*<.*>\s*)?(namespace|class|struct|union|enum|extern)\b", re.DOTALL)
ATTRIBUTE = r"(?:\[\[[^\]]*\]\]|alignas\s*\([^)]*\)|__attribute__\s*\(\(.*?\)\))"
TYPE_HEAD = re.compile(rf"(?:^|[\s>])(class|struct|union)\s+(?:{ATTRIBUTE}\s*)*([\w:]*(?:<[^{{;]*>)?)\s*(?:final\s*)?(?::(?!:)[^{{;]*)?$",
                       re.DOTALL)
NAMESPACE_HEAD = re.compile(r"(?:^|\s)(?:inline\s+)?namespace(?:\s+([\w:]+))?\s*$")


def without_directives(head):
    return re.sub(r"^\s*#[^\n]*(\\\n[^\n]*)*", " ", head, flags=re.MULTILINE)


def opens_function(head):
    """Whether the text before a '{', from the end of the previous statement, is a function's head."""
    head = without_directives(head)
    if NOT_A_FUNCTION.match(head) and not FUNCTION_HEAD.search(head):
        return False
    return bool(FUNCTION_HEAD.search(head)) and not re.search(r"(^|[^=!<>])=\s*$", head)


def initialises_member(head):
    """Whether the '{' after `head` is that of `S() : member_{1}`, not that of the body."""
    return bool(re.search(r"\)\s*(noexcept\s*)?:(?!:).*[\w>]$", head, re.DOTALL))


class Block:
    """A pair of braces. kind: namespace, type, enum, function, or other (what is within a function is always other)."""

    def __init__(self, kind, name, keyword, first, open_line, start, parent):
        self.kind, self.name, self.keyword, self.first, self.open_line = kind, name, keyword, first, open_line
        self.start, self.parent = start, parent
        self.end = self.last = None

    def enclosing(self):
        block = self.parent
        while block is not None:
            yield block
            block = block.parent

    def namespace(self):
        """Names of the namespaces around it, outermost first; "" stands for one without a name."""
        return [block.name for block in list(self.enclosing())[::-1] if block.kind == "namespace"]


def kind_of(head, parent):
    """(kind, name, keyword) of the block that opens after `head`."""
    if parent is not None and any(b.kind == "function" for b in [parent, *parent.enclosing()]):
        return "other", "", ""
    if initialises_member(head):
        return "initialiser", "", ""
    bare = re.sub(r"^\s*(public|private|protected)\s*:(?!:)", " ", without_directives(head))
    match = NAMESPACE_HEAD.search(bare)
    if match:
        return "namespace", match.group(1) or "", ""
    if re.match(r"\s*(typedef\s+)?enum\b", bare):
        match = re.search(r"enum\s+(?:class\s+|struct\s+)?(\w+)", bare)
        return "enum", match.group(1) if match else "", "enum"
    match = TYPE_HEAD.search(bare)
    if match and "(" not in re.sub(ATTRIBUTE, "", bare[:match.start(1)]) and "=" not in bare[:match.start(1)]:
        return "type", match.group(2), match.group(1)
    return ("function", "", "") if opens_function(head) else ("other", "", "")


def find_blocks(text):
    """All blocks of the text (comments and literals are blank in it), in the order in which they open."""
    blocks, stack, head_start, line = [], [], 0, 1
    for position, character in enumerate(text):
        if character == "\n":
            line += 1
        elif character == "{":
            head = text[head_start:position]
            parent = stack[-1] if stack else None
            kind, name, keyword = kind_of(head, parent)
            skipped = re.match(r"(\s*#[^\n]*(\\\n[^\n]*)*\n)*\s*((public|private|protected)\s*:(?!:)\s*)?", head).end()
            first = text.count("\n", 0, head_start + skipped) + 1
            block = Block(kind, name, keyword, first, line, position, parent)
            blocks.append(block)
            stack.append(block)
            if kind == "initialiser":
                continue
        elif character == "}" and stack:
            block = stack.pop()
            block.end, block.last = position, line
            if block.kind == "initialiser":
                continue
        if character in "{};":
            head_start = position + 1
    return [block for block in blocks if block.end is not None and block.kind != "initialiser"]
