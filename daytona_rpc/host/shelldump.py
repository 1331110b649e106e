"""Reading what a shell wrote of its state: declarations in shell quoting, as `declare -p` prints them.

The shell only prints, which is fast; choosing what to keep is done here. All is bytes: a value may be in any
encoding.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing has it: importing it costs more than all else here
if TYPE_CHECKING:
    from collections.abc import Iterator

    Map = dict[bytes, bytes]


END = b"=end"
_LONG_BYTES = 32 << 10
"""A longer exported value is kept in the variables too: execve takes no more than 128 KiB in one string."""

_ESCAPES = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
_ESCAPES[b"e"] = _ESCAPES[b"E"] = b"\33"
_OCTAL = b"01234567"

# What a shell sets by itself, or what means something to one process only.
_NOT_KEPT = frozenset(
    b"_ PWD SHLVL PPID LINENO RANDOM SECONDS OPTIND OPTARG COLUMNS LINES DAYTONA_API_KEY DAYTONA_JWT_TOKEN"
    b" DAYTONA_RPC_SESSION_ID DAYTONA_RPC_COMMAND_ID DAYTONA_RPC_SESSION_DIR"
    b" BASH BASHOPTS BASHPID BASH_ALIASES BASH_ARGC BASH_ARGV BASH_ARGV0 BASH_CMDS BASH_COMMAND"
    b" BASH_EXECUTION_STRING BASH_LINENO BASH_LOADABLES_PATH BASH_MONOSECONDS BASH_REMATCH BASH_SOURCE"
    b" BASH_SUBSHELL BASH_TRAPSIG BASH_VERSINFO BASH_VERSION BASH_XTRACEFD COMP_WORDBREAKS DIRSTACK"
    b" EPOCHREALTIME EPOCHSECONDS EUID FUNCNAME GROUPS HISTCMD PIPESTATUS SHELLOPTS SRANDOM UID"
    b" 0 EGID FUNCNEST GID TRY_BLOCK_ERROR TRY_BLOCK_INTERRUPT TTY USERNAME ZSH_ARGZERO"
    b" ZSH_EXECUTION_STRING ZSH_NAME ZSH_PATCHLEVEL ZSH_VERSION argv options parameters pipestatus signals"
    b" zshexit_functions".split()
)
_OWN = b"__daytona_rpc"
_DEFAULTS = (b"SHELL", b"TERM")  # not exported, they are bash's own idea


class Dump:
    """The state a shell left: working directory, exported variables, and statements that restore the rest."""

    def __init__(self, cwd: bytes, env: Map, variables: Map, rest: bytes) -> None:
        self.cwd = cwd
        self.env = env
        self.variables = variables
        """A statement for each variable that execve does not carry, or not wholly."""
        self.rest = rest


def read(kind: str, data: bytes) -> Dump:
    """Read what the epilogue of a kind of shell wrote.

    Raises:
        ValueError: it is incomplete: the shell was killed, or the disk is full.
    """
    parts = data.split(b"\0")
    if parts[-2:] != [END, b""]:
        raise ValueError("the shell did not finish saving its state")
    return _READERS[kind](parts[:-2])


def _read_bash(parts: list[bytes]) -> Dump:
    declared, functions, rest = parts
    env: Map = {}
    variables = {name: b"unset -v " + name for name in (b"PATH", b"IFS")}
    readonly = []
    cwd = b""
    for head, name, value, statement in declarations(declared):
        variables.pop(name, None)
        flags = head.split(b" ")[1]
        if name == b"PWD" and value is not None:
            cwd = unquote(value)
        if name in _NOT_KEPT or name.startswith(_OWN) or (name in _DEFAULTS and b"x" not in flags):
            continue
        if b"x" not in flags or b"a" in flags or b"A" in flags or b"n" in flags or value is None:
            variables[name] = statement
            continue
        env[name] = unquote(value)
        if len(env[name]) > _LONG_BYTES:
            variables[name] = statement
        elif flags != b"-x":
            variables[name] = b"declare %s %s" % (flags.replace(b"r", b""), name)
            if b"r" in flags:
                readonly.append(name)
    tail = [b"__daytona_rpc_readonly='%s'" % b" ".join(readonly)]
    for name, flags, body in _functions(functions):
        tail.append(b"\\builtin declare %s %s" % (flags, name))
        if b"x" in flags:
            env[b"BASH_FUNC_%s%%%%" % name] = b"() " + body
    return Dump(cwd, env, variables, rest + b"\n".join(tail) + b"\n")


def _functions(text: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Name, flags and body of each function that `export -fp` or `readonly -fp` printed."""
    at = 0
    while at < len(text):
        name = text[at : text.index(b" ()", at)]
        end = text.index(b"\ndeclare -", at)
        while not text[end + 1 :].split(b"\n", 1)[0].endswith(b" " + name):
            end = text.index(b"\ndeclare -", end + 1)  # part of the function
        line = text[end + 1 :].split(b"\n", 1)[0]
        yield name, line.split(b" ")[1], text[text.index(b"\n", at) + 1 : end]
        at = end + len(line) + 2


