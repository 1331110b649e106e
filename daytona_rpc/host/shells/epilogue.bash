# Saves a session's shell state. Sourced at the end of a command, by the wrapper or its EXIT trap, with the directory
# to write to as $1, names given for this command alone as the others, $__daytona_rpc_s the exit status, _o and _b the options (set, shopt); output is off.
# POSIX mode has been switched on for the first lines: in it no function stands in for a special builtin.
\set +eufvxkCET
\unset -f builtin
\builtin trap - DEBUG ERR RETURN
\builtin unset -v POSIXLY_CORRECT
\builtin shopt -u expand_aliases nocasematch inherit_errexit shift_verbose

if [[ -z ${__daytona_rpc_done-} ]]; then
  __daytona_rpc_done=1
  __daytona_rpc_env=() __daytona_rpc_vars=() __daytona_rpc_attrs=() __daytona_rpc_ro= __daytona_rpc_w=$PWD
  [[ $PWD -ef . ]] || __daytona_rpc_w=$(\builtin pwd)

  \builtin compgen -v >|"$1/names"
  while \builtin read -r __daytona_rpc_n; do
    case $__daytona_rpc_n in
      __daytona_rpc* | _ | BASH | BASHOPTS | BASHPID | BASH_ALIASES | BASH_ARGC | BASH_ARGV | BASH_ARGV0 | BASH_CMDS | \
        BASH_COMMAND | BASH_EXECUTION_STRING | BASH_LINENO | BASH_LOADABLES_PATH | BASH_MONOSECONDS | BASH_REMATCH | BASH_SOURCE | \
        BASH_SUBSHELL | BASH_TRAPSIG | BASH_VERSINFO | BASH_VERSION | BASH_XTRACEFD | COLUMNS | COMP_WORDBREAKS | DIRSTACK | \
        EPOCHREALTIME | EPOCHSECONDS | EUID | FUNCNAME | GROUPS | HISTCMD | LINENO | LINES | MAPFILE | OPTARG | OPTIND | \
        PIPESTATUS | PPID | PWD | RANDOM | REPLY | SECONDS | SHELLOPTS | SHLVL | SRANDOM | UID | \
        DAYTONA_API_KEY | DAYTONA_JWT_TOKEN | DAYTONA_RPC_SESSION_ID | DAYTONA_RPC_COMMAND_ID) continue ;;
    esac
    if \builtin test -R "$__daytona_rpc_n"; then
      __daytona_rpc_vars+=("$__daytona_rpc_n")
      continue
    fi
    __daytona_rpc_a=${!__daytona_rpc_n@a}
    case $__daytona_rpc_a in
      *[aA]*) __daytona_rpc_vars+=("$__daytona_rpc_n") ;;
      *x*)
        __daytona_rpc_env+=("$__daytona_rpc_n=${!__daytona_rpc_n}")
        # More than execve may take: the variables hold it too.
        ((${#__daytona_rpc_env[-1]} < 8000)) || __daytona_rpc_vars+=("$__daytona_rpc_n")
        [[ $__daytona_rpc_a != x ]] || continue
        case $__daytona_rpc_a in *r*) __daytona_rpc_ro+=" $__daytona_rpc_n" __daytona_rpc_a=${__daytona_rpc_a//r/} ;; esac
        __daytona_rpc_attrs+=("declare -$__daytona_rpc_a $__daytona_rpc_n")
        ;;
      *) __daytona_rpc_vars+=("$__daytona_rpc_n") ;;
    esac
  done <"$1/names"

  {
    \builtin umask -p
    \builtin printf '%s\n' "${__daytona_rpc_attrs[@]}"
    [[ -n ${PATH+set} ]] || \builtin printf '%s\n' 'unset -v PATH'
    [[ -n ${IFS+set} ]] || \builtin printf '%s\n' 'unset -v IFS'
    [[ ${#__daytona_rpc_vars[@]} == 0 ]] || \builtin declare -p "${__daytona_rpc_vars[@]}"
    for ((__daytona_rpc_i = ${#DIRSTACK[@]} - 1; __daytona_rpc_i > 0; __daytona_rpc_i--)); do
      \builtin printf 'pushd -n -- %q\n' "${DIRSTACK[__daytona_rpc_i]}"
    done
    \builtin alias -p
    \builtin export -fp
    \builtin readonly -fp
    \builtin declare -f
    # From here on a function may stand in for anything but builtin.
    case :$__daytona_rpc_b: in *:expand_aliases:*) ;; *) \builtin printf '%s\n' '__daytona_rpc_aliases=' ;; esac
    __daytona_rpc_n=:$__daytona_rpc_b:
    __daytona_rpc_n=${__daytona_rpc_n//:expand_aliases:/:}
    \builtin printf '\\builtin shopt -u extglob\n\\builtin shopt -s %s\n' "${__daytona_rpc_n//:/ }"
    # Tracing begins in the text itself, or the wrapper would be traced. noexec and onecmd end a shell: not kept.
    __daytona_rpc_n=:$__daytona_rpc_o:
    case $__daytona_rpc_n in *:xtrace:*) \builtin printf '%s\n' "__daytona_rpc_pre+='\\builtin set -x;'" ;; esac
    case $__daytona_rpc_n in *:verbose:*) \builtin printf '%s\n' "__daytona_rpc_pre+='\\builtin set -v;'" ;; esac
    for __daytona_rpc_i in xtrace verbose noexec onecmd; do
      __daytona_rpc_n=${__daytona_rpc_n//:$__daytona_rpc_i:/:}
    done
    __daytona_rpc_n=${__daytona_rpc_n#:} __daytona_rpc_n=${__daytona_rpc_n%:}
    \builtin printf "__daytona_rpc_set='+o braceexpand +o hashall +o interactive-comments%s'\n" \
      "${__daytona_rpc_n:+ -o ${__daytona_rpc_n//:/ -o }}"
    \builtin printf "__daytona_rpc_readonly='%s'\n" "$__daytona_rpc_ro"
    \builtin printf '# end\n'
  } >|"$1/vars" && {
    \builtin printf '%s\0' "$__daytona_rpc_w" "${__daytona_rpc_env[@]}"
    \builtin declare -Fx >|"$1/names"
    while \builtin read -r __daytona_rpc_n __daytona_rpc_n __daytona_rpc_n; do
      __daytona_rpc_a=$(\builtin declare -f "$__daytona_rpc_n")
      \builtin printf 'BASH_FUNC_%s%%%%=() %s\0' "$__daytona_rpc_n" "${__daytona_rpc_a#*$'\n'}"
    done <"$1/names"
    for __daytona_rpc_n in "${@:2}"; do
      [[ ${!__daytona_rpc_n+set} != set || ${!__daytona_rpc_n@a} == *x* ]] || \builtin printf '=%s\0' "$__daytona_rpc_n"
    done
    \builtin printf '=end\0'
  } >|"$1/env"
fi

# The user's own EXIT trap, if there is one, runs next, under the options the command left.
\builtin eval "\\builtin shopt -s ${__daytona_rpc_b//:/ }"
\builtin eval "\\builtin set -o ${__daytona_rpc_o//:/ -o }; \\builtin return $__daytona_rpc_s"
