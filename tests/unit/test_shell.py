"""The state of a session, carried through real shells; the test plays the host."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import venv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from daytona_rpc.host import shell, shelldump
from tests.harness import eventually

SHELLS = ("bash", "zsh", "dash", "ash")
FULL = ("bash", "zsh")  # with functions and arrays


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str
    saved: bool | None


class Host:
    """Starts the commands of one session the way the session host does."""

    def __init__(self, program: str, root: Path, env: Mapping[str, str]) -> None:
        self.program = program
        self.name = os.path.basename(program)
        self.home = root / "home"
        self.home.mkdir()
        self.directory = root / "state"
        base = {"HOME": str(self.home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", **env}
        self.state = shell.State.create(str(self.directory), str(self.home), base)
        self._count = 0

    def new_save(self) -> str:
        self._count += 1
        return str(self.directory / f"new-{self._count}")

    def start(
        self,
        text: str,
        save: str | None,
        cwd: str | None = None,
        env: Mapping[str, str | None] | None = None,
        stdin: bytes = b"",
    ) -> subprocess.Popen[bytes]:
        argv, environment, directory = shell.launch(
            self.program, text, self.state, save=save, cwd=cwd, env=env
        )
        return subprocess.Popen(
            argv,
            env={**environment, "DAYTONA_RPC_COMMAND_ID": "cmd-1", "DAYTONA_RPC_SESSION_ID": "s"},
            cwd=directory,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def run(
        self,
        text: str,
        *,
        cwd: str | None = None,
        env: Mapping[str, str | None] | None = None,
        stdin: bytes = b"",
        save: bool = True,
    ) -> Outcome:
        path = self.new_save() if save else None
        with self.start(text, path, cwd, env) as process:
            out, err = process.communicate(stdin)
        saved = self.state.commit(path) if path else None
        return Outcome(
            process.returncode, os.fsdecode(out).rstrip("\n"), os.fsdecode(err).rstrip("\n"), saved
        )

    def out(self, text: str, **more: object) -> str:
        """The output of a command that must end well and say nothing on stderr."""
        outcome = self.run(text, **more)  # type: ignore[arg-type]
        assert (0, "") == (outcome.code, outcome.err), outcome
        return outcome.out

    def bare(self, text: str) -> Outcome:
        """The same text in the same shell without us."""
        argv = [self.program, *(["-f"] if self.name == "zsh" else []), "-c", "--", text, self.name]
        done = subprocess.run(argv, env=self.state.env, cwd=self.home, capture_output=True, check=False)
        return Outcome(
            done.returncode, done.stdout.decode().rstrip("\n"), done.stderr.decode().rstrip("\n"), None
        )

    def restart(self) -> None:
        """What the next host of the session knows: the files."""
        self.state = shell.State.load(str(self.directory))


def program(name: str, root: Path) -> str:
    if name == "ash":
        busybox = shutil.which("busybox")
        if busybox:
            (root / "ash").symlink_to(busybox)
            return str(root / "ash")
    found = shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed here")
    return found


@pytest.fixture(params=SHELLS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Host:
    return Host(program(request.param, tmp_path), tmp_path, {})


@pytest.fixture(params=FULL)
def full(request: pytest.FixtureRequest, tmp_path: Path) -> Host:
    return Host(program(request.param, tmp_path), tmp_path, {})


@pytest.fixture
def bash(tmp_path: Path) -> Host:
    return Host(program("bash", tmp_path), tmp_path, {})


@pytest.fixture
def zsh(tmp_path: Path) -> Host:
    return Host(program("zsh", tmp_path), tmp_path, {})


# What carries over

CARRIED = {
    "directory": ("mkdir -p a; cd a", 'echo "${PWD##*/}"', "a"),
    "previous directory": ("mkdir -p a b; cd a; cd ../b", '(cd - >/dev/null; echo "${PWD##*/}")', "a"),
    "name of a linked directory": ("mkdir -p a; ln -s a link; cd link", 'echo "${PWD##*/}"', "link"),
    "exported variable": ("export E='dark  blue'", "env | grep ^E=", "E=dark  blue"),
    "variable no longer exported": (
        "export E=1; unset E; E=2",
        'echo "$E"; env | grep ^E= || echo none',
        "2\nnone",
    ),
    "unset variable": (
        "export E=1; unset E HOME LANG",
        'echo "${E-gone} ${HOME-gone} ${LANG-gone}"',
        "gone gone gone",
    ),
    "plain variable": ("p='a  b'", 'echo "$p"; env | grep ^p= || echo none', "a  b\nnone"),
    "value of many lines": ("p='one\n  two\n'\\''three'\\''\n\"four\" $x `y` \\\\'", 'echo "$p"', None),
    "exported value of many lines": (
        "export p='one\n  two\n'\\''three'\\''\n\"four\" $x `y` \\\\'",
        'echo "$p"',
        None,
    ),
    "empty value": ("p= ; export q=", 'echo "${p-unset}${q-unset}."', "."),
    "read-only variable": ("readonly p=1", '(p=2) 2>/dev/null; echo "$p"', "1"),
    "read-only exported variable": ("export p=1; readonly p", '(p=2) 2>/dev/null; echo "$p"', "1"),
    "alias": ("alias hi='echo \"it'\\''s\" me'", "hi", "it's me"),
    "removed alias": ("alias hi='echo hello'; unalias hi", "hi 2>/dev/null || echo none", "none"),
    "umask": ("umask 027", "umask -S", None),
    "errexit": ("set -e", "echo on; false; echo no", None),
    "nounset": ("set -u", '(echo "$nope") 2>/dev/null || echo unset', "unset"),
    "noclobber": ("set -C; : >there", "(: >there) 2>/dev/null || echo kept", "kept"),
    "allexport": ("set -a", "p=1; env | grep ^p=", "p=1"),
    "field separators": ("IFS=,", "p=1,2; set -- $p; echo $#", None),
    "no field separators": ("unset IFS", 'echo "${IFS-unset}"', "unset"),
    "search path": ("PATH=/bin:/usr/bin:/nowhere", 'echo "$PATH"', "/bin:/usr/bin:/nowhere"),
}


@pytest.mark.parametrize(("first", "then", "expected"), CARRIED.values(), ids=CARRIED)
def test_what_a_command_leaves_the_next_finds(
    host: Host, first: str, then: str, expected: str | None
) -> None:
    if expected is None:
        expected = host.bare(f"{first}\n{then}").out
    assert host.run(first).saved
    outcome = host.run(then)
    assert (expected, "", True) == (outcome.out, outcome.err, outcome.saved)
    host.restart()
    assert expected == host.run(then, save=False).out


FULLY_CARRIED = {
    "array": ("a=(x 'y z' '')", 'echo "${#a[@]}:${a[@]}"', "3:x y z "),
    "associative array": ("typeset -A m; m[k]='v  w'; m[l]=$'1\\n2'", 'echo "${m[k]}${m[l]}"', "v  w1\n2"),
    "integer": ("typeset -i i=3", '(i=i+1; echo "$i")', "4"),
    "exported integer": ("typeset -ix i=3", "(i=i+1; env | grep ^i=)", "i=4"),
    "lower-cased variable": ("typeset -l p=ABC", "p=DEF; echo $p", "def"),
    "control characters": ("p=$'\\a\\t\\e\\001\\x7f'; export q=$p", 'printf %s "$p$q" | od -An -tx1', None),
    "bytes that are no text": (
        "p=$'\\xff\\xfe'; export q=$p",
        'printf %s "$p$q" | od -An -tx1',
        " ff fe ff fe",
    ),
    "function": ('f() { echo "hello $1"; cat <<END\n$2\nEND\n}', "f you 'and me'", "hello you\nand me"),
    "function before an alias of its word": (
        "f() { hi; }; hi() { echo f; }; alias hi='echo a'",
        "f; hi",
        "f\na",
    ),
    "directory stack": (
        "mkdir -p a 'b c'; pushd a; pushd '../b c'",
        "(popd; popd) >/dev/null; dirs -p | grep -c .",
        "3",
    ),
    "option": ("set -o noglob", "echo *", "*"),
    "pipefail": ("set -o pipefail", "false | true; echo $?", "1"),
    "variable that looks like a declaration": (
        "p='\ndeclare -x q=1\nexport q=2'",
        'echo "${q-unset}"',
        "unset",
    ),
}


@pytest.mark.parametrize(("first", "then", "expected"), FULLY_CARRIED.values(), ids=FULLY_CARRIED)
def test_what_a_command_leaves_in_a_full_shell_the_next_finds(
    full: Host, first: str, then: str, expected: str | None
) -> None:
    if expected is None:
        expected = full.bare(f"({first}) >/dev/null; {first.replace('mkdir', ': ')} >/dev/null; {then}").out
    assert full.run(first).saved
    for _ in range(2):
        assert expected == full.out(then)


BASH_CARRIED = {
    "shell option": ("shopt -s nullglob", "echo [a-z].y end", "end"),
    "extended patterns in a function": (
        "shopt -s extglob\nf() { case $1 in @(a|b)) echo yes;; esac; }",
        "f a; shopt extglob",
        "yes\nextglob        \ton",
    ),
    "extended patterns switched off after": (
        "shopt -s extglob\nf() { case $1 in @(a|b)) echo yes;; esac; }\nshopt -u extglob",
        "declare -F f; shopt -q extglob || echo off; shopt -s extglob; f a; shopt -u extglob",
        "f\noff\nyes",
    ),
    "no aliases": ("alias hi='echo hello'; shopt -u expand_aliases", "hi 2>/dev/null || echo none", "none"),
    "posix mode": ("set -o posix", "[[ -o posix ]] && echo posix", "posix"),
    "exported function": ("f() { echo f; }; export -f f", "bash -c f", "f"),
    "read-only function": ("f() { echo f; }; readonly -f f", "f; unset -f f 2>/dev/null || f", "f\nf"),
    "reference": ("declare -n r=p; p=1", "r=2; echo $p", "2"),
    "case is ignored": ("shopt -s nocasematch", "[[ a == A ]] && echo same", "same"),
    "array with gaps": ("a[3]=x; a[7]='y z'", 'echo "${!a[@]} ${a[7]}"', "3 7 y z"),
    "array exported in vain": (
        "declare -ax a=(1 2)",
        'echo "${a[1]}"; env | grep ^a= || echo none',
        "2\nnone",
    ),
}


@pytest.mark.parametrize(("first", "then", "expected"), BASH_CARRIED.values(), ids=BASH_CARRIED)
def test_what_a_command_leaves_in_bash_the_next_finds(
    bash: Host, first: str, then: str, expected: str
) -> None:
    assert bash.run(first).saved
    for _ in range(2):
        assert expected == bash.out(then)


ZSH_CARRIED = {
    "option": ("setopt extendedglob", "[[ -o extendedglob ]] && echo on", "on"),
    "arrays from zero": ("setopt ksharrays; a=(x y)", "echo ${a[1]}", "y"),
    "braces ignored": ("setopt ignorebraces", "echo {a,b}", "{a,b}"),
    "global alias": ("alias -g UP='| tr a-z A-Z'", "echo hello UP", "HELLO"),
    "named directory": ("hash -d up=/usr", "echo ~up", "/usr"),
    "tied array": ("typeset -T LIST list; list=(a b)", "echo $LIST", "a:b"),
    "search path as an array": ("path+=/nowhere", "echo ${PATH##*:}", "/nowhere"),
    "autoloaded function": ("autoload -Uz is-at-least", "is-at-least 4 && echo yes", "yes"),
}


@pytest.mark.parametrize(("first", "then", "expected"), ZSH_CARRIED.values(), ids=ZSH_CARRIED)
def test_what_a_command_leaves_in_zsh_the_next_finds(zsh: Host, first: str, then: str, expected: str) -> None:
    assert zsh.run(first).saved
    for _ in range(2):
        assert expected == zsh.out(then)


def test_zshenv_is_read_once_and_what_a_session_changes_stays_changed(zsh: Host) -> None:
    (zsh.home / ".zshenv").write_text(
        "export PATH=/one:$PATH; export COLOUR=blue; n=$((n + 1)); export GIVEN=no\n"
    )
    assert "blue 1 yes" == zsh.out("echo $COLOUR $n $GIVEN; COLOUR=red", env={"GIVEN": "yes"})
    assert "red 1" == zsh.out("echo $COLOUR $n $GIVEN")
    assert 1 == zsh.out("echo $PATH").count("/one:")


def test_bash_env_is_read_once(bash: Host) -> None:
    (bash.home / "env").write_text("export COLOUR=blue; n=$((n + 1))\n")
    bash.state.env["BASH_ENV"] = str(bash.home / "env")
    assert "blue 1" == bash.out("echo $COLOUR $n; COLOUR=red")
    assert f"red 1 {bash.home}/env" == bash.out("echo $COLOUR $n $BASH_ENV")


@pytest.fixture(scope="module")
def virtual_env(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("venv")
    venv.EnvBuilder(with_pip=False, symlinks=True).create(path)
    return path


def test_a_virtual_environment_can_be_left_two_commands_later(full: Host, virtual_env: Path) -> None:
    before = full.out("command -v python3; echo $PATH")
    full.out(f"source {virtual_env}/bin/activate")
    assert f"{virtual_env}/bin/python3" == full.out("command -v python3")
    full.out("deactivate")
    assert before == full.out("command -v python3; echo $PATH")
    assert "unset" == full.out("echo ${VIRTUAL_ENV-unset}")


def test_functions_of_the_environment_are_there(bash: Host) -> None:
    bash.state.env["BASH_FUNC_f%%"] = "() { echo f; }"
    bash.state.env["BASH_FUNC_builtin%%"] = "() { echo never; }"
    for _ in range(2):
        assert "f\nf" == bash.out("f; bash -c f")


# The text

TEXTS = {
    "exit": "echo a; exit 3",
    "failure": "false",
    "errexit": "set -e; false; echo no",
    "nounset": "set -u; echo $nope; echo no",
    "unknown command": "nope",
    "unknown command on line 3": "\n\nnope",
    "line number": "\necho $LINENO",
    "arguments": 'echo "$#" "$0" "$*"',
    "status at the start": "echo $?",
    "empty": "",
    "blank": " \n\n ",
    "comment": "echo a # b",
    "backslash at the end": "echo a\\",
    "leading dash": "-x",
    "unclosed quote": 'echo a\necho "b',
    "here document": "cat <<END\n$((1 + 1))\nEND",
    "unclosed here document": "cat <<END\nb",
    "unmatched word": "echo a\nfi",
    "many lines": "if true\nthen echo a\n\nfi; for i in 1 2\ndo echo $i; done",
    "return at the top": "return 5",
    "standard error of the shell": "exec 2>/dev/null; nope; echo a >&2",
    "standard output of the shell": "exec >/dev/null; echo a",
    "closed outputs": "exec >&- 2>&-; true",
    "directory read": "echo *",
    "quotes": """echo 'a"b' "c'd" \\' \\" $'e'""",
    "options at the start": "echo $-",
    "descriptors": "ls -l /proc/self/fd | wc -l",
    "replaced shell": "exec sh -c 'exit 4'",
    "killed": "kill -9 $$",
    "terminated": "kill -TERM $$; echo no",
    "handled signal": "trap 'echo got; exit 7' TERM; kill -TERM $$; echo no",
    "parse only": "set -n; echo no",
    "subshells": "(echo a; exit 3); echo $?; a=$(exit 4); echo $?; (exit 5) & wait $!; echo $?",
    "exit trap": "trap 'echo bye $?' EXIT; echo a; false",
    "exit trap at an exit": "trap 'echo bye $?' EXIT; exit 6",
    "exit trap with errexit": "set -e; trap 'echo bye $?' EXIT; false",
    "exit trap of a subshell": "(trap 'echo bye' EXIT; exit 3); echo $?",
}


