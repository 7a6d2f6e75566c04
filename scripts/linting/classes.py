"""Rules on classes: their length, their methods and data members."""

import re

from linting.source import ATTRIBUTE, initialises_member, opens_function, rule, without_directives

MAX_CLASS_LINES = 200
MAX_METHODS = 20
MAX_MEMBERS = 12
PLAIN = "plain data"  # the words that a struct with many members and no methods says of itself


def is_assigned(head):
    """Whether a value follows: a lambda's braces are no method's."""
    return bool(re.search(r"(?<![=!<>])=(?!=)", re.sub(r"\([^()]*\)|operator\s*\S+", "", head)))


def statements(text):
    """The statements of a class body, what stands within braces left out: (text, whether it ended with a function's body)."""
    depth, parentheses, out, is_body = 0, 0, "", False
    initialisers = []
    for character in text:
        if character == "{":
            if depth == 0 and not initialisers and not initialises_member(out) and opens_function(out) and not is_assigned(out):
                is_body = True
            if depth == 0 and not is_body and initialises_member(out):
                initialisers.append(depth)
            depth += 1
            out += "{" if depth == 1 else ""
        elif character == "}":
            depth -= 1
            out += "}" if depth == 0 else ""
            if depth == 0 and initialisers:
                initialisers.pop()
            elif depth == 0 and is_body:
                yield out, True
                out, is_body = "", False
        elif depth == 0:
            parentheses += (character == "(") - (character == ")")
            if character == ";" and parentheses == 0:
                yield out, False
                out = ""
            else:
                out += character


def without_templates(text):
    text = re.sub(r"operator\s*(<=>|<<|>>|<=|>=|->|<|>)", "operator_", text).replace("->", "  ")
    while True:
        shorter = re.sub(r"<[^<>]*>", "", text)
        if shorter == text:
            return text
        text = shorter


def members_of(text):
    """(methods, data members) declared directly in a class body, comments and literals being blank in it."""
    methods = data = 0
    for statement, is_body in statements(text):
        bare = without_directives(statement)
        bare = re.sub(ATTRIBUTE, " ", bare)
        bare = re.sub(r"\b(public|private|protected)\s*:(?!:)", " ", bare).strip()
        bare = re.sub(r"^template\s*<.*?>\s*(?=[\w~])", "", bare, flags=re.DOTALL)
        if not bare or re.match(r"(using|typedef|friend|static_assert|enum)\b", bare):
            continue
        nested = re.match(r"(class|struct|union)\b[^(]*?(\{\}|$)(.*)$", bare, re.DOTALL)
        if nested and (nested.group(2) == "" or not nested.group(3).strip()):
            # A declaration `struct X`, `struct X {...}`; but `struct x a` in C is a member.
            if nested.group(2) == "{}" or len(bare.split()) == 2:
                continue
        flat = without_templates(bare)
        if re.search(r"=\s*(default|delete)$", flat):
            continue
        if is_body or re.match(r"[^={]*?[\w~\])]\s*\(", flat) and not re.search(r"\(\s*[\w:]*\*", flat.split("=")[0][:60]):
            methods += 1
            continue
        words = flat.split("=")[0].split()
        if "constexpr" not in words and not {"static", "const"} <= set(words):
            data += 1 + re.sub(r"=[^,]*", "", re.sub(r"\([^()]*\)|\[[^\]]*\]", "", flat)).count(",")
    return methods, data


def comment_above(source, line):
    """The comment lines right above a line."""
    out, number = [], line - 1
    while number >= 1 and source.lines[number - 1].lstrip().startswith(("//", "template")):
        out.append(source.lines[number - 1].strip(" /"))
        number -= 1
    return " ".join(reversed(out))


@rule("class-length")
def class_length(source):
    text = "\n".join(source.bare)
    for block in source.blocks():
        if block.kind != "type":
            continue
        name, lines = block.name or "a type without a name", block.last - block.first + 1
        if lines > MAX_CLASS_LINES:
            yield block.first, f"{name}: {lines} lines, at most {MAX_CLASS_LINES}"
        methods, data = members_of(text[block.start + 1:block.end])
        if methods > MAX_METHODS:
            yield block.first, f"{name}: {methods} methods, at most {MAX_METHODS}"
        if methods and data > MAX_MEMBERS:
            yield block.first, f"{name}: {data} data members, at most {MAX_MEMBERS} in a type with methods"
        elif not methods and data > MAX_MEMBERS and PLAIN not in comment_above(source, block.first).lower():
            yield block.first, f"{name}: {data} members: if it is {PLAIN}, its comment says so"
