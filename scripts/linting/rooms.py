"""Rules on the rooms of harness/: who may include whom, names, namespaces, which file implements what, air in bodies."""

import fnmatch
import os
import re

from linting.source import rule, tree_rule

# An include points only to the same room or to an earlier one (DESIGN.md, "The rooms").
ROOMS = ["base", "tree", "trace", "interpose", "import", "model", "run", "cases", "oracle", "finding", "search", "realfs", "lab",
         "explorers", "check", "gate", "report", "cli"]
# Within a room the same holds of its sub-folders, "." being the room's own files: an earlier group never includes a later
# one, and members of one group never include each other. Sub-folders that are not named may be included by their room only
# as tests do.
SUB_ROOMS = {
    "interpose": [["."], ["funnel"], ["preload", "ptrace"], ["testing"]],
    "model": [["."], ["testing"], ["litmus"]],
    "lab": [["."], ["testing"]],
    "explorers": [["."], ["power", "moments", "faults", "kill", "next_run", "old_states"]],
}
# room, or room/sub-folder -> the namespace of its files; "*" stands for all that are not named, {room} for the room's name.
# None: not checked yet.
ROOM_NAMESPACES = None
FOREIGN_NAMESPACES = {"std", "testing", "fmt", "CLI", "internal"}
# Families: files that share one header of their folder, besides foo_bar.cc, which may implement foo.h.
FAMILIES = {
    "harness/interpose/funnel/handle_*.cc": "handlers.h",
    "harness/interpose/testing/*_cases.cc": "cases.h",
    "harness/interpose/ptrace/seam.cc": "../funnel/seam.h",
}
MIN_BLANK_LINES = 5  # of 100 lines of function bodies


@rule("include-order")
def include_order(source):
    if not source.is_code or source.room is None:
        return
    for number, path in source.includes():
        room = path.split("/")[0]
        if room not in ROOMS or "/" not in path:
            continue
        if source.room not in ROOMS:
            yield number, f"{source.room}/ is not in the order of rooms"
        elif ROOMS.index(room) > ROOMS.index(source.room):
            yield number, f"{source.room}/ includes the later room {room}/"
        elif room == source.room:
            message = sub_room_problem(room, sub_room(source.parts[1:]), sub_room(path.split("/")))
            # The tests of a room may use what serves tests.
            if message and not (source.is_test and sub_room(path.split("/")) in ("testing", "litmus")):
                yield number, message


def sub_room(parts):
    return parts[1] if len(parts) > 2 else "."


def sub_room_problem(room, including, included):
    if including == included or room not in SUB_ROOMS:
        return None
    groups = SUB_ROOMS[room]

    def group_of(name):
        return next((i for i, group in enumerate(groups) if name in group), None)
    for name in (including, included):
        if group_of(name) is None:
            return f"{room}/{name}/ is not in the order of sub-folders"
    if group_of(including) == group_of(included):
        return f"{room}/{including}/ and {room}/{included}/ know nothing of each other"
    if group_of(included) > group_of(including):
        return f"{room}/{including}/ includes the later sub-folder {room}/{included}/".replace("/./", "/")
    return None


@tree_rule("include-cycle")
def include_cycle(sources):
    files = {"/".join(s.parts[1:]): s for s in sources if s.room is not None and s.is_code}
    graph = {name: [(line, path) for line, path in source.includes() if path in files] for name, source in files.items()}
    done, reported = set(), set()

    def visit(name, way):
        for line, path in graph[name]:
            if path in way:
                cycle = way[way.index(path):]
                if frozenset(cycle) not in reported:
                    reported.add(frozenset(cycle))
                    found.append((files[name].path, line, "a cycle of includes: " + " -> ".join([*cycle, path])))
            elif path not in done:
                visit(path, [*way, path])
        done.add(name)
    found = []
    for name in sorted(graph):
        if name not in done:
            visit(name, [name])
    return found


@tree_rule("doubled-name")
def doubled_name(sources):
    """A type of one name in two rooms: for readers two things of one name, in one namespace one thing for the linker."""
    places = {}
    for source in sources:
        if source.room is None:
            continue
        for block in source.blocks():
            if block.kind in ("type", "enum") and block.name and "" not in block.namespace() and "<" not in block.name:
                if all(b.kind == "namespace" for b in block.enclosing()):
                    places.setdefault(block.name, {}).setdefault(source.room, (source.path, block.first))
    for name, rooms in sorted(places.items()):
        (_, first), *others = sorted(rooms.items(), key=lambda item: ROOMS.index(item[0]) if item[0] in ROOMS else 99)
        for _, (path, line) in others:
            yield path, line, f"{name} is a type of {first[0]}:{first[1]} too"


@rule("room-namespace")
def room_namespace(source):
    if ROOM_NAMESPACES is None or source.room is None:
        return
    keys = [f"{source.room}/{sub_room(source.parts[1:])}", source.room, "*"]
    wanted = next((ROOM_NAMESPACES[key] for key in keys if key in ROOM_NAMESPACES), "").replace("{room}", source.room)
    parts = wanted.split("::")
    for block in source.blocks():
        names = "::".join(name for name in [*block.namespace(), block.name] if name).split("::")
        if block.kind != "namespace" or not block.name or names[0] in FOREIGN_NAMESPACES:
            continue
        if names != parts[:len(names)] and names[:len(parts)] != parts:
            yield block.first, f"namespace {'::'.join(names)}, but that of {os.path.dirname(source.path)}/ is {wanted}"
        elif names == parts[:len(names)] and len(names) < len(parts) and not any(
                b.kind == "namespace" and b.parent is block and b.name for b in source.blocks()):
            yield block.first, f"namespace {'::'.join(names)}, but that of {os.path.dirname(source.path)}/ is {wanted}"


@tree_rule("cc-without-h")
def cc_without_h(sources):
    headers = {source.path for source in sources if source.suffix == ".h"}
    for source in sources:
        if source.parts[0] not in ("harness", "targets") or source.suffix != ".cc":
            continue
        if not source.path.endswith(("_test.cc", "_main.cc")) and not has_header(source.path, headers):
            yield source.path, 1, "no header of its name: X_y.cc implements X.h or X_y.h, or a family named in scripts/linting/rooms.py"


def has_header(path, headers):
    folder, stem = os.path.dirname(path), os.path.basename(path).removesuffix(".cc")
    words = stem.split("_")
    names = ["_".join(words[:n]) + ".h" for n in range(len(words), 0, -1)]
    names += [header for pattern, header in FAMILIES.items() if fnmatch.fnmatchcase(path, pattern)]
    return any(os.path.normpath(os.path.join(folder, name)) in headers for name in names)


def air(sources):
    """{folder: (blank lines, lines)} of the function bodies of every room that are no tests."""
    out = {}
    for source in sources:
        if source.room is None or not source.is_cpp or source.is_test:
            continue
        folder = "harness/" + source.room
        for block in source.blocks():
            if block.kind == "function" and block.last - block.open_line > 1:
                body = source.lines[block.open_line:block.last - 1]
                blank, lines = out.get(folder, (0, 0))
                out[folder] = blank + sum(not line.strip() for line in body), lines + len(body)
    return out


@tree_rule("blank-lines")
def blank_lines(sources):
    for folder, (blank, lines) in sorted(air(sources).items()):
        # A handful of lines says nothing yet.
        if lines >= 100 and 100 * blank < MIN_BLANK_LINES * lines:
            yield folder, 1, (f"{100 * blank / lines:.1f} blank lines in 100 lines of function bodies, at least {MIN_BLANK_LINES}: "
                              "one between the steps, each with half a sentence of why")
