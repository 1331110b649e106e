# Arranges that a session's shell state is saved, for shelldump.py to read, when the shell ends: the hook runs at any
# exit but one by errexit, the trap at that one too. Neither runs in a shell that is killed or replaced. Sourced by the
# prelude, so that it is parsed before the user's options and aliases are set, with the file to write as $1.
__daytona_rpc_exit() {
  {
    [[ $ZSH_SUBSHELL == 0 && -z ${__daytona_rpc_done-} ]] || return 0
    __daytona_rpc_done=1
    __daytona_rpc_on=("${(@k)options[(R)on]}") __daytona_rpc_env=() __daytona_rpc_odd=()
    unset -f builtin || :
    builtin emulate -L zsh -o extendedglob
    builtin unset DAYTONA_API_KEY DAYTONA_JWT_TOKEN
    builtin unset -fm zshexit 'TRAP*' __daytona_rpc_exit
    [[ -z ${DAYTONA_API_KEY-}${DAYTONA_JWT_TOKEN-} ]] || return 0
    [[ $PWD -ef . ]] || PWD=$(builtin pwd)
    __daytona_rpc_kept=(${(k)parameters[(R)^(*hide*|undefined|*readonly*special*|array*tied*special*|scalar*export*)]})
    for __daytona_rpc_n in ${(k)parameters[(R)*export*]}; do
      __daytona_rpc_env+=("$__daytona_rpc_n=${(P)__daytona_rpc_n}")
      # More than execve may take, or more than execve carries: the variables hold it too.
      if (( $#__daytona_rpc_env[-1] > 8000 )) || [[ $parameters[$__daytona_rpc_n] != scalar(-tied|)-export(-special|) ]]; then
        __daytona_rpc_kept+=($__daytona_rpc_n)
      fi
    done
    # typeset -p garbles what is not printable.
    for __daytona_rpc_n in $__daytona_rpc_kept; do
      [[ $parameters[$__daytona_rpc_n] == *special* || "${(Pkvj::)__daytona_rpc_n}" != *[^[:print:][:space:]]* ]] ||
        __daytona_rpc_odd+=($__daytona_rpc_n)
    done
    {
      builtin typeset -p -- ${__daytona_rpc_kept:|__daytona_rpc_odd}
      for __daytona_rpc_n in $__daytona_rpc_odd; do
        case $parameters[$__daytona_rpc_n] in
          association*) builtin print -r -- "typeset -A $__daytona_rpc_n; $__daytona_rpc_n=(" "${(@Pkvqq)__daytona_rpc_n}" ')' ;;
          array*) builtin print -r -- "typeset -a $__daytona_rpc_n; $__daytona_rpc_n=(" "${(@Pqq)__daytona_rpc_n}" ')' ;;
          *) builtin print -r -- "typeset $__daytona_rpc_n=${(Pqq)__daytona_rpc_n}" ;;
        esac
      done
      builtin print -rn -- $'\0umask '
      builtin umask
      (( ! $#dirstack )) || builtin print -r -- "dirstack=(${(@qq)dirstack})"
      builtin hash -dL
      builtin typeset -f
      builtin alias -L
      builtin alias -sL
      builtin print -r -- '__daytona_rpc_on=(' ${__daytona_rpc_on:#(exec|singlecommand)} ')'
      builtin print -rNn -- '' "$PWD" $__daytona_rpc_env '=end' ''
    } >|__daytona_rpc_file
  } >/dev/null 2>&1
}
functions[__daytona_rpc_exit]=${functions[__daytona_rpc_exit]/__daytona_rpc_file/${(qq)1}}
zshexit_functions=(__daytona_rpc_exit)
builtin trap '{ __daytona_rpc_exit } 2>/dev/null' EXIT