def _read_sh(parts: list[bytes]) -> Dump:
    options, declared, exported, readonly, aliases, rest = parts
    env: Map = {}
    variables = {name: b"unset -v " + name for name in (b"PATH", b"IFS")}
    cwd = b""
    for head, name, value, statement in declarations(declared):
        variables.pop(name, None)
        if name == b"PWD" and value is not None:
            cwd = unquote(value)
        if name not in _NOT_KEPT and not name.startswith(_OWN) and not head:
            variables[name] = statement
    for _, name, value, statement in declarations(exported):
        if name in _NOT_KEPT or name.startswith(_OWN):
            continue
        if value is None:
            variables.setdefault(name, statement)
            continue
        variables.pop(name, None)
        env[name] = unquote(value)
        if len(env[name]) > _LONG_BYTES:
            variables[name] = statement
    tail = [b"\\alias " + statement for _, _, _, statement in declarations(aliases)]
    locked = [name for _, name, _, _ in declarations(readonly) if name in env or name in variables]
    tail.append(b"__daytona_rpc_readonly='%s'" % b" ".join(locked))
    chosen = [line[7:] for line in options.split(b"\n") if line.startswith(b"set -o ")]
    kept = [b"-o " + option for option in chosen if option not in _NOT_TO_SET]
    tail.append(b"__daytona_rpc_set='%s'" % b" ".join(kept))
    return Dump(cwd, env, variables, rest + b"\n".join(tail) + b"\n")


def _read_zsh(parts: list[bytes]) -> Dump:
    declared, rest, cwd, *records = parts
    env = dict(record.split(b"=", 1) for record in records)
    variables = {name: b"unset " + name for name in _SET_BY_ZSH if name not in env}
    for head, name, _, statement in declarations(declared):
        variables.pop(head.split(b" ")[-1], None)  # the scalar an array is tied to
        if name not in _NOT_KEPT and not name.startswith(_OWN):
            variables[name] = statement
    env = {k: v for k, v in env.items() if k not in _NOT_KEPT and not k.startswith(_OWN)}
    return Dump(cwd, env, variables, rest)


_NOT_TO_SET = (b"noexec", b"interactive", b"stdin", b"privileged")
_SET_BY_ZSH = (b"PATH", b"IFS", b"HOME", b"LOGNAME")
_READERS = {"bash": _read_bash, "sh": _read_sh, "zsh": _read_zsh}


def declarations(text: bytes) -> Iterator[tuple[bytes, bytes, bytes | None, bytes]]:
    """Each declaration's words before the name, name, quoted value (None without one), and whole text.

    It ends at the first line that declares nothing.
    """
    at = 0
    while at < len(text):
        stop = text.find(b"\n", at)
        if stop < 0:
            stop = len(text)
        equals = text.find(b"=", at, stop)
        head, _, name = text[at : stop if equals < 0 else equals].rpartition(b" ")
        if head.startswith(b"umask") or not name:
            return
        value = None
        if equals >= 0:
            stop = _end_of_word(text, equals + 1, stop)
            value = text[equals + 1 : stop]
        yield head, name, value, text[at:stop]
        at = stop + 1


def _end_of_word(text: bytes, start: int, line_end: int) -> int:
    """Where the line ends that a quoted value beginning at `start` ends in: quotes may hold newlines."""
    quote = text[start : start + 1]
    if (quote == b"'" or (quote == b'"' and text.find(b"\\", start, line_end) < 0)) and (
        text.find(quote, start + 1) == line_end - 1
    ):
        return line_end  # the common case, fast
    at = start
    while at < len(text):
        char = text[at : at + 1]
        if char == b"\n":
            return at
        if char == b"'":
            at = text.index(b"'", at + 1) + 1
        elif char == b'"':
            at = _closing(text, at + 1, b'"') + 1
        elif text.startswith(b"$'", at):
            at = _closing(text, at + 2, b"'") + 1
        else:
            at += 2 if char == b"\\" else 1
    return len(text)


def _closing(text: bytes, at: int, quote: bytes) -> int:
    """Where the quote closes in which a backslash escapes."""
    while True:
        end = text.index(quote, at)
        escape = text.find(b"\\", at, end)
        if escape < 0:
            return end
        at = escape + 2


def unquote(word: bytes) -> bytes:
    """The value a quoted word of a declaration stands for."""
    if word.count(b'"') == 2 and word[:1] == word[-1:] == b'"' and b"\\" not in word:
        return word[1:-1]  # the common case, fast
    found = []
    at = 0
    while at < len(word):
        char = word[at : at + 1]
        if char == b"'":
            end = word.index(b"'", at + 1)
            found.append(word[at + 1 : end])
        elif char == b'"':
            end = _closing(word, at + 1, b'"')
            found.append(_unescape(word[at + 1 : end]))
        elif word.startswith(b"$'", at):
            end = _closing(word, at + 2, b"'")
            found.append(_unescape(word[at + 2 : end], ansi=True))
        elif char == b"\\":
            end = at + 1
            found.append(word[end : end + 1])
        else:
            end = at
            found.append(char)
        at = end + 1
    return b"".join(found)


def _unescape(text: bytes, ansi: bool = False) -> bytes:
    first, *others = text.split(b"\\")
    found = [first]
    pieces = iter(others)
    for piece in pieces:
        if piece == b"":  # an escaped backslash: what follows it is plain
            found.append(b"\\" + next(pieces, b""))
        elif not ansi:
            found.append(piece if piece[:1] in b'$`"' else b"\\" + piece)
        elif piece[0] in _OCTAL:
            digits = 1
            while digits < 3 and piece[digits : digits + 1] and piece[digits] in _OCTAL:
                digits += 1
            found.append(bytes([int(piece[:digits], 8) & 255]) + piece[digits:])
        else:
            found.append(_ESCAPES.get(piece[:1], piece[:1]) + piece[1:])
    return b"".join(found)
