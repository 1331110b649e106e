# Saves a session's shell state, for shelldump.py to read. Sourced at the end of a command, by the wrapper or the
# EXIT trap, with the file to write as $1, $__daytona_rpc_s the exit status, _o and _b the options (set, shopt);
# output is off. POSIX mode has been switched on for the first lines: in it no function stands in for a special
# builtin. No fork, no loop: this runs after each synchronous command.
\set +eufvxkCET
\unset -f builtin
\builtin trap - DEBUG ERR RETURN
\builtin unset -v POSIXLY_CORRECT
\builtin shopt -u expand_aliases nocasematch inherit_errexit shift_verbose

if [[ -z ${__daytona_rpc_done-} ]]; then
  __daytona_rpc_done=1
  \builtin trap -p EXIT >|"$1"
  IFS= \builtin read -r -d '' __daytona_rpc_t <"$1"
  \builtin unset -v DAYTONA_API_KEY DAYTONA_JWT_TOKEN
  [[ $PWD -ef . ]] || PWD=$(\builtin pwd)
  [[ -n ${DAYTONA_API_KEY-}${DAYTONA_JWT_TOKEN-} ]] || {
    \builtin declare -p
    \builtin printf '\0'
    \builtin export -fp
    \builtin readonly -fp
    \builtin printf '\0'
    \builtin umask -p
    for ((__daytona_rpc_i = ${#DIRSTACK[@]} - 1; __daytona_rpc_i > 0; __daytona_rpc_i--)); do
      \builtin printf 'pushd -n -- %q\n' "${DIRSTACK[__daytona_rpc_i]}"
    done
    \builtin alias -p
    if \builtin declare -F trap >/dev/null && [[ $(\builtin declare -f trap) == *__daytona_rpc* ]]; then
      \builtin unset -f trap
    fi
    \builtin declare -f
    # From here on a function may stand in for anything but builtin.
    __daytona_rpc_n=:$__daytona_rpc_b:
    case $__daytona_rpc_n in *:expand_aliases:*) ;; *) \builtin printf '__daytona_rpc_aliases=\n' ;; esac
    __daytona_rpc_n=${__daytona_rpc_n//:expand_aliases:/:}
    \builtin printf '\\builtin shopt -u extglob\n\\builtin shopt -s %s\n' "${__daytona_rpc_n//:/ }"
    # Tracing begins in the text itself, or the wrapper would be traced. noexec and onecmd end a shell: not kept.
    __daytona_rpc_n=:$__daytona_rpc_o:
    case $__daytona_rpc_n in *:verbose:*) \builtin printf "__daytona_rpc_pre+='\\\\builtin set -v;'\n" ;; esac
    case $__daytona_rpc_n in *:xtrace:*) \builtin printf "__daytona_rpc_pre+='\\\\builtin set -x;'\n" ;; esac
    for __daytona_rpc_i in xtrace verbose noexec onecmd; do
      __daytona_rpc_n=${__daytona_rpc_n//:$__daytona_rpc_i:/:}
    done
    __daytona_rpc_n=${__daytona_rpc_n#:} __daytona_rpc_n=${__daytona_rpc_n%:}
    \builtin printf "__daytona_rpc_set='+o braceexpand +o hashall +o interactive-comments%s'\n" \
      "${__daytona_rpc_n:+ -o ${__daytona_rpc_n//:/ -o }}"
    \builtin printf '\0=end\0'
  } >|"$1"
fi

# The user's own EXIT trap, if there is one, runs next, under the options the command left, but for errexit: the status
# returned here must not end it. Ours has done its work.
if [[ $__daytona_rpc_t == *__daytona_rpc_s*"2>&1' EXIT"* ]]; then
  \builtin trap - EXIT
  \builtin return "$__daytona_rpc_s"
fi
\builtin eval "\\builtin shopt -s ${__daytona_rpc_b//:/ }"
\builtin eval "\\builtin set -o ${__daytona_rpc_o//:/ -o } +e"
\builtin return "$__daytona_rpc_s"