def neutral(text: str) -> str:
    """Without what an evaluated text is called in messages, and the trace is deeper by."""
    for ours, theirs in (("eval: ", ""), ("-c: ", ""), ("(eval):", "zsh:"), ("++ ", "+ ")):
        text = text.replace(ours, theirs)
    return re.sub(r"(zsh):[0-9]+", r"\1", text)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_text_behaves_as_in_the_shell_itself_and_breaks_nothing(host: Host, text: str) -> None:
    expected = host.bare(text)
    outcome = host.run("p=kept; export q=kept")
    outcome = host.run(text)
    expected_out = expected.out
    if text == TEXTS["options at the start"]:  # -c, -f and -s are ours to give
        outcome, expected = (
            Outcome(o.code, "".join(sorted(set(o.out) - set("csf"))), o.err, None)
            for o in (outcome, expected)
        )
        expected_out = expected.out
    codes = {expected.code, 2 if expected.code == 1 else expected.code}
    assert outcome.code in codes
    assert expected_out == outcome.out
    assert neutral(expected.err) == neutral(outcome.err)
    assert "kept kept" == host.out('set +eu; echo "$p $q"', save=False)


ENDS = {
    "normal": "true",
    "exit": "exit 3",
    "failure": "false",
    "errexit": "set -e; false",
    "nounset": "set -u; echo $nope",
    "exit trap": "trap 'echo bye' EXIT",
    "no exit trap": "trap - EXIT",
    "exit in the exit trap": "trap 'exit 4' EXIT",
    "background child": "sleep 60 >/dev/null 2>&1 </dev/null & echo $!",
    "subshell exits": "(exit 3)",
    "outputs closed": "exec >&- 2>&- <&-",
    "noglob and separators": "set -f; IFS=a/e",
    "no path": "unset PATH",
    "empty path": "PATH=",
    "tracing": "set -x",
    "verbose": "set -v",
    "no files for others": "umask 777",
    "error trap": "trap 'echo error' HUP INT; false",
    "noclobber": "set -C",
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_state_is_saved_however_a_command_ends(host: Host, end: str) -> None:
    outcome = host.run(f"mkdir a; cd a; p=1; export q=2\n{end}")
    if end == ENDS["background child"]:
        os.kill(int(outcome.out), signal.SIGKILL)
    assert "daytona" not in outcome.out + outcome.err
    assert outcome.saved
    assert "a 1 2" == host.run('{ set +evxu; } 2>/dev/null; echo "${PWD##*/} $p $q"').out


@pytest.mark.parametrize("end", ["exit 3", "set -e; false", "f() { exit 3; }; f", "set -x; (exit 1); exit 3"])
def test_bash_saves_state_when_a_text_with_an_exit_trap_exits(bash: Host, end: str) -> None:
    outcome = bash.run(f"p=1; trap 'echo bye $?' EXIT; {end}")
    assert f"bye {outcome.code}" == outcome.out
    assert outcome.saved
    assert "daytona" not in outcome.err
    assert "1" == bash.run("{ set +ex; } 2>/dev/null; declare -F trap; echo $p").out


@pytest.mark.parametrize("end", ["exit 3", "set -e; (exit 3)"])
def test_zsh_saves_state_when_a_text_with_an_exit_trap_exits(zsh: Host, end: str) -> None:
    outcome = zsh.run(f"p=1; trap 'echo bye $?' EXIT; {end}")
    assert (3, "bye 3") == (outcome.code, outcome.out)
    assert outcome.saved is ("set -e" not in end)  # there is no hook for that


OVERRIDES = [
    "cd", "eval", "set", "unset", "trap", "printf", "declare", "typeset",
    "export", "readonly", "alias", "umask", "read", "shopt", "source", "local",
    "return", "test", "command", "compgen", "print", "emulate", "setopt", "exit",
]  # fmt: skip


def test_functions_that_stand_in_for_builtins_are_in_nobodys_way(full: Host) -> None:
    names = [name for name in OVERRIDES if full.run(f"type {name}").code == 0]
    full.run("\n".join(f"function {name} {{ echo my {name}; }}" for name in names) + "\np=1 q=(2 3)")
    for _ in range(2):
        for name in ("cd", "printf", "trap", "eval"):
            outcome = full.run(f"{name} 1; echo $p ${{q[@]}}")
            assert (f"my {name}\n1 2 3", "", True) == (outcome.out, outcome.err, outcome.saved)


def test_a_function_named_builtin_is_not_carried_but_in_nobodys_way(full: Host) -> None:
    assert full.run("builtin() { echo mine; }; p=1").saved
    assert "1" == full.out("echo $p")


def test_aliases_that_stand_in_for_our_words_are_in_nobodys_way(host: Host) -> None:
    words = [
        "cd",
        "eval",
        "set",
        "unset",
        "trap",
        "printf",
        "export",
        "alias",
        "builtin",
        "command",
        "declare",
    ]
    host.run("p=1\n" + "\n".join(f"alias {word}='echo my'" for word in words))
    for _ in range(2):
        outcome = host.run("cd x; echo $p")
        assert ("my x\n1", "", True) == (outcome.out, outcome.err, outcome.saved)


def test_tracing_carries_over_and_shows_only_the_users_lines(host: Host) -> None:
    host.run("set -x")
    outcome = host.run("echo a; set +x")
    expected = host.bare("set -x\necho a; set +x")
    assert neutral(expected.err) == neutral(outcome.err)
    assert "b" == host.out("echo b")


def test_debug_and_error_traps_see_nothing_of_ours(bash: Host) -> None:
    outcome = bash.run(
        "trap 'echo \"[$BASH_COMMAND]\"' DEBUG; trap 'echo err' ERR; set -ET; f() { false; }; f; p=1"
    )
    assert "daytona" not in outcome.out + outcome.err
    assert "builtin" not in outcome.out + outcome.err
    assert "1" == bash.out("echo $p")


def test_nothing_of_ours_is_visible_to_the_text(host: Host) -> None:
    for _ in range(2):
        names = {
            "bash": "compgen -v; compgen -A function; compgen -A alias",
            "zsh": "print -l ${(k)parameters}",
        }
        listed = host.out(names.get(host.name, "set | grep -v ^PS") + "; env", env={"GIVEN": "1"})
        ours = [line for line in listed.splitlines() if "daytona" in line.lower()]
        assert ["DAYTONA_RPC_COMMAND_ID=cmd-1", "DAYTONA_RPC_SESSION_ID=s"] == sorted(
            line for line in ours if line.startswith("DAYTONA_RPC") and "=" in line and "'" not in line
        )
        assert not [line for line in ours if "__daytona" in line]


def test_a_text_reads_its_own_standard_input(host: Host) -> None:
    assert "one\ntwo" == host.out("read line; echo $line; cat", stdin=b"one\ntwo\n")


def test_a_text_too_long_for_an_argument_runs_all_the_same(host: Host) -> None:
    long = "x" * 150_000
    assert f"150000 0 1 {host.name}" == host.out(
        f"p='{long}'\necho ${{#p}} $# $LINENO $0".replace("$LINENO", "1")
    )
    assert "150000" == host.out("echo ${#p}")
    assert [] == [name for name in os.listdir(host.directory) if name.startswith("new")]


def test_values_too_long_for_execve_are_carried(host: Host) -> None:
    host.run(
        "export small=$(head -c 40000 /dev/zero | tr '\\0' y); "
        "export big=$(head -c 300000 /dev/zero | tr '\\0' x)"
    )
    host.restart()
    assert "300000 40000" == host.out("echo ${#big} ${#small}; unset big")
    assert "0 40000" == host.out("echo ${#big} ${#small}")
    assert "40000" == host.out("sh -c 'echo ${#small}'")


def descriptors(pid: int) -> set[str]:
    """What a process holds open; nothing while it changes that."""
    with contextlib.suppress(FileNotFoundError):
        return {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()}
    return set()


def programs(pid: int) -> set[str]:
    """What a process and its children run; nothing while one of them ends."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
        return {Path(f"/proc/{one}/comm").read_text("utf-8").strip() for one in (pid, *children)}
    return set()


def test_a_background_child_holds_nothing_of_ours_and_saves_nothing(host: Host) -> None:
    outcome = host.run("p=1; { sleep 60; p=2; cd /; } >/dev/null 2>&1 </dev/null & echo $!")
    pid = int(outcome.out)
    try:
        # A child begins with its shell's descriptors and puts its own in their places.
        eventually(lambda: {"/dev/null"} == descriptors(pid))
        assert "1" == host.out("echo $p")
    finally:
        os.killpg(os.getpgid(pid), signal.SIGKILL)


def test_a_terminated_shell_dies_of_the_signal_at_once(host: Host) -> None:
    save = host.new_save()
    with host.start("echo ready; sleep 60", save) as process:
        assert process.stdout is not None
        process.stdout.readline()
        # Between its two commands bash takes note of a signal and acts on it only after the next one;
        # `command/stop` reaches that one too.
        eventually(lambda: "sleep" in programs(process.pid))
        os.kill(process.pid, signal.SIGTERM)
        try:
            assert -signal.SIGTERM == process.wait(timeout=5)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    host.state.commit(save)
    assert "alive" == host.out("echo alive")


def test_an_interrupted_group_ends_by_the_signal(host: Host) -> None:
    with host.start("trap '' HUP; sh -c 'echo ready; exec sleep 60'; echo no", host.new_save()) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.killpg(process.pid, signal.SIGINT)
        assert -signal.SIGINT == process.wait(timeout=5)


def test_a_command_that_did_not_finish_saving_changes_nothing(host: Host) -> None:
    host.run("p=1; cd /usr")
    for text in ("p=2; cd /; kill -9 $$", "p=2; cd /; exec true"):
        assert host.run(text).saved is False
        assert "1 /usr" == host.out("echo $p $PWD")
    for cut in (0, 10, -1, -6):
        save = host.new_save()
        with host.start("p=2; cd /", save) as process:
            process.communicate()
        data = Path(save).read_bytes()
        Path(save).write_bytes(data[:cut])
        assert host.state.commit(save) is False
        assert not os.path.exists(save)
    assert "1 /usr" == host.out("echo $p $PWD")


# For one command alone


def test_what_is_given_for_one_command_is_gone_with_it(host: Host) -> None:
    host.run("export e=old; p=plain; unset n")
    given = {"e": "given", "p": "given", "n": "given", "HOME": None, "PATH": os.environ["PATH"] + ":/given"}
    text = 'echo "$e $p $n ${HOME-none} ${PATH##*:}"; env | grep -c "^[epn]=given"'
    assert "given given given none /given\n3" == host.out(text, env=given)
    assert f"old plain unset {host.home} no" == host.out(
        'case $PATH in */given) v=yes;; *) v=no;; esac; echo "$e $p ${n-unset} $HOME $v"; unset v'
    )
    assert "e=old" == host.out("env | grep '^[epn]='")
    host.restart()
    assert "old plain" == host.out('echo "$e $p"')


def test_what_a_command_changes_of_what_it_was_given_stays_changed(host: Host) -> None:
    host.run("export a=old b=old c=old d=old; e=old; f=old")
    given = {"a": "given", "b": "given", "c": None, "d": None, "e": "given", "f": None, "g": "given"}
    host.out("a=new; unset b; export c=new; d=new; e=new; f=new; h=$g", env=given)
    text = 'echo "$a ${b-unset} $c $d $e $f ${g-unset} $h"; env | grep "^[abcdefgh]=" | sort'
    expected = "new unset new new new new unset given\na=new\nc=new\ne=new"
    assert expected == host.out(text)


def test_what_is_given_survives_names_and_values_of_all_kinds(host: Host) -> None:
    value = "a  'b' \"c\" $d `e` \\ \n* \udcff ü"
    given = {"odd.name": "1", "x": value, "IFS": "b", "empty": ""}
    outcome = host.run('printf "%s|%s" "$x" "${empty-unset}"; env | grep ^odd', env=given)
    assert value + "|" in outcome.out
    host.out("x=1; readonly y=2", env={"y": "1"})
    assert "1 2" == host.out('echo "$x $y"')


def test_a_read_only_variable_can_be_given_for_one_command(host: Host) -> None:
    host.run("export r=1; readonly r")
    if host.name != "zsh":  # there the declaration carries the value
        assert "2" == host.out('echo "$r"', env={"r": "2"})
    assert "1" == host.out('(r=3) 2>/dev/null; echo "$r"')


def test_names_that_no_shell_knows_survive(host: Host) -> None:
    host.state.env["odd.name-1"] = "kept"
    host.run("true")
    host.restart()
    assert "kept" == host.state.env["odd.name-1"]


def test_a_directory_given_for_one_command_is_left_with_it(host: Host) -> None:
    host.run("mkdir a b; cd a; cd ../b")
    assert "/usr" == host.out("pwd", cwd="/usr")
    assert "b" == host.out('echo "${PWD##*/}"')
    assert "a" == host.out('cd - >/dev/null; echo "${PWD##*/}"; cd - >/dev/null')
    assert str(host.home / "a") == host.out("pwd", cwd="../a")
    assert str(host.home / "b") == host.out("pwd")
    host.out("cd ..", cwd="/usr/bin")
    assert "/usr" == host.out("pwd")


def test_a_directory_that_is_gone_does_not_end_the_session(host: Host) -> None:
    host.run("mkdir a; cd a; rmdir ../a; p=1")
    assert str(host.home / "a") == host.state.cwd
    assert "/usr 1" == host.out("echo $PWD $p", cwd="/usr")
    (host.home / "a").mkdir()
    assert str(host.home / "a") == host.out("pwd")


# Asynchronous commands


def test_a_command_without_a_save_leaves_no_trace(host: Host) -> None:
    host.run("p=1; alias hi='echo hi'; cd /usr")
    outcome = host.run("hi; echo $p $PWD; p=2; cd /; export e=1; trap", save=False)
    assert "hi\n1 /usr" == outcome.out
    assert "1 /usr unset" == host.out("echo $p $PWD ${e-unset}")


def test_a_command_keeps_the_state_of_the_moment_it_was_launched(host: Host) -> None:
    host.run("p=1; export e=1")
    argv, env, cwd = shell.launch(host.program, "echo $p $e", host.state)
    for number in range(2, 6):
        host.run(f"p={number}; e={number}; cd /usr")
    done = subprocess.run(argv, env=env, cwd=cwd, capture_output=True, check=True)
    assert b"1 1\n" == done.stdout


# Secrets and files


def test_keys_reach_each_command_and_never_the_disk(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAYTONA_API_KEY", "first-secret")
    monkeypatch.setenv("DAYTONA_JWT_TOKEN", "second-secret")
    for text in ("true", "export DAYTONA_API_KEY; p=1", "DAYTONA_JWT_TOKEN=own-secret", "trap 'p=3' EXIT"):
        assert host.run(text).saved
    assert "first-secret second-secret" == host.out("echo $DAYTONA_API_KEY $DAYTONA_JWT_TOKEN")
    host.run("readonly DAYTONA_API_KEY")
    monkeypatch.setenv("DAYTONA_API_KEY", "third-secret")
    assert "third-secret" == host.out("sh -c 'echo $DAYTONA_API_KEY'")
    monkeypatch.delenv("DAYTONA_API_KEY")
    assert "unset" == host.out("echo ${DAYTONA_API_KEY-unset}")
    for path in host.directory.iterdir():
        assert b"-secret" not in path.read_bytes()


def test_keys_are_not_kept_from_the_environment_a_session_is_made_with(tmp_path: Path) -> None:
    env = {"A": "1", "DAYTONA_API_KEY": "secret", "DAYTONA_RPC_COMMAND_ID": "cmd-1"}
    assert {"A": "1"} == shell.State.create(str(tmp_path / "state"), "/", env).env
    assert {"A": "1"} == shell.State.load(str(tmp_path / "state")).env


def test_values_of_variables_are_in_nobodys_arguments(host: Host) -> None:
    host.run("export e=hidden-1; p=hidden-2")
    text = 'tr "\\0" "\\n" </proc/$$/cmdline | grep -c "hidden-[1-3]"'
    assert "0" == host.run(text.replace("hidden", "hid[d]en"), env={"x": "hidden-3"}).out


def test_what_is_saved_is_for_the_owner_alone(host: Host) -> None:
    host.run("umask 0; p=1")
    host.run("p=2")
    assert 0o700 == host.directory.stat().st_mode & 0o777
    assert {0o600} == {path.stat().st_mode & 0o777 for path in host.directory.iterdir()}


def test_old_states_are_cleared_away(bash: Host) -> None:
    for _ in range(12):
        bash.run("true")
    assert 16 == len(os.listdir(bash.directory))


def test_the_next_host_starts_from_the_newest_whole_state(host: Host) -> None:
    host.run("p=1")
    host.run("p=2")
    (host.directory / "env.9").write_bytes(b"/usr\0A=1")  # cut short by a crash of the machine
    (host.directory / "new-7").write_text("left by a host that was killed")
    host.restart()
    assert "2" == host.out("echo $p")
    assert not (host.directory / "new-7").exists()


def test_a_state_that_is_not_there_is_an_error_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        shell.State.load(str(tmp_path))
    assert str(tmp_path) == caught.value.filename


def test_there_is_nothing_to_commit_of_a_command_that_was_not_launched(bash: Host) -> None:
    save = bash.new_save()
    with pytest.raises(OSError, match="holds"):
        shell.launch(bash.program, "\0", bash.state, save=save)
    assert bash.state.commit(save) is False


def test_a_terminal_of_one_command_is_not_forgotten_for_the_next(bash: Host) -> None:
    bash.state.env.pop("TERM", None)
    assert "dumb" == bash.out("echo $TERM")
    bash.state.env["TERM"] = "xterm"
    assert "xterm" == bash.out("echo $TERM")


def test_state_changes_nothing_when_it_cannot_be_written(bash: Host) -> None:
    save = bash.new_save()
    with bash.start("p=1", save) as process:
        process.communicate()
    (bash.directory / "vars.1").mkdir()
    assert bash.state.commit(save) is False
    (bash.directory / "vars.1").rmdir()
    assert "unset" == bash.out("echo ${p-unset}")


# Programs without a shell


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "tool").write_text("#!/bin/sh\necho tool in $PWD with $e\n")
    (folder / "tool").chmod(0o755)
    (folder / "data").write_text("no program\n")
    return folder


def test_a_program_starts_from_the_state_without_a_shell(bash: Host, scripts: Path) -> None:
    bash.run(f"cd /usr; export e='a b' PATH=$PATH:{scripts}; f() {{ echo f; }}; export -f f")
    argv, env, cwd = shell.launch_argv(["tool", "*"], bash.state, env={"n": "1"})
    assert ([f"{scripts}/tool", "*"], "/usr", "1") == (argv, cwd, env["n"])
    done = subprocess.run(argv, env=env, cwd=cwd, capture_output=True, check=True)
    assert b"tool in /usr with a b\n" == done.stdout
    argv, env, cwd = shell.launch_argv(["bash", "-c", "f"], bash.state)
    assert b"f\n" == subprocess.run(argv, env=env, cwd=cwd, capture_output=True, check=True).stdout


def test_a_program_is_looked_for_relative_to_the_commands_directory(bash: Host, scripts: Path) -> None:
    for argv, env in ((["./tool"], {}), (["tool"], {"PATH": "."}), (["tool"], {"PATH": "/nowhere::"})):
        found, _, cwd = shell.launch_argv(argv, bash.state, cwd=str(scripts), env=env)
        assert (str(scripts), True) == (cwd, os.path.samefile(found[0], scripts / "tool"))


@pytest.mark.parametrize("name", ["nope", "data", ""])
def test_a_program_that_is_not_there_is_an_error_with_its_name(bash: Host, scripts: Path, name: str) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        shell.launch_argv([name], bash.state, env={"PATH": str(scripts)})
    assert name == caught.value.filename


@pytest.mark.parametrize("text", ["a\0b", "\ud800"])
def test_what_no_process_can_be_given_is_refused(bash: Host, text: str) -> None:
    with pytest.raises(OSError, match="holds") as caught:
        shell.launch(bash.program, text, bash.state)
    assert "command" == caught.value.filename
    with pytest.raises(OSError, match="holds"):
        shell.launch(bash.program, "true", bash.state, env={"a": text})
    with pytest.raises(OSError, match="holds"):
        shell.launch_argv(["true", text], bash.state)
    with pytest.raises(OSError, match="name"):
        shell.launch(bash.program, "true", bash.state, env={"a=b": "1"})


# Which shell


def test_the_users_shell_is_taken_if_its_state_can_be_carried(tmp_path: Path) -> None:
    for name in ("bash", "zsh", "dash", "sh", "fish", "nologin"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    for name in ("bash", "zsh", "dash", "sh"):
        assert str(tmp_path / name) == shell.find_shell({"SHELL": str(tmp_path / name), "PATH": ""})
    for own in (str(tmp_path / "fish"), str(tmp_path / "nologin"), "bash", "/nowhere/zsh", ""):
        assert str(tmp_path / "bash") == shell.find_shell({"SHELL": own, "PATH": f"/nowhere:{tmp_path}"})


def test_without_bash_sh_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "_is_program", lambda path: False)
    assert "/bin/sh" == shell.find_shell({"SHELL": "/bin/bash"})


# Reading what shells print

VALUES = [
    b"",
    b"a b",
    b"'",
    b'"',
    b"\\",
    b"\\\\",
    b"a\\",
    b"$x `y` ${z}",
    b"\n",
    b"a\nb='c'\nexport d=\"e\"\n",
    b"=",
    b"a=b",
    b" lead and trail ",
    "ü€😀".encode(),
    bytes(range(1, 256)),
    b"'\"'\"'",
    b"$'a'",
    b"(a b)",
    b"#",
    b"~",
    b"!",
]


def test_every_value_survives_the_shells_quoting(host: Host) -> None:
    names = {f"e{number}": os.fsdecode(value) for number, value in enumerate(VALUES)}
    host.state.env.update(names)
    for _ in range(2):
        assert host.run("\n".join(f'p{name}=${name}; : "$p{name}"' for name in names)).saved
        assert names == {name: host.state.env[name] for name in names}
    with host.start("\n".join(f'printf "%s\\0" "$p{name}"' for name in names), None) as process:
        assert [*VALUES, b""] == process.communicate()[0].split(b"\0")


def test_old_quoting_is_read_too() -> None:
    old = b"""declare -a a='([0]="x y" [1]="z
")'\ndeclare -x v="one\ntwo \\"three\\" \\$four \\\\"\ndeclare -x w\numask 022\ndeclare -x no="1"\n"""
    found = list(shelldump.declarations(old))
    assert [b"a", b"v", b"w"] == [name for _, name, _, _ in found]
    assert b'one\ntwo "three" $four \\' == shelldump.unquote(found[1][2] or b"")
    assert found[2][2] is None
